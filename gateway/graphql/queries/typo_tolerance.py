"""Typo tolerance of product searches: when a search also matches words with one letter wrong (rule T5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from gateway.execution.context import Context
from gateway.graphql.connections import Connection, Paging
from gateway.model.catalog import Product
from gateway.storage.reads.product_search import ProductQuery
from gateway.storage.reads.similar_words import add_similar_words

Load = Callable[[ProductQuery], Awaitable[Connection[Product]]]


async def load_tolerant_page(
    context: Context, query: ProductQuery, load: Load, paging: Paging
) -> tuple[Connection[Product], ProductQuery]:
    """Load a page of a search that also finds words similar to the rare ones and, if a first page is empty, to all."""
    query = await _add_similar_words(context, query, to_all=False)
    page = await load(query)
    if query.search is None or page.edges or paging.after is not None or paging.before is not None:
        return page, query
    tolerant = await _add_similar_words(context, query, to_all=True)
    return (page, query) if tolerant == query else (await load(tolerant), tolerant)


async def _add_similar_words(context: Context, query: ProductQuery, *, to_all: bool) -> ProductQuery:
    if query.search is None:
        return query
    found = await context.read(add_similar_words, query.search, query.visibility, to_all=to_all)
    return replace(query, search=found)
