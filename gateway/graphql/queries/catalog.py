"""The catalogue."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, fingerprint, page_of
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import ProductFilter, ProductIdentifierInput, ProductSort, ProductVariantFilter
from gateway.graphql.loads import catalog as loads
from gateway.graphql.queries import filters
from gateway.graphql.queries.filters import present
from gateway.graphql.queries.ranked import products_by_relevance
from gateway.model.catalog import Category, Product, Variant
from gateway.model.channels import Resource
from gateway.storage import catalog as stored
from gateway.storage import finding

ListedIn = Annotated[
    str | None,
    strawberry.argument(description="Key of a channel: only what it lists, and its prices and stock count."),
]


async def categories(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    parent_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="Those right below this one. Without it the roots.")
    ] = None,
) -> Connection[Category]:
    parent = None if parent_id is None else row_id("Category", parent_id)
    rows, paging = stored.categories_below(parent), Paging(first, after, last, before)
    return await page_of(context, rows, paging, fingerprint("categories", parent))


async def products(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    channel_key: ListedIn = None,
    search: Annotated[
        str | None,
        strawberry.argument(
            description="Words that must all be there, the last one perhaps unfinished; a SKU or GTIN."
        ),
    ] = None,
    filter: Annotated[ProductFilter | None, strawberry.argument(description="Which products.")] = None,
    sort: Annotated[
        ProductSort | None,
        strawberry.argument(description="In which order. Default: by RELEVANCE with `search`, else by TITLE."),
    ] = None,
) -> Connection[Product]:
    query = filters.products(context, channel_key, search, filter, sort)
    mark = fingerprint("products", channel_key, search, filter, sort)
    asked = (Resource.PRODUCTS, filters.sources(context, query.channel, query.channels))
    paging = Paging(first, after, last, before)
    if query.sort == "RELEVANCE":
        page = await products_by_relevance(context, query, filter, paging, mark)
    else:
        page = await page_of(context, finding.products_matching(query), paging, mark)
    return replace(page, asked=asked, query=query)


async def product(
    context: Context,
    *,
    by: Annotated[ProductIdentifierInput, strawberry.argument(description="Which one.")],
) -> Product | None:
    id_, handle = present(by.id), present(by.handle)
    if id_ is not None:
        (found,) = await context.load_all(loads.products, [row_id("Product", id_)])
        return found  # type: ignore[no-any-return]
    return await context.read(stored.product_by_handle, handle or "", context.sees_all_products)


async def product_variants(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    channel_key: ListedIn = None,
    filter: Annotated[ProductVariantFilter | None, strawberry.argument(description="Which variants.")] = None,
) -> Connection[Variant]:
    rows = stored.variants_matching(filters.variants(context, channel_key, filter))
    mark = fingerprint("productVariants", channel_key, filter)
    return await page_of(context, rows, Paging(first, after, last, before), mark)
