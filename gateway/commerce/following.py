"""Following what channels sell by themselves (rules K2, K4): what they take from places that others count.

A sale in a place that another channel counts opens a movement, in the transaction that takes the order in, and that
channel is told. Edits and cancels open further movements, so that what was told always comes to what was sold. What a
channel sold in its own place, and has not counted yet itself, is a movement that nobody has to be told of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.commerce import bringing, ledger
from gateway.commerce.ground import Ground
from gateway.model.channels import Location
from gateway.model.ids import new_id
from gateway.model.orders import OrderStatus
from gateway.model.stock import MovementReason, ReservationState
from gateway.sdk.writes import CancelOrder
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
    before = {sale.line.id: known.get((sale.order.external_id, sale.line.external_id), []) for sale in followed}
    taken_from = {
        sale.line.id: _source(conn, sale, sold.get(sale.line.id), before[sale.line.id], ground) for sale in followed
    }
    turns = [turn for sale in followed for turn in _turns(sale, taken_from[sale.line.id], before[sale.line.id], ground)]
    _open(conn, [turn for turn in turns if turn.source.how != "order"], now)
    _bring(conn, [turn for turn in turns if turn.source.how == "order"], ground, now)
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


def _location(sale: Sale, known: Sequence[ReservationRow], ground: Ground) -> Location | None:
    """From where it leaves. Of what leaves no more channels may not say that: there it was to leave from."""
    if sale.place is not None:
        return ground.at(sale.order.channel, sale.place)
    return ground.locations.get(known[-1].location) if known else None


def _source(
    conn: Connection, sale: Sale, sold: SoldAs | None, known: Sequence[ReservationRow], ground: Ground
) -> Source | type[Unplaced] | None:
    """Where a line's units come from. None: from nowhere that anybody has to hear of."""
    channel, location = sale.order.channel, _location(sale, known, ground)
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


@dataclass(frozen=True, slots=True)
class Turn:
    """A line, where it comes from, and what has been moved for it there.

    Attributes:
        next: the number of the line's next movement.
        leaves: not from elsewhere, by now.
    """

    sale: Sale
    source: Source
    known: Sequence[ReservationRow]
    next: int
    leaves: bool = True

    @property
    def quantity(self) -> int:
        """Of what is sold, by now."""
        if not self.leaves:
            return 0
        undone = self.sale.order.status in UNDONE
        return max(0, self.sale.line.fulfilled_quantity if undone else self.sale.line.quantity)

    @property
    def moved(self) -> int:
        """Units that have been moved for it."""
        return sum(row.quantity for row in self.known)

    @property
    def more(self) -> int:
        """Units that have to be moved so that all movements together come to what was sold."""
        return self.quantity * self.source.units - self.moved

    def row(self, units: int, turn: int, now: datetime) -> ReservationRow:
        """The movement of so many units."""
        first = self.known[0] if self.known else None
        channel, item, place = self.source.spot if first is None else first.spot
        return ReservationRow(
            id=new_id(now),
            channel=channel,
            item=item,
            place=place,
            location=self.source.location.key if first is None else first.location,
            listing_id=self.source.listing_id if first is None else first.listing_id,
            quantity=units,
            state=ReservationState.COMMITTED.value,
            reason=(MovementReason.SALE if units > 0 else MovementReason.CANCELLATION).value,
            order_channel=self.sale.order.channel,
            order_ref=self.sale.order.external_id,
            line_ref=self.sale.line.external_id,
            turn=turn,
            created_at=now,
            updated_at=now,
        )


def _turns(
    sale: Sale, source: Source | type[Unplaced] | None, known: Sequence[ReservationRow], ground: Ground
) -> Iterator[Turn]:
    """What has been moved where, and what has to be: nothing more where it does not leave from any more."""
    here, number = _location(sale, known, ground), max((row.turn for row in known), default=-1) + 1
    if source is Unplaced or here is None:
        return
    there: dict[str, list[ReservationRow]] = {}
    for row in known:
        there.setdefault(row.location, []).append(row)
    mine = there.pop(here.key, [])
    for key, rows in there.items():
        if (left := _left(sale, key, rows[0], ground)) is not None:
            yield Turn(sale, left, rows, number, leaves=False)
            number += 1
    if isinstance(source, Source):
        yield Turn(sale, source, mine, number)


def _left(sale: Sale, key: str, row: ReservationRow, ground: Ground) -> Source | None:
    """Where it was to leave from, if anybody has to hear of it there."""
    location, how = ground.locations.get(key), ground.posts.get((key, sale.order.channel))
    return None if location is None or how is None else Source(location, how, row.listing_id, row.spot, 1)


def _open(conn: Connection, turns: Sequence[Turn], now: datetime) -> None:
    """What is sold has left, whether or not there was enough of it (rule K8)."""
    moved = [(turn, turn.row(turn.more, turn.next, now)) for turn in turns if turn.more]
    move(conn, [row for _, row in moved], now)
    for turn, row in moved:
        ledger.told_late(conn, turn.sale.order.channel, row.spot, turn.more, now)
    ledger.post(conn, [row for turn, row in moved if turn.source.how == "adjust"], now)


def move(conn: Connection, rows: Sequence[ReservationRow], now: datetime) -> None:
    """Have these units be on their way."""
    if rows:
        locked = counters.locked(conn, {row.spot for row in rows})
        reservations.add(conn, rows)
        counters.hold(conn, locked, reservations.claimed(rows), now)


def _bring(conn: Connection, turns: Sequence[Turn], ground: Ground, now: datetime) -> None:
    """What has changed of an order is brought as a whole: the old one is canceled, and it is brought anew."""
    whole: dict[tuple[str, str], list[Turn]] = {}
    for turn in turns:
        whole.setdefault((turn.sale.order.id, turn.source.location.key), []).append(turn)
    for (order_id, location), mine in whole.items():
        if not any(turn.more for turn in mine):
            continue
        standing = bringing.standing(conn, order_id, location)
        told_otherwise = standing is None and any(turn.moved for turn in mine)
        if told_otherwise or (standing is not None and not ground.can(standing.channel, CancelOrder)):
            _edit(conn, mine, ground, now)
            continue
        back = {turn.sale.line.id: turn.row(-turn.moved, turn.next, now) for turn in mine if turn.moved}
        out = {
            turn.sale.line.id: turn.row(turn.quantity * turn.source.units, turn.next + bool(turn.moved), now)
            for turn in mine
            if turn.quantity
        }
        move(conn, [*back.values(), *out.values()], now)
        for turn in mine:
            ledger.told_late(conn, turn.sale.order.channel, turn.source.spot, turn.more, now)
        order = mine[0].sale.order
        if standing is not None:
            bringing.take_back(conn, order, standing, list(back.values()), now)
        if out:
            lines = [(turn.sale.line, turn.quantity) for turn in mine if turn.quantity]
            bringing.bring(conn, bringing.Load(order, mine[0].source.location, lines, list(out.values())), ground, now)


def _edit(conn: Connection, turns: Sequence[Turn], ground: Ground, now: datetime) -> None:
    """Whoever counts there cancels nothing, or was told so before: what has changed is told as an adjustment."""
    rows = [turn.row(turn.more, turn.next, now) for turn in turns if turn.more]
    move(conn, rows, now)
    bringing.adjust(conn, turns[0].sale.order, rows, ground, now)


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
