"""Products by relevance (rule T3): their order is frozen where it goes on beyond the first page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError, CursorExpiredError
from gateway.graphql.connections import Connection, Paging, fingerprint, page_in_memory, page_of, place_of
from gateway.graphql.inputs import ProductFilter
from gateway.graphql.loads import catalog as loads
from gateway.model.catalog import Product
from gateway.model.ids import new_id
from gateway.storage import finding, rankings
from gateway.storage.finding import ProductQuery
from gateway.storage.rankings import MOST_HITS, Ranking


async def products_by_relevance(
    context: Context, query: ProductQuery, filter_: ProductFilter | None, paging: Paging, mark: str
) -> Connection[Product]:
    """The page; of an order that is kept for those who read on."""
    key = _key(context, query, filter_)
    cursors = [cursor for cursor in (paging.after, paging.before) if cursor is not None]
    if cursors:
        ranking = await _frozen(context, key, _ranking_id(cursors, mark))
    else:
        ranking = await context.read(rankings.fresh, key, context.now)
    if ranking is None:
        page = await page_of(context, finding.products_matching(query), paging, mark)
        if cursors or not (page.page_info.has_next_page or page.page_info.has_previous_page):
            return page
        ranking = await _freeze(context, query, key)
    return await _page(context, query, ranking, paging, mark)


def _key(context: Context, query: ProductQuery, filter_: ProductFilter | None) -> str:
    """The same for everybody who searches for the same, however it is written."""
    search = query.search and (sorted(query.search.words[:-1]), query.search.words[-1:], query.search.sku_key)
    seller = context.channel(query.channel)
    return fingerprint("ranking", query.everything, query.descending, search, query.channel, seller, _normal(filter_))


def _normal(value: Any) -> Any:
    """A filter without regard to the order of its lists."""
    if is_dataclass(value):
        return tuple((field.name, _normal(getattr(value, field.name))) for field in fields(value))
    return tuple(sorted({repr(_normal(one)) for one in value})) if isinstance(value, list | tuple) else value


def _ranking_id(cursors: Sequence[str], mark: str) -> str | None:
    """The ranking that these cursors are of; None: of a list that was not frozen, because it had one page."""
    places = [place_of(cursor, mark, int, str) for cursor in cursors]
    found = {key.partition(".")[0] if isinstance(value, int) else None for value, key in places}
    if len(found) > 1:
        raise BadUserInputError("These cursors are of two different lists.")
    return found.pop()


async def _frozen(context: Context, key: str, id_: str | None) -> Ranking | None:
    if id_ is None:
        return None
    ranking = await context.read(rankings.by_id, id_, key, context.now)
    if ranking is None:
        raise CursorExpiredError("This list was kept for some minutes only: search again from its first page.")
    return ranking


async def _freeze(context: Context, query: ProductQuery, key: str) -> Ranking:
    ids = await context.read(finding.product_ids, query, MOST_HITS)
    ranking = Ranking(new_id(context.now), ids)
    await context.write(rankings.freeze, ranking, key, context.now)
    return ranking


async def _page(
    context: Context, query: ProductQuery, ranking: Ranking, paging: Paging, mark: str
) -> Connection[Product]:
    """What has been merged into something else, or is not visible any more, is left out."""
    page = page_in_memory([(f"{ranking.id}.{id_}", id_) for id_ in ranking.ids], paging, mark)
    found = await context.load_all(loads.products, page.nodes)
    kept = [one if one is not None and one.id == id_ else None for one, id_ in zip(found, page.nodes, strict=True)]
    if len(ranking.ids) < MOST_HITS:
        return page.holding(kept)
    return replace(page.holding(kept), rows=finding.products_matching(query))
