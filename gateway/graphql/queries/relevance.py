"""Products by relevance (rule T3). If there is more than one page, the order is frozen as a ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError, CursorExpiredError
from gateway.graphql.connections import Connection, Paging, load_page, slice_page
from gateway.graphql.cursors import ListCursors, compute_fingerprint
from gateway.graphql.inputs import ProductFilter
from gateway.graphql.loaders.catalog import load_products
from gateway.model.catalog import Product
from gateway.model.ids import generate_id
from gateway.storage.reads import product_search, search_snapshots
from gateway.storage.reads.product_search import ProductQuery
from gateway.storage.reads.search_snapshots import MAX_HITS, SearchSnapshot
from gateway.storage.sql.product_matches import is_sort_key

_EXPIRED = "The search results have expired. Search again from the first page."


async def load_page_by_relevance(
    context: Context, query: ProductQuery, filter_: ProductFilter | None, paging: Paging, fingerprint: str
) -> Connection[Product]:
    """Load a page of the search results; pages after the first are read from a frozen ranking."""
    key = _build_ranking_key(context, query, filter_)
    cursors = [cursor for cursor in (paging.after, paging.before) if cursor is not None]
    if cursors:
        context.cache_policy.is_uncacheable = True
        ranking = await _find_ranking(context, key, _parse_ranking_id(cursors, ListCursors.build(context, fingerprint)))
    else:
        ranking = await context.read(search_snapshots.find_recent, key, context.now)
    if ranking is None:
        page = await load_page(context, product_search.search_products(query), paging, fingerprint)
        if cursors or not (page.page_info.has_next_page or page.page_info.has_previous_page):
            return page
        ranking = await _freeze_ranking(context, query, key)
    return await _load_ranked_page(context, query, ranking, paging, fingerprint)


def _build_ranking_key(context: Context, query: ProductQuery, filter_: ProductFilter | None) -> str:
    """Build the key of a ranking: equal for equivalent searches of all clients."""
    search = query.search and (sorted(query.search.words[:-1]), query.search.words[-1:], query.search.sku_key)
    seller = context.resolve_channel(query.channel)
    tolerant = ("tolerant",) if query.search is not None and query.search.is_tolerant else ()
    return compute_fingerprint(
        "ranking",
        query.visibility,
        query.descending,
        search,
        query.channel,
        seller,
        _normalize(filter_),
        *tolerant,
        *query.scope,
    )


def _normalize(value: Any) -> Any:
    """Return a filter in a form that does not depend on the order of its lists."""
    if is_dataclass(value):
        return tuple((field.name, _normalize(getattr(value, field.name))) for field in fields(value))
    return tuple(sorted({repr(_normalize(item)) for item in value})) if isinstance(value, list | tuple) else value


def _parse_ranking_id(given: Sequence[str], cursors: ListCursors) -> str | None:
    """Return the ID of the ranking that the cursors belong to; None: the list had one page and was not frozen.

    Raises:
        CursorExpiredError: the list was in an order of an earlier version.
    """
    positions = [cursors.decode(cursor, int, str) for cursor in given]
    if not all(isinstance(value, int) or is_sort_key(value) for value, _ in positions):
        raise CursorExpiredError(_EXPIRED)
    ids = {key.partition(".")[0] if isinstance(value, int) else None for value, key in positions}
    if len(ids) > 1:
        raise BadUserInputError("The cursors belong to different lists.")
    return ids.pop()


async def _find_ranking(context: Context, key: str, id_: str | None) -> SearchSnapshot | None:
    if id_ is None:
        return None
    ranking = await context.read(search_snapshots.find_snapshot, id_, key, context.now)
    if ranking is None:
        raise CursorExpiredError(_EXPIRED)
    return ranking


async def _freeze_ranking(context: Context, query: ProductQuery, key: str) -> SearchSnapshot:
    ids = await context.read(product_search.find_product_ids, query, MAX_HITS)
    ranking = SearchSnapshot(generate_id(context.now), ids)
    await context.write(search_snapshots.store_snapshot, ranking, key, context.now)
    return ranking


async def _load_ranked_page(
    context: Context, query: ProductQuery, ranking: SearchSnapshot, paging: Paging, fingerprint: str
) -> Connection[Product]:
    """Load a page of a ranking, without products that were merged or are no longer visible."""
    cursors = ListCursors.build(context, fingerprint)
    page = slice_page([(f"{ranking.id}.{id_}", id_) for id_ in ranking.ids], paging, cursors)
    products = await context.load_all(load_products, page.nodes)
    unmerged = [
        product if product is not None and product.id == id_ else None
        for product, id_ in zip(products, page.nodes, strict=True)
    ]
    if len(ranking.ids) < MAX_HITS:
        return page.replace_nodes(unmerged)
    return replace(page.replace_nodes(unmerged), rows=product_search.search_products(query))
