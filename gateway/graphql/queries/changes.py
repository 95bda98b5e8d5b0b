"""Resolver of the change feed: clients that maintain a local copy read changed objects again (rule L2)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Any, NamedTuple

import strawberry

from gateway.execution.context import Batch, Context
from gateway.execution.errors import BadUserInputError, CursorExpiredError
from gateway.graphql.arguments import First, declare_argument
from gateway.graphql.connections import Connection, Paging, build_log_page, get_page_size
from gateway.graphql.cursors import ListCursors, compute_fingerprint
from gateway.graphql.loaders.catalog import load_categories, load_listings, load_products, load_variants
from gateway.graphql.loaders.collections import load_collections
from gateway.graphql.loaders.stock import ALL_LOCATIONS, StockKey, load_stocks
from gateway.model.change_feed import Change, ChangeKind, ChangeType
from gateway.model.ids import GlobalId, is_row_id
from gateway.storage.change_log import ReaderBehindError
from gateway.storage.reads import change_feed
from gateway.storage.reads.change_feed import ChangePage, LogPosition, SubjectChange

LOADERS: dict[str, tuple[str, Batch]] = {
    "PRODUCT": ("Product", load_products),
    "PRODUCT_VARIANT": ("ProductVariant", load_variants),
    "LISTING": ("Listing", load_listings),
    "CATEGORY": ("Category", load_categories),
    "COLLECTION": ("Collection", load_collections),
}
"""GraphQL types and loaders of changed objects, by the kind of the change; stock is loaded separately."""

LISTED_TYPES = ("PRODUCT", "PRODUCT_VARIANT", "LISTING")

Since = Annotated[
    str | None,
    strawberry.argument(
        description="Returns changes after this cursor, the `pageInfo.endCursor` of an earlier result. Without it the "
        "result is empty and `endCursor` is the current end of the feed: request it first, then read all objects."
    ),
]


MAX_TYPES = 50


class ResolvedChange(NamedTuple):
    """A change with the global IDs of the object: at the time of the change, and now (None: the object is gone)."""

    change: SubjectChange
    then: GlobalId
    now: GlobalId | None


async def resolve_changes(
    context: Context,
    *,
    first: First = None,
    after: Since = None,
    types: Annotated[
        list[ChangeType],
        declare_argument("Types of the objects, at least one.", max_items=MAX_TYPES),
    ],
    channel_key: Annotated[
        str | None,
        strawberry.argument(
            description="Key of a channel. Returns objects that it lists or has listed, and stock that it can sell."
        ),
    ] = None,
) -> Connection[Change]:
    if not types:
        raise BadUserInputError("types must contain at least one type.")
    kinds = sorted({type_.value for type_ in types})
    channel, size = context.resolve_channel(channel_key), get_page_size(Paging(first))
    cursors = ListCursors.build(context, compute_fingerprint("changes", kinds, channel_key))
    if after is None:
        end = await context.read(change_feed.get_head)
        return build_log_page([], _encode_position(end), cursors, has_next=False, has_previous=False)
    stretch = await _read_changes(context, _decode_position(after, cursors), kinds, size)
    resolved = await _resolve_all(context, stretch.changes, channel)
    listed = await _filter_by_channel(context, await _filter_collections(context, resolved, channel_key), channel_key)
    return _build_page(listed, stretch, size, cursors)


async def _read_changes(context: Context, since: LogPosition, kinds: Collection[str], size: int) -> ChangePage:
    try:
        return await context.read(change_feed.read_changes, since, kinds, size)
    except ReaderBehindError as error:
        raise CursorExpiredError("The cursor has expired. Read all objects again from a new cursor.") from error


def _encode_position(position: LogPosition) -> tuple[int, str]:
    return position.pos, str(position.read)


def _decode_position(cursor: str, cursors: ListCursors) -> LogPosition:
    pos, read = cursors.decode(cursor, int)
    if not (isinstance(pos, int) and read.isdecimal() and read.isascii() and len(read) < 10):
        raise BadUserInputError("The cursor is invalid.")
    return LogPosition(pos, int(read))


# ------------------------------------------------------------------------------------------------ changed objects


async def _resolve_all(context: Context, changes: Sequence[SubjectChange], channel: str) -> list[ResolvedChange]:
    """Resolve the objects of changes; a change of a stock count can affect several variants, or none yet."""
    resolved: dict[SubjectChange, list[ResolvedChange]] = {}
    for kind, (type_name, batch) in LOADERS.items():
        of_kind = [change for change in changes if change.kind == kind]
        nodes = await context.load_all(batch, [change.subject for change in of_kind])
        resolved |= {
            change: [_resolve_node(change, type_name, node)] for change, node in zip(of_kind, nodes, strict=True)
        }
    resolved |= await _resolve_stocks(context, [change for change in changes if change.kind == "STOCK"], channel)
    return [item for change in changes for item in resolved[change]]


def _resolve_node(change: SubjectChange, type_name: str, node: Any) -> ResolvedChange:
    now = None if node is None else GlobalId(type_name, (node.id,))
    return ResolvedChange(change, GlobalId(type_name, (change.subject,)), now)


async def _resolve_stocks(
    context: Context, changes: Sequence[SubjectChange], channel: str
) -> dict[SubjectChange, list[ResolvedChange]]:
    if not changes:
        return {}
    ids_by_item = await context.read(change_feed.find_variants_of_stock, [change.subject for change in changes])
    ids = sorted({id_ for item_ids in ids_by_item.values() for id_ in item_ids})
    stocks = await context.load_all(load_stocks, [StockKey(id_, channel, None) for id_ in ids])
    visible = {id_ for id_, stock in zip(ids, stocks, strict=True) if stock is not None}
    return {
        change: [
            _resolve_stock(change, id_, channel, visible=id_ in visible) for id_ in ids_by_item.get(change.subject, ())
        ]
        for change in changes
    }


def _resolve_stock(change: SubjectChange, variant_id: str, channel: str, *, visible: bool) -> ResolvedChange:
    stock_id = GlobalId("Stock", (variant_id, channel, ALL_LOCATIONS))
    return ResolvedChange(change, stock_id, stock_id if visible else None)


async def _filter_by_channel(
    context: Context, resolved: Sequence[ResolvedChange], channel: str | None
) -> Sequence[ResolvedChange]:
    """Leave out objects that the channel has never listed."""
    if channel is None:
        return resolved
    listed: set[tuple[str, str]] = set()
    for kind in LISTED_TYPES:
        ids = {_get_current_key(item) for item in resolved if item.change.kind == kind}
        if ids:
            listed |= {(kind, id_) for id_ in await context.read(change_feed.filter_listed_in, channel, kind, ids)}
    return [
        item
        for item in resolved
        if item.change.kind not in LISTED_TYPES or (item.change.kind, _get_current_key(item)) in listed
    ]


async def _filter_collections(
    context: Context, resolved: Sequence[ResolvedChange], channel: str | None
) -> Sequence[ResolvedChange]:
    """Leave out collections of other channels, and of those that the caller does not see; those of the configuration
    stay as far as it sees them.
    """
    ids = [item.then.key for item in resolved if item.change.kind == "COLLECTION" and is_row_id(item.then.key)]
    channels = await context.read(change_feed.find_channels_of_collections, ids) if ids else {}

    def is_listed(item: ResolvedChange) -> bool:
        if item.change.kind != "COLLECTION":
            return True
        owner = channels.get(item.then.key)
        if owner is None:
            return item.now is not None
        return channel in (None, owner) and context.can_see_channel(owner)

    return [item for item in resolved if is_listed(item)]


def _get_current_key(resolved: ResolvedChange) -> str:
    return (resolved.now or resolved.then).key


# ------------------------------------------------------------------------------------------------ page


def _build_page(
    resolved: Sequence[ResolvedChange], stretch: ChangePage, size: int, cursors: ListCursors
) -> Connection[Change]:
    """Build a page with each object once, as it is read in its current state.

    A page never ends between the objects of one change, so it can have more than `size` items.
    """
    by_id: dict[GlobalId, ResolvedChange] = {}
    end, has_next = stretch.until, not stretch.end
    for item in resolved:
        if len(by_id) >= size and item.change not in {other.change for other in by_id.values()}:
            end, has_next = list(by_id.values())[-1].change.after, True
            break
        by_id.setdefault(item.then, item)
    items = [(_encode_position(item.change.after), _build_change(item)) for item in by_id.values()]
    return build_log_page(items, _encode_position(end), cursors, has_next=has_next, has_previous=True)


def _build_change(resolved: ResolvedChange) -> Change:
    merged = resolved.now is not None and resolved.now != resolved.then
    kind = ChangeKind.DELETED if resolved.now is None else ChangeKind.MERGED if merged else ChangeKind.UPSERTED
    replaced_by = str(resolved.now) if merged else None
    return Change(node_id=str(resolved.then), kind=kind, replaced_by=replaced_by, occurred_at=resolved.change.at)
