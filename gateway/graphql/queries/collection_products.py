"""The products of collections: the same list as that of all products, within a collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, NamedTuple

import strawberry

from gateway.execution.context import Context, raise_first
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, load_pages
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.filters import select_source_channels
from gateway.graphql.inputs import ProductFilter, ProductSort
from gateway.graphql.product_filters import build_product_query
from gateway.graphql.queries.catalog import ListedInChannel, ProductSearch, load_product_list
from gateway.graphql.smart_collections import build_filter, build_sort, has_selection, select_channel
from gateway.model.catalog import Collection, CollectionKind, Product
from gateway.model.channels import Resource
from gateway.storage.reads import product_search
from gateway.storage.reads.product_search import POSITION, ProductQuery

Filter = Annotated[ProductFilter | None, strawberry.argument(description="Filter for the products.")]
CollectionSort = Annotated[
    ProductSort | None,
    strawberry.argument(
        description="Sort order. Default: RELEVANCE with `search`, otherwise POSITION: the order of the channel or of "
        "the configuration."
    ),
]


class ListArguments(NamedTuple):
    """The arguments of a list of products."""

    channel: str | None
    search: str | None
    filter: ProductFilter | None
    sort: ProductSort | None
    paging: Paging

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the list: the same for a collection alone and among others, so that its cursors are."""
        return compute_fingerprint("Collection.products", self.channel, self.search, self.filter, self.sort)

    @property
    def is_by_position(self) -> bool:
        """Whether the client asks for the order of the collection."""
        return self.sort is not None and self.sort.key.value == POSITION

    @property
    def is_descending(self) -> bool:
        """Whether the client asks for the descending direction."""
        return self.sort is not None and self.sort.direction.value == "DESC"


async def load_products_of_collections(
    context: Context,
    collections: Sequence[Collection],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    channel_key: ListedInChannel = None,
    search: ProductSearch = None,
    filter: Filter = None,
    sort: CollectionSort = None,
) -> Sequence[Connection[Product]]:
    """Load the products of each collection: those of several channels' collections with one statement for all."""
    arguments = ListArguments(channel_key, search, filter, sort, Paging(first, after, last, before))
    manual = [one for one in collections if one.kind is CollectionKind.MANUAL]
    smart = [one for one in collections if one not in manual]
    lists = await context.wait_for_all([_load_smart_list(context, one, arguments) for one in smart])
    pages = dict(zip(smart, raise_first(lists), strict=True))
    if len(manual) > 1:
        pages |= await _load_manual_lists(context, manual, arguments)
    elif manual:
        pages[manual[0]] = await _load_manual_list(context, manual[0], arguments)
    return [pages[one] for one in collections]


# ------------------------------------------------------------------------------------------------ of channels


async def _load_manual_list(context: Context, collection: Collection, arguments: ListArguments) -> Connection[Product]:
    query = replace(_build_manual_query(context, arguments), collection=collection.id)
    return await load_product_list(context, query, arguments.filter, arguments.paging, arguments.fingerprint)


async def _load_manual_lists(
    context: Context, collections: Sequence[Collection], arguments: ListArguments
) -> dict[Collection, Connection[Product]]:
    """Load a page of each collection. A search finds no similar words, which it would count for each."""
    query = _build_manual_query(context, arguments)
    rows = product_search.search_products_of_collections(query)
    ids = [collection.id for collection in collections]
    pages = await load_pages(context, rows, ids, arguments.paging, arguments.fingerprint)
    sources = (Resource.PRODUCTS, select_source_channels(context, query.channel, query.channels))
    return {
        collection: replace(page, source_channels=sources, query=replace(query, collection=collection.id))
        for collection, page in zip(collections, pages, strict=True)
    }


def _build_manual_query(context: Context, arguments: ListArguments) -> ProductQuery:
    sort = None if arguments.is_by_position else arguments.sort
    query = build_product_query(context, arguments.channel, arguments.search, arguments.filter, sort)
    if arguments.is_by_position or (sort is None and query.search is None):
        return replace(query, sort=POSITION, descending=arguments.is_descending)
    return query


# ------------------------------------------------------------------------------------------------ of the configuration


async def _load_smart_list(context: Context, collection: Collection, arguments: ListArguments) -> Connection[Product]:
    """Load a page of a collection of the configuration: of the products that match its filter."""
    table = context.gateway.settings.collections[collection.id]
    channel = select_channel(context, table, arguments.channel)
    sort = build_sort(table, is_reversed=arguments.is_descending) if arguments.is_by_position else arguments.sort
    if sort is None and not (arguments.search or "").strip():
        sort = build_sort(table)
    filter_ = build_filter(context, table)
    listed_in = None if arguments.channel is None else context.require_channel(arguments.channel)
    if listed_in in (None, channel) and arguments.filter is None and not has_selection(table):
        query = build_product_query(context, channel, arguments.search, filter_, sort)
        return await load_product_list(context, query, filter_, arguments.paging, arguments.fingerprint)
    query = build_product_query(context, listed_in or channel, arguments.search, arguments.filter, sort)
    within = build_product_query(context, channel, None, filter_, None)
    query = replace(query, within=within, smart_key=collection.id)
    return await load_product_list(context, query, arguments.filter, arguments.paging, arguments.fingerprint)
