"""Resolvers of products, variants, listings and categories."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import strawberry

from gateway.execution.context import Context
from gateway.execution.text_inputs import COMPARED
from gateway.graphql.arguments import SEARCH_COST, After, Before, First, Last, declare_argument
from gateway.graphql.connections import Connection, Paging, load_page
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.filters import build_listing_query, build_variant_query, select_source_channels, unwrap
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.inputs import (
    ListingFilter,
    ProductFilter,
    ProductIdentifierInput,
    ProductSort,
    ProductVariantFilter,
)
from gateway.graphql.loaders.catalog import load_products
from gateway.graphql.product_filters import build_product_query
from gateway.graphql.queries.relevance import load_page_by_relevance
from gateway.graphql.queries.typo_tolerance import load_tolerant_page
from gateway.model.catalog import Category, Listing, Product, Variant
from gateway.model.channels import Resource
from gateway.storage.reads import catalog, product_search
from gateway.storage.reads.product_search import ProductQuery
from gateway.storage.sql.keyset import Page, Window

CHANNEL_FILTER_COST = 100
"""Cost of the products or variants of one channel: its offers are joined and sorted."""

ProductSearch = Annotated[
    str | None,
    declare_argument(
        "Search text: words that must all match, the last one as a prefix; or a SKU or GTIN. A rare word also "
        "matches words that differ by one letter, after all others.",
        cost=SEARCH_COST,
        metadata=COMPARED,
    ),
]

ListedInChannel = Annotated[
    str | None,
    declare_argument(
        "Key of a channel. Returns what the channel lists; prices and stock are those of the channel.",
        cost=CHANNEL_FILTER_COST,
    ),
]


async def resolve_categories(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    parent_id: Annotated[
        strawberry.ID | None,
        strawberry.argument(description="ID of the parent category. Default: the root categories."),
    ] = None,
) -> Connection[Category]:
    parent = None if parent_id is None else parse_row_id("parentId", "Category", parent_id)
    rows, paging = catalog.list_subcategories(parent, context.visibility), Paging(first, after, last, before)
    return await load_page(context, rows, paging, compute_fingerprint("categories", parent))


async def resolve_products(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    channel_key: ListedInChannel = None,
    search: ProductSearch = None,
    filter: Annotated[ProductFilter | None, strawberry.argument(description="Filter for the products.")] = None,
    sort: Annotated[
        ProductSort | None,
        strawberry.argument(description="Sort order. Default: RELEVANCE with `search`, otherwise TITLE."),
    ] = None,
) -> Connection[Product]:
    query = build_product_query(context, channel_key, search, filter, sort)
    fingerprint = compute_fingerprint("products", channel_key, search, filter, sort)
    return await load_product_list(context, query, filter, Paging(first, after, last, before), fingerprint)


def can_store_ranking(*, search: str | None = None, **_arguments: Any) -> bool:
    """Return whether a list of products may have to be stored, so that its further pages have the same order."""
    return search is not None


async def load_product_list(
    context: Context, query: ProductQuery, filter_: ProductFilter | None, paging: Paging, fingerprint: str
) -> Connection[Product]:
    """Load a page of the products of a query. `filter_`: as the client gave it."""
    source_channels = (Resource.PRODUCTS, select_source_channels(context, query.channel, query.channels))
    page, query = await load_tolerant_page(
        context, query, lambda it: _load_products(context, it, filter_, paging, fingerprint), paging
    )
    return replace(page, source_channels=source_channels, query=query)


async def _load_products(
    context: Context, query: ProductQuery, filter_: ProductFilter | None, paging: Paging, fingerprint: str
) -> Connection[Product]:
    if query.sort == "RELEVANCE":
        return await load_page_by_relevance(context, query, filter_, paging, fingerprint)
    # which words are similar can change with the catalog, so the page of a search cannot be checked
    check = None if query.search is not None else partial(product_search.read_positions, query=query)
    is_known = check is not None and context.generation is not None and context.gateway.known_products.is_enabled
    read = partial(_read_known_page, context, query) if is_known else None
    rows = product_search.search_products(query)
    return await load_page(context, rows, paging, fingerprint, read_positions=check, read_page=read)


async def _read_known_page(context: Context, query: ProductQuery, window: Window) -> Page[Product]:
    """Read a page of products, of which those that are known are not read again (rule E4)."""
    known = context.gateway.known_products
    find = known.find if known.count else None
    found = await context.read(product_search.read_known_page, window, query, find)
    known.keep(found.known)
    if context.generation is not None:
        known.add(found.read, context.generation)
    return found.page


async def resolve_category(
    context: Context, *, handle: Annotated[str, strawberry.argument(description="Handle of the category.")]
) -> Category | None:
    return await context.read(catalog.find_category_by_handle, handle, context.visibility)


async def resolve_product(
    context: Context,
    *,
    by: Annotated[ProductIdentifierInput, strawberry.argument(description="Identifies the product.")],
) -> Product | None:
    id_, handle = unwrap(by.id), unwrap(by.handle)
    if id_ is not None:
        (product,) = await context.load_all(load_products, [parse_row_id("by.id", "Product", id_)])
        return product  # type: ignore[no-any-return]
    return await context.read(catalog.find_product_by_handle, handle or "", context.visibility)


async def resolve_product_variants(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    channel_key: ListedInChannel = None,
    filter: Annotated[ProductVariantFilter | None, strawberry.argument(description="Filter for the variants.")] = None,
) -> Connection[Variant]:
    rows = catalog.search_variants(build_variant_query(context, channel_key, filter))
    fingerprint = compute_fingerprint("productVariants", channel_key, filter)
    return await load_page(context, rows, Paging(first, after, last, before), fingerprint)


async def resolve_listings(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    channel_key: Annotated[
        str | None, strawberry.argument(description="Key of a channel. Returns the listings of that channel.")
    ] = None,
    filter: Annotated[ListingFilter | None, strawberry.argument(description="Filter for the listings.")] = None,
) -> Connection[Listing]:
    rows = catalog.search_listings(build_listing_query(context, channel_key, filter))
    fingerprint = compute_fingerprint("listings", channel_key, filter)
    return await load_page(context, rows, Paging(first, after, last, before), fingerprint)
