"""Reservations: units of a counter that are spoken for, by a hold or by a movement (rules K2, K7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.stock import Reservation, ReservationState
from gateway.storage.rows import Keyed, inserting, updating
from gateway.storage.tables import listings, reservations

Spot = tuple[str, str, str]
"""A counter: the channel that counts, the item, the place."""

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
    def spot(self) -> Spot:
        """Its counter."""
        return self.channel, self.item, self.place

    @property
    def claimed(self) -> int:
        """Units that the counter cannot promise because of it: those that come back count once they are there."""
        return max(0, self.quantity) if self.state in OPEN else 0


is_open = reservations.c.state.in_(sa.bindparam("open", OPEN, expanding=True, literal_execute=True))
"""Written out in the statement, so that SQLite sees that an index of the open ones will do."""

_columns = tuple(reservations.c[field.name] for field in fields(ReservationRow))
_all = sa.select(*_columns)
_by_id = Keyed(_all, reservations.c.id)
_at_place = (
    _all.where(reservations.c.channel == sa.bindparam("channel"), reservations.c.place == sa.bindparam("place"))
    .where(is_open)
    .order_by(reservations.c.id)
)
_open = Keyed(_at_place, reservations.c.item)
_sold = Keyed(_all.where(reservations.c.order_channel == sa.bindparam("channel")), reservations.c.order_ref)
_following = Keyed(_all, reservations.c.follows)
_new, _set = (many(reservations, [field.name for field in fields(ReservationRow)]) for many in (inserting, updating))


def add(conn: Connection, rows: Sequence[ReservationRow]) -> None:
    """Insert new ones."""
    _new.run(conn, rows)


def store(conn: Connection, rows: Sequence[ReservationRow]) -> None:
    """Set these, whose counters are locked."""
    _set.run(conn, rows)


def by_ids(conn: Connection, ids: Collection[str]) -> list[ReservationRow]:
    """These, by id. What they are for good is known once their counters are locked."""
    return sorted((_row(row) for row in _by_id.all(conn, ids)), key=lambda row: row.id)


def open_of(conn: Connection, spots: Iterable[Spot]) -> list[ReservationRow]:
    """Whatever is spoken for of these counters, which are locked."""
    items: dict[tuple[str, str], list[str]] = defaultdict(list)
    for channel, item, place in spots:
        items[channel, place].append(item)
    found = (_open.all(conn, some, channel=key[0], place=key[1]) for key, some in sorted(items.items()))
    return [_row(row) for rows in found for row in rows]


def of_orders(conn: Connection, channel: str, refs: Collection[str]) -> list[ReservationRow]:
    """The movements of these orders of a channel, in their turns."""
    found = (_row(row) for row in _sold.all(conn, refs, channel=channel))
    return sorted(found, key=lambda row: (row.order_ref or "", row.line_ref or "", row.turn))


def following(conn: Connection, ids: Collection[str]) -> list[ReservationRow]:
    """Those whose units are on their way from one of these."""
    return [_row(row) for row in _following.all(conn, ids)]


def of_counter(conn: Connection, spot: Spot, since: datetime) -> list[ReservationRow]:
    """Whatever was spoken for of a counter since."""
    channel, item, place = spot
    here = sa.and_(reservations.c.channel == channel, reservations.c.item == item, reservations.c.place == place)
    recent = sa.and_(here, reservations.c.created_at >= since)
    return [_row(row) for row in conn.execute(_all.where(recent).order_by(reservations.c.id))]


_any = sa.select(reservations.c.id).where(reservations.c.channel == sa.bindparam("channel"), is_open).limit(1)


def any_open(conn: Connection, channel: str) -> bool:
    """Whether anything is spoken for of what this channel counts."""
    return conn.execute(_any, {"channel": channel}).first() is not None


def lapsed(conn: Connection, now: datetime, most: int) -> list[str]:
    """Holds that have expired, the longest first."""
    due = sa.and_(reservations.c.state == ReservationState.HELD.value, reservations.c.expires_at <= now)
    statement = sa.select(reservations.c.id).where(due).order_by(reservations.c.expires_at).limit(most)
    return list(conn.scalars(statement))


def held_by(conn: Connection, prefix: str) -> list[ReservationRow]:
    """What is held by all whose names begin so."""
    held = reservations.c.state == ReservationState.HELD.value
    named = reservations.c.owner.startswith(prefix, autoescape=True)
    return [_row(row) for row in conn.execute(_all.where(held, named).order_by(reservations.c.id))]


def unproved(conn: Connection, channel: str, now: datetime, most: int) -> list[ReservationRow]:
    """Movements that the channel has taken, and whose count is due to be read again."""
    due = sa.and_(reservations.c.channel == channel, reservations.c.ask_at <= now)
    return [_row(row) for row in conn.execute(_all.where(due).order_by(reservations.c.ask_at).limit(most))]


def shown(conn: Connection, ids: Sequence[str]) -> Mapping[str, Reservation]:
    """As the model has them, by id."""
    statement = (
        sa.select(reservations, listings.c.variant_id)
        .join(listings, listings.c.id == reservations.c.listing_id, isouter=True)
        .where(reservations.c.id.in_(ids))
    )
    return {row.id: _shown(row) for row in conn.execute(statement)}


def claimed(rows: Iterable[ReservationRow]) -> dict[Spot, int]:
    """Units that cannot be promised because of these, by counter."""
    sums: dict[Spot, int] = {}
    for row in rows:
        sums[row.spot] = sums.get(row.spot, 0) + row.claimed
    return sums


def _row(row: sa.Row[tuple[object, ...]]) -> ReservationRow:
    return ReservationRow(**row._mapping)


def _shown(row: sa.Row[tuple[object, ...]]) -> Reservation:
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
