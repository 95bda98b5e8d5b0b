"""The change log, for apps that keep a copy: consumers read again what has changed (rule L2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Any, NamedTuple

import strawberry

from gateway.execution.context import Batch, Context
from gateway.execution.errors import BadUserInputError, CursorExpiredError
from gateway.graphql.arguments import First
from gateway.graphql.connections import Connection, Paging, fingerprint, page_up_to, place_of, size_of
from gateway.graphql.loads import catalog
from gateway.graphql.loads.stock import StockKey, stocks_by_key
from gateway.graphql.types.stock import EVERYWHERE
from gateway.model.changes import Change, ChangeKind, ChangeType
from gateway.model.ids import GlobalId
from gateway.storage import changes as stored
from gateway.storage.changes import Changed, Spot, Stretch
from gateway.storage.log import ReaderBehindError

NODES: dict[str, tuple[str, Batch]] = {
    "PRODUCT": ("Product", catalog.products),
    "PRODUCT_VARIANT": ("ProductVariant", catalog.variants),
    "LISTING": ("Listing", catalog.listings),
    "CATEGORY": ("Category", catalog.categories),
}
"""By kind: the type of what changed, and how it is read."""

OF_CHANNELS = ("PRODUCT", "PRODUCT_VARIANT", "LISTING")

Since = Annotated[
    str | None,
    strawberry.argument(
        description="What has changed after this cursor, `pageInfo.endCursor` of an earlier answer. Without it nothing "
        "is listed, and `endCursor` is where to go on from: take that first, and read everything after it."
    ),
]


class Seen(NamedTuple):
    """Something that changed, and what is there now. `now`: its global id, or None."""

    change: Changed
    then: GlobalId
    now: GlobalId | None


async def changes(
    context: Context,
    *,
    first: First = None,
    after: Since = None,
    types: Annotated[list[ChangeType], strawberry.argument(description="Changes of what. At least one.")],
    channel_key: Annotated[
        str | None,
        strawberry.argument(
            description="Key of a channel: only what it lists or has listed, and stock as it may sell it."
        ),
    ] = None,
) -> Connection[Change]:
    if not types:
        raise BadUserInputError("types names at least one type.")
    kinds = sorted({one.value for one in types})
    channel, size = context.channel(channel_key), size_of(Paging(first))
    mark = fingerprint("changes", kinds, channel_key)
    if after is None:
        end = await context.read(stored.here)
        return page_up_to([], _place(end), mark, more=False, begun=False)
    found = await _stretch(context, _spot(after, mark), kinds, size)
    seen = [one for one in await _seen(context, found.changed, channel) if one is not None]
    return _page(await _listed(context, seen, channel_key), found, size, mark)


async def _stretch(context: Context, since: Spot, kinds: Collection[str], size: int) -> Stretch:
    try:
        return await context.read(stored.stretch, since, kinds, size)
    except ReaderBehindError as error:
        raise CursorExpiredError("What follows this cursor is no longer kept: read everything anew.") from error


def _place(spot: Spot) -> tuple[int, str]:
    return spot.pos, str(spot.read)


def _spot(cursor: str, mark: str) -> Spot:
    pos, read = place_of(cursor, mark, int)
    if not (isinstance(pos, int) and read.isdecimal() and read.isascii() and len(read) < 10):
        raise BadUserInputError("This is not a cursor of this gateway.")
    return Spot(pos, int(read))


# ------------------------------------------------------------------------------------------------ what is there now


async def _seen(context: Context, changed: Sequence[Changed], channel: str) -> list[Seen | None]:
    """What these changes are changes of; one count may be that of several variants, or of none yet."""
    found: dict[Changed, list[Seen]] = {}
    for kind, (type_name, batch) in NODES.items():
        some = [one for one in changed if one.kind == kind]
        nodes = await context.load_all(batch, [one.subject for one in some])
        found |= {one: [_node(one, type_name, node)] for one, node in zip(some, nodes, strict=True)}
    found |= await _stocks(context, [one for one in changed if one.kind == "STOCK"], channel)
    return [seen for one in changed for seen in found[one]]


def _node(change: Changed, type_name: str, node: Any) -> Seen:
    now = None if node is None else GlobalId(type_name, (node.id,))
    return Seen(change, GlobalId(type_name, (change.subject,)), now)


async def _stocks(context: Context, changed: Sequence[Changed], channel: str) -> dict[Changed, list[Seen]]:
    of = await context.read(stored.variants_with_stock, [one.subject for one in changed]) if changed else {}
    ids = sorted({id_ for some in of.values() for id_ in some})
    stocks = await context.load_all(stocks_by_key, [StockKey(id_, channel, None) for id_ in ids])
    shown = {id_ for id_, one in zip(ids, stocks, strict=True) if one is not None}
    return {one: [_stock(one, id_, channel, id_ in shown) for id_ in of.get(one.subject, ())] for one in changed}


def _stock(change: Changed, variant: str, channel: str, shown: bool) -> Seen:
    id_ = GlobalId("Stock", (variant, channel, EVERYWHERE))
    return Seen(change, id_, id_ if shown else None)


async def _listed(context: Context, seen: Sequence[Seen], channel: str | None) -> Sequence[Seen]:
    """Without what the channel never had to do with."""
    if channel is None:
        return seen
    known: set[tuple[str, str]] = set()
    for kind in OF_CHANNELS:
        ids = {_current(one) for one in seen if one.change.kind == kind}
        if ids:
            here = await context.read(stored.listed_in, channel, kind, ids)
            known |= {(kind, id_) for id_ in here}
    return [one for one in seen if one.change.kind not in OF_CHANNELS or (one.change.kind, _current(one)) in known]


def _current(seen: Seen) -> str:
    return (seen.now or seen.then).key


# ------------------------------------------------------------------------------------------------ the page


def _page(seen: Sequence[Seen], found: Stretch, size: int, mark: str) -> Connection[Change]:
    """Each thing once, because it is read as it is now; and never half of what one count is of."""
    kept: dict[GlobalId, Seen] = {}
    upto, more = found.upto, not found.end
    for one in seen:
        if len(kept) >= size and one.change not in {other.change for other in kept.values()}:
            upto, more = list(kept.values())[-1].change.after, True
            break
        kept.setdefault(one.then, one)
    items = [(_place(one.change.after), _change(one)) for one in kept.values()]
    return page_up_to(items, _place(upto), mark, more=more, begun=True)


def _change(seen: Seen) -> Change:
    merged = seen.now is not None and seen.now != seen.then
    kind = ChangeKind.DELETED if seen.now is None else ChangeKind.MERGED if merged else ChangeKind.UPSERTED
    replaced = str(seen.now) if merged else None
    return Change(node_id=str(seen.then), kind=kind, replaced_by=replaced, occurred_at=seen.change.at)
