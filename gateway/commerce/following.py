"""Following what channels sell by themselves (rules K2, K4): what they take from places that others count.

A sale in a place that another channel counts opens a movement, in the transaction that takes the order in, and that
channel is told. Edits and cancels open further movements, so that what was told always comes to what was sold. What a
channel sold in its own place, and has not counted yet itself, is a movement that nobody has to be told of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.commerce import ledger
from gateway.commerce.ground import Ground
from gateway.model.channels import Location
from gateway.model.ids import new_id
from gateway.model.orders import OrderStatus
from gateway.model.stock import MovementReason, ReservationState
from gateway.storage import counters, reservations, sales, sources
from gateway.storage.database import Connection
from gateway.storage.reservations import ReservationRow, Spot
from gateway.storage.sales import OrderLineRow, OrderRow, SoldAs

UNDONE = (OrderStatus.CANCELLED.value, OrderStatus.FAILED.value)


@dataclass(frozen=True, slots=True)
class Sale:
    """A line that was sold."""

    order: OrderRow
    line: OrderLineRow

    @property
    def place(self) -> str | None:
        """Where its units are taken from, in the channel's words."""
        return self.line.place or self.order.place

    @property
    def posted(self) -> bool | None:
        """Whether the channel's own count contains it; None: it does not say."""
        return self.order.stock_posted


@dataclass(frozen=True, slots=True)
class Source:
    """Where a line's units come from. `how`: its authority learns of it; None: it knows by itself."""

    location: Location
    how: str | None
    listing_id: str
    spot: Spot
    units: int


def place(conn: Connection, order_ids: Sequence[str], ground: Ground, now: datetime) -> int:
    """Look again at orders of which something could not be placed; how many of them are placed now."""
    orders = sales.orders_by_id(conn, order_ids)
    lines = sales.lines_of(conn, order_ids).values()
    sold = [Sale(orders[line.order_id], line) for line in lines if line.order_id in orders]
    return len(orders) - len(follow(conn, sold, sources.next_count(conn), ground, now))


def follow(conn: Connection, found: Sequence[Sale], count: int, ground: Ground, now: datetime) -> set[str]:
    """Have the ledger say what these sales come to; the orders of which something cannot be placed yet."""
    followed = [sale for sale in found if sale.order.followed]
    if not followed:
        return set()
    channel = followed[0].order.channel
    known = _known(conn, channel, followed)
    sold = sales.sold_as(conn, [sale.line for sale in followed])
    taken_from = {sale.line.id: _source(conn, sale, sold.get(sale.line.id), ground) for sale in followed}
    new = [
        row
        for sale in followed
        for row in _turn(
            sale, taken_from[sale.line.id], known.get((sale.order.external_id, sale.line.external_id), []), now
        )
    ]
    _open(conn, new, {source.spot: source for source in taken_from.values() if isinstance(source, Source)}, now)
    _acknowledge_posted(conn, followed, known, count, now)
    unplaced = {sale.order.id for sale in followed if taken_from[sale.line.id] is Unplaced}
    _note_unplaced(conn, {sale.order.id: sale.order for sale in followed}, unplaced)
    return unplaced


def _note_unplaced(conn: Connection, orders: Mapping[str, OrderRow], unplaced: Collection[str]) -> None:
    changed = [order for order in orders.values() if bool(order.unplaced) != (order.id in unplaced)]
    for order in changed:
        order.unplaced = order.id in unplaced
    sales.store(conn, changed, orders)


class Unplaced:
    """Stands for what is not known yet: what a line is, or where its authority counts it."""


def _known(conn: Connection, channel: str, found: Sequence[Sale]) -> dict[tuple[str, str], list[ReservationRow]]:
    rows = reservations.of_orders(conn, channel, {sale.order.external_id for sale in found})
    known: dict[tuple[str, str], list[ReservationRow]] = {}
    for row in rows:
        known.setdefault((row.order_ref or "", row.line_ref or ""), []).append(row)
    return known


