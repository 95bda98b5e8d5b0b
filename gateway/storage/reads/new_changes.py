"""New changes: what other transactions have logged since a position, for caches (rule E3)."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import AnyRow, BulkSelect
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.tables import changes, listings, log_head, stock, variants

MAX_NEW_CHANGES = 1_000
"""Rows that are read at once. A reader that is further behind starts over."""


@dataclass(frozen=True, slots=True)
class LogMark:
    """How far a reader has read the change log.

    Attributes:
        position: rows up to this position are read.
        unstamped: ids of rows that were read before they had a position.
    """

    position: int
    unstamped: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class NewChanges:
    """Changes since a mark.

    Attributes:
        is_complete: whether these are all; else the reader has missed some, and starts over at the new mark.
        kinds: the kinds of the changed subjects.
        product_ids: ids of the products that have changed, or of which a variant or listing has; None: of any.
        stocked_ids: ids of the products and variants whose stock has changed; None: of any.
    """

    mark: LogMark
    is_complete: bool
    kinds: AbstractSet[str] = frozenset()
    product_ids: Collection[str] | None = ()
    stocked_ids: Collection[str] | None = ()


HEAD = 0
"""Id of the row that has the position of the newest stamped row."""

_columns = (changes.c.id, changes.c.pos, changes.c.kind, changes.c.subjects)
_stamped = sa.select(*_columns).where(changes.c.pos > sa.bindparam("position", type_=sa.BigInteger))
_unread = DriverSelect(
    sa.union_all(
        sa.select(
            sa.literal(HEAD).label("id"), log_head.c.pos, sa.literal("").label("kind"), sa.null().label("subjects")
        ),
        _stamped,
        sa.select(*_columns).where(changes.c.pos.is_(None)),
    ).limit(MAX_NEW_CHANGES + 2)
)
_head = sa.select(log_head.c.pos)
_unstamped = sa.select(changes.c.id).where(changes.c.pos.is_(None))
_stocked = BulkSelect(
    sa.select(stock.c.id, listings.c.product_id, listings.c.variant_id)
    .select_from(stock)
    .join(
        listings,
        sa.and_(listings.c.channel == stock.c.channel, listings.c.inventory_item == stock.c.item),
        isouter=True,
    ),
    stock.c.id,
)

_product_of = {
    "PRODUCT_VARIANT": BulkSelect(sa.select(variants.c.id, variants.c.product_id), variants.c.id),
    "LISTING": BulkSelect(sa.select(listings.c.id, listings.c.product_id), listings.c.id),
}
SHARED_KINDS = ("CATEGORY", "CHANNEL")
"""Kinds of subjects that any product may show."""


def read_new_changes(conn: Connection, mark: LogMark | None) -> NewChanges:
    """Read the changes since a mark; None: the reader is new.

    A committed row has no position yet, or one beyond the mark: none is missed, in whatever order transactions commit.
    """
    if mark is None:
        return _start_over(conn)
    found = _unread.fetch(conn, {"position": mark.position})
    if len(found) > MAX_NEW_CHANGES + 1:
        return _start_over(conn)
    rows = [row for row in found if row.id != HEAD]
    stamped = [row.pos for row in rows if row.pos is not None]
    (head,) = (row.pos for row in found if row.id == HEAD)
    if min(stamped, default=max(head, mark.position) + 1) != mark.position + 1:  # some were pruned
        return _start_over(conn)
    new = [row for row in rows if row.id not in mark.unstamped]
    unstamped = frozenset(row.id for row in rows if row.pos is None)
    reached = LogMark(max(stamped, default=mark.position), unstamped)
    kinds = {row.kind for row in new}
    return NewChanges(reached, True, kinds, _find_products(conn, new), _find_stocked(conn, new))


def _start_over(conn: Connection) -> NewChanges:
    position = conn.scalar(_head) or 0
    return NewChanges(LogMark(position, frozenset(conn.scalars(_unstamped))), False)


def _find_products(conn: Connection, rows: Sequence[AnyRow]) -> Collection[str] | None:
    """Find the products that these changes are of; None: of any, or a variant or listing is not stored any more.

    Of a listing or variant that has moved, this is the product that it is now part of. The other one is logged, too.
    """
    if any(row.kind in SHARED_KINDS for row in rows):
        return None
    found = _list_subjects(rows, "PRODUCT")
    for kind, select in _product_of.items():
        ids = _list_subjects(rows, kind)
        parts = select.select(conn, ids) if len(ids) <= MAX_NEW_CHANGES else ()
        if len(parts) < len(ids):
            return None
        found |= {row.product_id for row in parts}
    return found


def _list_subjects(rows: Sequence[AnyRow], kind: str) -> set[str]:
    return {subject[0] for row in rows if row.kind == kind for subject in json.loads(row.subjects)}


def _find_stocked(conn: Connection, rows: Sequence[AnyRow]) -> Collection[str] | None:
    """Find the products and variants whose stock these changes are of; None: a count is not stored any more."""
    ids = _list_subjects(rows, "STOCK")
    found = _stocked.select(conn, ids)
    if len({row.id for row in found}) < len(ids):
        return None
    return {id_ for row in found for id_ in (row.product_id, row.variant_id) if id_ is not None}
