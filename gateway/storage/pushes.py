"""Pushes: what followers are to offer of listings in places that others count (rule K5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import Fault, Resource
from gateway.storage.catalog import LIVE
from gateway.storage.channels import fault
from gateway.storage.paging import among
from gateway.storage.rows import adding
from gateway.storage.tables import channels, listings, pushes, sources, stock


class PushState(Enum):
    """Where a push stands. ACCEPTED: the channel has taken it, and does not show it yet."""

    IN_SYNC = "IN_SYNC"
    QUEUED = "QUEUED"
    ACCEPTED = "ACCEPTED"
    FAILED = "FAILED"
    SUPPRESSED = "SUPPRESSED"


@dataclass(slots=True, kw_only=True)
class PushRow:
    """A row of `pushes`."""

    channel: str
    listing_id: str
    place: str
    location: str
    dirty: bool = True
    state: str = PushState.SUPPRESSED.value
    wanted: int | None = None
    sent: int | None = None
    sent_at: datetime | None = None
    confirmed: int | None = None
    confirmed_at: datetime | None = None
    command: str | None = None
    due_at: datetime | None = None
    failures: int = 0
    queued_at: datetime | None = None
    accepted_at: datetime | None = None
    fault_code: str | None = None
    fault_message: str | None = None
    fault_retryable: bool | None = None
    fault_at: datetime | None = None

    def note(self, found: Fault | None) -> None:
        """What went wrong with it last."""
        self.fault_code = None if found is None else found.code.value
        self.fault_message = None if found is None else found.message
        self.fault_retryable = None if found is None else found.retryable
        self.fault_at = None if found is None else found.occurred_at


@dataclass(frozen=True, slots=True)
class Offered:
    """A listing as a follower offers it in a place.

    Attributes:
        units: of stock in one listing.
        published: how many listings the channel shows, whose record counts units; None: it does not say.
        record: the id of the record that shows it, and the feed that it comes from.
    """

    listing_id: str
    external_id: str
    note: str | None
    variant_id: str
    item: str
    units: int
    published: int | None
    record: str
    feed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPush:
    """A listing's push, as operators see it. Quantities in listings."""

    resource: Resource
    state: PushState
    wanted_quantity: int | None
    published_quantity: int | None
    queued_at: datetime | None
    accepted_at: datetime | None
    fault: Fault | None


_names = [field.name for field in fields(PushRow)]
_columns = [pushes.c[name] for name in _names]
_add = adding(pushes, _names)
_others = [name for name in _names if name not in ("channel", "listing_id", "place")]


def mark(conn: Connection, channel: str, place: str, location: str, listing_ids: Iterable[str]) -> None:
    """Have these be looked at; new ones are made."""
    ids = sorted(set(listing_ids))
    _add.run(conn, [PushRow(channel=channel, listing_id=id_, place=place, location=location) for id_ in ids])
    here = sa.and_(pushes.c.channel == channel, pushes.c.place == place, among(conn, pushes.c.listing_id, ids))
    conn.execute(sa.update(pushes).where(here).values(dirty=True))


