"""Stock pushes: the quantities that followers should offer of listings whose stock other channels count (rule K5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import Fault, PushState, Resource
from gateway.storage.reads.catalog import LIVE
from gateway.storage.reads.channel_status import read_fault
from gateway.storage.sql.bulk import BulkSelect, build_insert_new
from gateway.storage.sql.keyset import is_among
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.tables import channels, listings, pushes, sources, stock


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

    def set_fault(self, fault: Fault | None) -> None:
        """Set or clear the last fault."""
        self.fault_code = None if fault is None else fault.code.value
        self.fault_message = None if fault is None else fault.message
        self.fault_retryable = None if fault is None else fault.retryable
        self.fault_at = None if fault is None else fault.occurred_at


@dataclass(frozen=True, slots=True)
class FollowerOffer:
    """A listing as a follower offers it at one of its external locations.

    Attributes:
        units: of stock in one listing.
        published: the quantity that the channel shows, in listings; None: unknown.
        record: the id of the record that shows it; `feed`: the feed of that record.
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
    """A listing's push as shown to operators. Quantities in listings."""

    resource: Resource
    state: PushState
    wanted_quantity: int | None
    published_quantity: int | None
    queued_at: datetime | None
    accepted_at: datetime | None
    fault: Fault | None


_names = [field.name for field in fields(PushRow)]
_columns = [pushes.c[name] for name in _names]
_insert = build_insert_new(pushes, _names)
_value_names = [name for name in _names if name not in ("channel", "listing_id", "place")]


def mark_dirty(
    conn: Connection, channel: str, external_location: str, location: str, listing_ids: Iterable[str]
) -> None:
    """Mark pushes for evaluation, and insert missing ones."""
    ids = sorted(set(listing_ids))
    _insert.run(
        conn, [PushRow(channel=channel, listing_id=id_, place=external_location, location=location) for id_ in ids]
    )
    same_location = sa.and_(
        pushes.c.channel == channel, pushes.c.place == external_location, is_among(conn, pushes.c.listing_id, ids)
    )
    conn.execute(sa.update(pushes).where(same_location).values(dirty=True))


def lock_dirty(conn: Connection, channel: str, now: datetime, limit: int) -> list[PushRow]:
    """Return pushes that are due for evaluation, locked; none that is in flight or not yet due."""
    due = sa.or_(pushes.c.due_at.is_(None), pushes.c.due_at <= now)
    statement = (
        sa.select(*_columns)
        .where(pushes.c.channel == channel, pushes.c.dirty, pushes.c.command.is_(None), due)
        .order_by(pushes.c.listing_id, pushes.c.place)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [PushRow(**row._asdict()) for row in conn.execute(statement)]


def has_dirty(conn: Connection, channel: str, now: datetime) -> bool:
    """Return whether `lock_dirty` would return any."""
    due = sa.or_(pushes.c.due_at.is_(None), pushes.c.due_at <= now)
    waiting = sa.and_(pushes.c.channel == channel, pushes.c.dirty, pushes.c.command.is_(None), due)
    return conn.execute(sa.select(pushes.c.listing_id).where(waiting).limit(1)).first() is not None


def lock_in_flight(conn: Connection, command: str) -> PushRow | None:
    """Return the push that this command carries out, locked."""
    row = conn.execute(sa.select(*_columns).where(pushes.c.command == command).with_for_update()).first()
    return None if row is None else PushRow(**row._asdict())


def lock_unconfirmed(
    conn: Connection, channel: str, listing_ids: Collection[str], external_location: str
) -> list[PushRow]:
    """Return those of these pushes that the channel has accepted and does not show yet, locked."""
    same_location = sa.and_(
        pushes.c.channel == channel,
        pushes.c.place == external_location,
        is_among(conn, pushes.c.listing_id, listing_ids),
    )
    waiting = sa.and_(same_location, pushes.c.sent.is_not(None))
    return [PushRow(**row._asdict()) for row in conn.execute(sa.select(*_columns).where(waiting).with_for_update())]


def lock_overdue(conn: Connection, channel: str, before: datetime, limit: int) -> list[PushRow]:
    """Return the pushes that the channel accepted before then and does not show yet, locked."""
    late = sa.and_(pushes.c.channel == channel, pushes.c.sent.is_not(None), pushes.c.accepted_at < before)
    statement = sa.select(*_columns).where(late).order_by(pushes.c.accepted_at).limit(limit)
    return [PushRow(**row._asdict()) for row in conn.execute(statement.with_for_update(skip_locked=True))]


def has_overdue(conn: Connection, channel: str, before: datetime) -> bool:
    """Return whether `lock_overdue` would return any."""
    late = sa.and_(pushes.c.channel == channel, pushes.c.sent.is_not(None), pushes.c.accepted_at < before)
    return conn.execute(sa.select(pushes.c.listing_id).where(late).limit(1)).first() is not None


def update_pushes(conn: Connection, rows: Sequence[PushRow]) -> None:
    """Update pushes that are locked."""
    for row in rows:
        same_push = sa.and_(
            pushes.c.channel == row.channel, pushes.c.listing_id == row.listing_id, pushes.c.place == row.place
        )
        conn.execute(sa.update(pushes).where(same_push).values({name: getattr(row, name) for name in _value_names}))


def find_follower_offers(
    conn: Connection, channel: str, external_location: str, *, listing_ids: Collection[str] | None = None
) -> dict[str, FollowerOffer]:
    """Find a follower's listings at an external location, by id: all of them, or these."""
    same_item = sa.and_(stock.c.channel == listings.c.channel, stock.c.item == listings.c.inventory_item)
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
        .join(stock, same_item)
        .join(sources, sources.c.id == stock.c.id)
        .where(LIVE, listings.c.tracked, skip_index(stock.c.place) == external_location)
    )
    of_channel = listings.c.channel if listing_ids is None else skip_index(listings.c.channel)
    statement = statement.where(of_channel == channel)
    if listing_ids is not None:
        statement = statement.where(is_among(conn, listings.c.id, listing_ids))
    offers = (FollowerOffer(*row) for row in conn.execute(statement))
    return {
        offer.listing_id: replace(offer, published=_convert_to_listings(offer.published, offer.units))
        for offer in offers
    }


