"""Typo tolerance of product searches: when a search also matches words with one letter wrong (rule T5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from gateway.execution.context import Context
from gateway.graphql.connections import Connection, Paging
from gateway.model.catalog import Product
from gateway.storage.reads.product_search import ProductQuery, find_product_ids
from gateway.storage.reads.similar_words import add_similar_words

Load = Callable[[ProductQuery], Awaitable[Connection[Product]]]


async def load_tolerant_page(
    context: Context, query: ProductQuery, load: Load, paging: Paging
) -> tuple[Connection[Product], ProductQuery]:
    """Load a page of a search that also finds words similar to the rare ones and, if it finds nothing, to all.

    Returns:
        The page, and the query that found it.
    """
    if query.search is None:
        return await load(query), query
    query = await _add_similar_words(context, query, to_all=False)
    if paging.after is None and paging.before is None:
        page = await load(query)
        if page.edges:
            return page, query
        tolerant = await _add_similar_words(context, query, to_all=True)
        return (page, query) if tolerant == query else (await load(tolerant), tolerant)
    if not await context.read(find_product_ids, query, 1):
        query = await _add_similar_words(context, query, to_all=True)
    return await load(query), query


async def _add_similar_words(context: Context, query: ProductQuery, *, to_all: bool) -> ProductQuery:
    if query.search is None:
        return query
    found = await context.read(add_similar_words, query.search, query.visibility, to_all=to_all)
    return replace(query, search=found)