def dirty(conn: Connection, channel: str, now: datetime, most: int) -> list[PushRow]:
    """Those that something has changed about, locked; none that is under way, and none before its time."""
    due = sa.or_(pushes.c.due_at.is_(None), pushes.c.due_at <= now)
    statement = (
        sa.select(*_columns)
        .where(pushes.c.channel == channel, pushes.c.dirty, pushes.c.command.is_(None), due)
        .order_by(pushes.c.listing_id, pushes.c.place)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [PushRow(**row._mapping) for row in conn.execute(statement)]


def any_dirty(conn: Connection, channel: str, now: datetime) -> bool:
    """Whether `dirty` would give any."""
    due = sa.or_(pushes.c.due_at.is_(None), pushes.c.due_at <= now)
    waiting = sa.and_(pushes.c.channel == channel, pushes.c.dirty, pushes.c.command.is_(None), due)
    return conn.execute(sa.select(pushes.c.listing_id).where(waiting).limit(1)).first() is not None


def under_way(conn: Connection, command: str) -> PushRow | None:
    """The push that this command carries out, locked."""
    row = conn.execute(sa.select(*_columns).where(pushes.c.command == command).with_for_update()).first()
    return None if row is None else PushRow(**row._mapping)


def unconfirmed(conn: Connection, channel: str, listing_ids: Collection[str], place: str) -> list[PushRow]:
    """Those of these that the channel has taken, and did not show yet, locked."""
    here = sa.and_(pushes.c.channel == channel, pushes.c.place == place, among(conn, pushes.c.listing_id, listing_ids))
    waiting = sa.and_(here, pushes.c.sent.is_not(None))
    return [PushRow(**row._mapping) for row in conn.execute(sa.select(*_columns).where(waiting).with_for_update())]


def overdue(conn: Connection, channel: str, before: datetime, most: int) -> list[PushRow]:
    """Those that the channel took before then, and does not show yet, locked."""
    late = sa.and_(pushes.c.channel == channel, pushes.c.sent.is_not(None), pushes.c.accepted_at < before)
    statement = sa.select(*_columns).where(late).order_by(pushes.c.accepted_at).limit(most)
    return [PushRow(**row._mapping) for row in conn.execute(statement.with_for_update(skip_locked=True))]


def any_overdue(conn: Connection, channel: str, before: datetime) -> bool:
    """Whether `overdue` would give any."""
    late = sa.and_(pushes.c.channel == channel, pushes.c.sent.is_not(None), pushes.c.accepted_at < before)
    return conn.execute(sa.select(pushes.c.listing_id).where(late).limit(1)).first() is not None


def store(conn: Connection, rows: Sequence[PushRow]) -> None:
    """Set these, which are locked."""
    for row in rows:
        here = sa.and_(
            pushes.c.channel == row.channel, pushes.c.listing_id == row.listing_id, pushes.c.place == row.place
        )
        conn.execute(sa.update(pushes).where(here).values({name: getattr(row, name) for name in _others}))


def offered(
    conn: Connection, channel: str, place: str, *, listing_ids: Collection[str] | None = None
) -> dict[str, Offered]:
    """What a follower offers in a place, by listing: all of it, or these."""
    same = sa.and_(stock.c.channel == listings.c.channel, stock.c.item == listings.c.inventory_item)
    statement = (
        sa.select(
            listings.c.id,
            listings.c.external_id,
            listings.c.note,
            listings.c.variant_id,
            listings.c.inventory_item,
            listings.c.units_per_listing,
            sa.case((stock.c.known, stock.c.on_hand - stock.c.committed), else_=None),
            sources.c.external_id,
            sources.c.feed,
        )
        .join(stock, same)
        .join(sources, sources.c.id == stock.c.id)
        .where(LIVE, listings.c.channel == channel, listings.c.tracked, stock.c.place == place)
    )
    if listing_ids is not None:
        statement = statement.where(among(conn, listings.c.id, listing_ids))
    found = (Offered(*row) for row in conn.execute(statement))
    return {one.listing_id: replace(one, published=_listings(one.published, one.units)) for one in found}


def _listings(units: int | None, each: int) -> int | None:
    """How often a listing can be sold out of these units."""
    return None if units is None else units // each


def listings_of_variants(conn: Connection, channel: str, variant_ids: Collection[str]) -> list[str]:
    """The listings by which a channel offers these variants."""
    mine = sa.and_(LIVE, listings.c.channel == channel, among(conn, listings.c.variant_id, variant_ids))
    return list(conn.scalars(sa.select(listings.c.id).where(mine)))


def variants_of_stock(conn: Connection, stock_ids: Collection[str]) -> list[tuple[str, str, str]]:
    """What these counters count: channel, place, variant."""
    same = sa.and_(listings.c.channel == stock.c.channel, listings.c.inventory_item == stock.c.item)
    statement = sa.select(stock.c.channel, stock.c.place, listings.c.variant_id).join(listings, same)
    found = conn.execute(statement.where(LIVE, among(conn, stock.c.id, stock_ids)).distinct())
    return [(row[0], row[1], row[2]) for row in found]


def variants_of_listings(conn: Connection, listing_ids: Collection[str]) -> list[str]:
    """What these listings are."""
    statement = sa.select(listings.c.variant_id).where(among(conn, listings.c.id, listing_ids)).distinct()
    return list(conn.scalars(statement))


def of_listings(conn: Connection, ids: Collection[str]) -> Mapping[str, list[ListingPush]]:
    """The pushes of each listing, as operators see them."""
    shown = sa.case((stock.c.known, stock.c.on_hand - stock.c.committed), else_=None).label("published")
    here = sa.and_(
        stock.c.channel == pushes.c.channel,
        stock.c.place == pushes.c.place,
        stock.c.item == listings.c.inventory_item,
    )
    statement = (
        sa.select(pushes, shown, listings.c.units_per_listing)
        .join(listings, listings.c.id == pushes.c.listing_id)
        .join(stock, here, isouter=True)
        .where(among(conn, pushes.c.listing_id, ids))
        .order_by(pushes.c.place)
    )
    found: dict[str, list[ListingPush]] = {key: [] for key in ids}
    for row in conn.execute(statement):
        found[row.listing_id].append(_shown(row))
    return found


def _shown(row: sa.Row[tuple[object, ...]]) -> ListingPush:
    return ListingPush(
        resource=Resource.STOCK,
        state=PushState(row.state),
        wanted_quantity=row.wanted,
        published_quantity=_listings(row.published, row.units_per_listing),
        queued_at=row.queued_at,
        accepted_at=row.accepted_at,
        fault=fault(row),
    )


# ------------------------------------------------------------------------------------------------ arming


@dataclass(frozen=True, slots=True)
class Arming:
    """Whether quantities may be sent to a channel. `fault`: why not any more."""

    armed_at: datetime | None
    fault: str | None


def arming(conn: Connection, channel: str) -> Arming:
    """Whether an operator has let quantities be sent to it."""
    row = conn.execute(sa.select(channels.c.armed_at, channels.c.push_fault).where(channels.c.key == channel)).first()
    return Arming(None, None) if row is None else Arming(row.armed_at, row.push_fault)


def arm(conn: Connection, channel: str, at: datetime | None) -> None:
    """Let quantities be sent to it, whatever was wrong before; None: not any more."""
    conn.execute(sa.update(channels).where(channels.c.key == channel).values(armed_at=at, push_fault=None))


def stop(conn: Connection, channel: str, why: str) -> None:
    """Send it none until an operator has looked."""
    conn.execute(sa.update(channels).where(channels.c.key == channel).values(push_fault=why))