def _convert_to_listings(units: int | None, each: int) -> int | None:
    """Convert units of stock to a number of listings, rounded down."""
    return None if units is None else units // each


def find_listings_of_variants(conn: Connection, channel: str, variant_ids: Collection[str]) -> list[str]:
    """Find the ids of the listings by which a channel offers these variants."""
    condition = sa.and_(
        LIVE, skip_index(listings.c.channel) == channel, is_among(conn, listings.c.variant_id, variant_ids)
    )
    return list(conn.scalars(sa.select(listings.c.id).where(condition)))


_same_item = sa.and_(listings.c.channel == stock.c.channel, listings.c.inventory_item == stock.c.item)
_variants_of_stock = BulkSelect(
    sa.select(stock.c.channel, stock.c.place, listings.c.variant_id).join(listings, _same_item).where(LIVE).distinct(),
    stock.c.id,
)


def find_variants_of_stock(conn: Connection, stock_ids: Collection[str]) -> list[tuple[str, str, str]]:
    """Find the channel, external location and variant of these stock rows."""
    return [(row[0], row[1], row[2]) for row in _variants_of_stock.select(conn, stock_ids)]


def find_variants_of_listings(conn: Connection, listing_ids: Collection[str]) -> list[str]:
    """Find the variants of these listings."""
    statement = sa.select(listings.c.variant_id).where(is_among(conn, listings.c.id, listing_ids)).distinct()
    return list(conn.scalars(statement))


def find_pushes(conn: Connection, ids: Collection[str]) -> Mapping[str, list[ListingPush]]:
    """Find the pushes of each listing as shown to operators."""
    shown = sa.case((stock.c.known, stock.c.on_hand - stock.c.committed), else_=None).label("published")
    same_item = sa.and_(
        stock.c.channel == pushes.c.channel,
        stock.c.place == pushes.c.place,
        stock.c.item == listings.c.inventory_item,
    )
    statement = (
        sa.select(pushes, shown, listings.c.units_per_listing)
        .join(listings, listings.c.id == pushes.c.listing_id)
        .join(stock, same_item, isouter=True)
        .where(is_among(conn, pushes.c.listing_id, ids))
        .order_by(pushes.c.place)
    )
    pushes_by_listing: dict[str, list[ListingPush]] = {key: [] for key in ids}
    for row in conn.execute(statement):
        pushes_by_listing[row.listing_id].append(_read_push(row))
    return pushes_by_listing


def _read_push(row: sa.Row[tuple[object, ...]]) -> ListingPush:
    return ListingPush(
        resource=Resource.STOCK,
        state=PushState(row.state),
        wanted_quantity=row.wanted,
        published_quantity=_convert_to_listings(row.published, row.units_per_listing),
        queued_at=row.queued_at,
        accepted_at=row.accepted_at,
        fault=read_fault(row),
    )


# ------------------------------------------------------------------------------------------------ arming


@dataclass(frozen=True, slots=True)
class PushArming:
    """Whether stock pushes to a channel are enabled. `fault`: why they are suspended."""

    armed_at: datetime | None
    fault: str | None


def get_arming(conn: Connection, channel: str) -> PushArming:
    """Return whether an operator has enabled stock pushes to the channel."""
    row = conn.execute(sa.select(channels.c.armed_at, channels.c.push_fault).where(channels.c.key == channel)).first()
    return PushArming(None, None) if row is None else PushArming(row.armed_at, row.push_fault)


def set_armed(conn: Connection, channel: str, at: datetime | None) -> None:
    """Enable stock pushes to the channel and clear its fault; None: disable them."""
    conn.execute(sa.update(channels).where(channels.c.key == channel).values(armed_at=at, push_fault=None))


def disarm(conn: Connection, channel: str, reason: str) -> None:
    """Suspend stock pushes to the channel until an operator enables them again."""
    conn.execute(sa.update(channels).where(channels.c.key == channel).values(push_fault=reason))