def _source(conn: Connection, sale: Sale, sold: SoldAs | None, ground: Ground) -> Source | type[Unplaced] | None:
    """Where a line's units come from. None: from nowhere that anybody has to hear of."""
    channel = sale.order.channel
    location = None if sale.place is None else ground.at(channel, sale.place)
    if location is None:
        return None if sale.place is None else Unplaced
    own = location.authority == channel
    how = None if own else ground.posts.get((location.key, channel))
    if (own and sale.posted is not False) or (not own and how is None):
        return None
    if sold is None:
        return Unplaced
    listed = counters.of_variants(conn, location.authority, [sold.variant_id]).get(sold.variant_id, [])
    if not listed:
        return Unplaced
    place = location.external_ids[location.authority]
    spots = {(location.authority, item, place): listing for listing, item in listed}
    counted = counters.locked(conn, spots)
    spot = max(counted, key=lambda one: counted[one].free) if counted else next(iter(spots))
    return Source(location, how, spots[spot], spot, sold.units)


def _turn(
    sale: Sale, source: Source | type[Unplaced] | None, known: Sequence[ReservationRow], now: datetime
) -> list[ReservationRow]:
    """What has to be moved so that all movements of a line together come to what was sold."""
    if not isinstance(source, Source):
        return []
    gone = sale.line.fulfilled_quantity if sale.order.status in UNDONE else sale.line.quantity
    more = max(0, gone) * source.units - sum(row.quantity for row in known)
    if not more:
        return []
    first = known[0] if known else None
    channel, item, place = source.spot if first is None else first.spot
    return [
        ReservationRow(
            id=new_id(now),
            channel=channel,
            item=item,
            place=place,
            location=source.location.key if first is None else first.location,
            listing_id=source.listing_id if first is None else first.listing_id,
            quantity=more,
            state=ReservationState.COMMITTED.value,
            reason=(MovementReason.SALE if more > 0 else MovementReason.CANCELLATION).value,
            order_channel=sale.order.channel,
            order_ref=sale.order.external_id,
            line_ref=sale.line.external_id,
            turn=len(known),
            created_at=now,
            updated_at=now,
        )
    ]


def _open(conn: Connection, new: Sequence[ReservationRow], sources: Mapping[Spot, Source], now: datetime) -> None:
    """What is sold has left, whether or not there was enough of it (rule K8)."""
    if not new:
        return
    locked = counters.locked(conn, {row.spot for row in new})
    reservations.add(conn, new)
    counters.hold(conn, locked, reservations.claimed(new), now)
    for row in new:
        ledger.told_late(conn, row.order_channel or "", row.spot, row.quantity, now)
    ledger.post(conn, [row for row in new if row.spot in sources and sources[row.spot].how == "adjust"], now)


def _acknowledge_posted(
    conn: Connection,
    followed: Sequence[Sale],
    known: Mapping[tuple[str, str], Sequence[ReservationRow]],
    count: int,
    now: datetime,
) -> None:
    """The channel says that its own count contains the order: the next count that is read after this one does (K3)."""
    posted = [sale for sale in followed if sale.posted]
    ids = [
        row.id
        for sale in posted
        for row in known.get((sale.order.external_id, sale.line.external_id), ())
        if row.channel == sale.order.channel
    ]
    _told_elsewhere(conn, ids, count, now)


def _told_elsewhere(conn: Connection, ids: Sequence[str], count: int, now: datetime) -> None:
    """The authority has learned of these without us."""

    def taken(row: ReservationRow) -> ReservationRow | None:
        waits = row.state == ReservationState.COMMITTED.value and row.command is None
        if not waits or row.acknowledged_count is not None:
            return None
        return replace(row, acknowledged_count=count, acknowledged_at=now, ask_at=now)

    ledger.change(conn, ids, taken, now)


def mirrored(conn: Connection, originals: Sequence[OrderRow], count: int, now: datetime) -> None:
    """Somebody's connector has brought these orders to whoever counts their goods: it has learned of them."""
    by_channel: dict[str, list[str]] = {}
    for order in originals:
        by_channel.setdefault(order.channel, []).append(order.external_id)
    for channel, refs in by_channel.items():
        _told_elsewhere(conn, [row.id for row in reservations.of_orders(conn, channel, refs)], count, now)
