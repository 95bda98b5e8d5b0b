"""Reservations: units of a counter that are claimed, by a hold or by a movement (rules K2, K7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.stock import Reservation, ReservationState
from gateway.storage.sql.bulk import BulkSelect, build_insert, build_update
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.tables import listings, reservations

StockCounterKey = tuple[str, str, str]
"""The key of a stock counter: the counting channel, the inventory item, the external location."""

OPEN = (ReservationState.HELD.value, ReservationState.COMMITTED.value)


@dataclass(slots=True, kw_only=True)
class ReservationRow:
    """A row of `reservations`."""

    id: str
    channel: str
    item: str
    place: str
    location: str
    listing_id: str
    quantity: int
    state: str
    reason: str
    owner: str = ""
    order_channel: str | None = None
    order_ref: str | None = None
    line_ref: str | None = None
    turn: int = 0
    command: str | None = None
    follows: str | None = None
    acknowledged_count: int | None = None
    acknowledged_at: datetime | None = None
    ask_at: datetime | None = None
    expires_at: datetime | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def counter(self) -> StockCounterKey:
        """The key of its counter."""
        return self.channel, self.item, self.place

    @property
    def claimed(self) -> int:
        """Units that the counter cannot promise; returning units count only once the authority shows them."""
        return max(0, self.quantity) if self.state in OPEN else 0


is_open = reservations.c.state.in_(sa.bindparam("open", OPEN, expanding=True, literal_execute=True))
"""Literal states in the statement, so that SQLite uses the partial index of open rows."""

_columns = tuple(reservations.c[field.name] for field in fields(ReservationRow))
_reservations = sa.select(*_columns)
_by_id = BulkSelect(_reservations, reservations.c.id)
_open_at_location = (
    _reservations.where(
        reservations.c.channel == sa.bindparam("channel"), reservations.c.place == sa.bindparam("place")
    )
    .where(is_open)
    .order_by(reservations.c.id)
)
_open = BulkSelect(_open_at_location, reservations.c.item)
_by_order = BulkSelect(
    _reservations.where(reservations.c.order_channel == sa.bindparam("channel")), reservations.c.order_ref
)
_by_followed = BulkSelect(_reservations, reservations.c.follows)
_insert, _update = (
    build(reservations, [field.name for field in fields(ReservationRow)]) for build in (build_insert, build_update)
)


def insert_reservations(conn: Connection, rows: Sequence[ReservationRow]) -> None:
    """Insert new reservations."""
    _insert.run(conn, rows)


def update_reservations(conn: Connection, rows: Sequence[ReservationRow]) -> None:
    """Update reservations whose counters are locked."""
    _update.run(conn, rows)


def find_reservations(conn: Connection, ids: Collection[str]) -> list[ReservationRow]:
    """Find reservations, sorted by id. Their state is final only once their counters are locked."""
    return sorted((_read_row(row) for row in _by_id.select(conn, ids)), key=lambda row: row.id)


def find_open_reservations(conn: Connection, counters: Iterable[StockCounterKey]) -> list[ReservationRow]:
    """Find the open reservations and movements of these counters, which are locked."""
    items: dict[tuple[str, str], list[str]] = defaultdict(list)
    for channel, item, external_location in counters:
        items[channel, external_location].append(item)
    groups = (_open.select(conn, item_ids, channel=key[0], place=key[1]) for key, item_ids in sorted(items.items()))
    return [_read_row(row) for group in groups for row in group]


def find_movements_of_orders(conn: Connection, channel: str, refs: Collection[str]) -> list[ReservationRow]:
    """Find the movements of a channel's orders, in the order of their turns."""
    rows = (_read_row(row) for row in _by_order.select(conn, refs, channel=channel))
    return sorted(rows, key=lambda row: (row.order_ref or "", row.line_ref or "", row.turn))


def find_following(conn: Connection, ids: Collection[str]) -> list[ReservationRow]:
    """Find the reservations that take over the units of these."""
    return [_read_row(row) for row in _by_followed.select(conn, ids)]


def find_reservations_since(conn: Connection, counter: StockCounterKey, since: datetime) -> list[ReservationRow]:
    """Find all reservations of a counter since a time."""
    channel, item, external_location = counter
    same_counter = sa.and_(
        reservations.c.channel == channel, reservations.c.item == item, reservations.c.place == external_location
    )
    recent = sa.and_(same_counter, reservations.c.created_at >= since)
    return [_read_row(row) for row in conn.execute(_reservations.where(recent).order_by(reservations.c.id))]


_any_open = DriverSelect(
    sa.select(reservations.c.id).where(reservations.c.channel == sa.bindparam("channel"), is_open).limit(1)
)


def has_open_reservations(conn: Connection, channel: str) -> bool:
    """Return whether any stock that this channel counts is claimed."""
    return bool(_any_open.fetch(conn, {"channel": channel}))


def find_expired(conn: Connection, now: datetime, limit: int) -> list[str]:
    """Find the ids of expired holds, oldest expiry first."""
    due = sa.and_(reservations.c.state == ReservationState.HELD.value, reservations.c.expires_at <= now)
    statement = sa.select(reservations.c.id).where(due).order_by(reservations.c.expires_at).limit(limit)
    return list(conn.scalars(statement))


def find_holds_of_owner(conn: Connection, prefix: str) -> list[ReservationRow]:
    """Find the holds of all owners with this prefix."""
    held = reservations.c.state == ReservationState.HELD.value
    named = reservations.c.owner.startswith(prefix, autoescape=True)
    return [_read_row(row) for row in conn.execute(_reservations.where(held, named).order_by(reservations.c.id))]


_unproved = DriverSelect(
    _reservations.where(reservations.c.channel == sa.bindparam("channel"), reservations.c.ask_at <= sa.bindparam("now"))
    .order_by(reservations.c.ask_at)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def find_unproved(conn: Connection, channel: str, now: datetime, limit: int) -> list[ReservationRow]:
    """Find movements that the channel has acknowledged and whose count is due to be read again."""
    return [_read_row(row) for row in _unproved.fetch(conn, {"channel": channel, "now": now, "most": limit})]


def find_shown_reservations(conn: Connection, ids: Sequence[str]) -> Mapping[str, Reservation]:
    """Find reservations as model objects, by id."""
    statement = (
        sa.select(reservations, listings.c.variant_id)
        .join(listings, listings.c.id == reservations.c.listing_id, isouter=True)
        .where(reservations.c.id.in_(ids))
    )
    return {row.id: _read_reservation(row) for row in conn.execute(statement)}


def sum_claims(rows: Iterable[ReservationRow]) -> dict[StockCounterKey, int]:
    """Sum the claimed units of reservations, by counter."""
    sums: dict[StockCounterKey, int] = {}
    for row in rows:
        sums[row.counter] = sums.get(row.counter, 0) + row.claimed
    return sums


def _read_row(row: sa.Row[tuple[object, ...]]) -> ReservationRow:
    return ReservationRow(**row._asdict())


def _read_reservation(row: sa.Row[tuple[object, ...]]) -> Reservation:
    return Reservation(
        id=row.id,
        owner=row.owner,
        listing_id=row.listing_id,
        variant_id=row.variant_id,
        location_key=row.location,
        quantity=row.quantity,
        state=ReservationState(row.state),
        expires_at=row.expires_at,
    )
