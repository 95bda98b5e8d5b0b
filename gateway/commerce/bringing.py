"""Bringing followers' orders to whoever counts their goods, as orders of its own (rule K2, `post = order`).

What is brought cannot be edited: an order that has changed is canceled there and brought anew. What cannot be told as
an order is told as an adjustment, and what cannot be told at all is for a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.commerce import ledger
from gateway.commerce.answered import locked
from gateway.commerce.commands import Wish, wish
from gateway.commerce.ground import Ground
from gateway.commerce.news import News
from gateway.commerce.selling import Selling
from gateway.model.channels import Location
from gateway.model.ids import new_id
from gateway.model.money import Money
from gateway.model.orders import (
    ChannelOrderState,
    OrderAttention,
    OrderFulfillmentStatus,
    OrderStatus,
    PaymentStatus,
)
from gateway.sdk.records import OrderLineRecord, OrderRecord, Ref
from gateway.sdk.writes import AdjustStock, CancelOrder, PlaceOrder
from gateway.storage import carts, fulfilling, outbox, reservations
from gateway.storage.database import Connection
from gateway.storage.fulfilling import ChannelOrderRow, listed
from gateway.storage.outbox import OutboxState
from gateway.storage.reservations import ReservationRow
from gateway.storage.sales import OrderLineRow, OrderRow

BROUGHT, TAKEN_BACK = "brought", "taken-back"
"""In the outbox: the channel order behind the colon waits for it."""

STANDS = (
    ChannelOrderState.QUEUED.value,
    ChannelOrderState.SUBMITTED.value,
    ChannelOrderState.UNKNOWN.value,
    ChannelOrderState.ACCEPTED.value,
)


@dataclass(frozen=True, slots=True)
class Load:
    """What of an order comes from one location by now. `lines`: with how many of each."""

    order: OrderRow
    location: Location
    lines: Sequence[tuple[OrderLineRow, int]]
    rows: Sequence[ReservationRow]

    @property
    def channel(self) -> str:
        """Who counts there."""
        return self.location.authority


def standing(conn: Connection, order_id: str, location: str) -> ChannelOrderRow | None:
    """What has been brought there of an order, and not been taken back."""
    found = (one for one in fulfilling.parts_of(conn, order_id) if one.location == location and one.state in STANDS)
    return next(found, None)


# ------------------------------------------------------------------------------------------------ telling


def bring(conn: Connection, load: Load, ground: Ground, now: datetime) -> None:
    """Have whoever counts these goods take the order."""
    record = _record(conn, load, Ref(new_id(now)))
    if record is None or not ground.can(load.channel, PlaceOrder):
        adjust(conn, load.order, load.rows, ground, now)
        return
    part = ChannelOrderRow(
        id=new_id(now),
        order_id=load.order.id,
        channel=load.channel,
        location=load.location.key,
        client_reference=record.ref.id,
        state=ChannelOrderState.QUEUED.value,
        lines=listed({line.id: quantity for line, quantity in load.lines}),
        updated_at=now,
    )
    fulfilling.add_parts(conn, [part])
    _named(conn, load.rows, record.ref.id, now)
    command = PlaceOrder(key=record.ref.id, subject=record.ref, order=record)
    _wish(conn, load.order, part, command, BROUGHT, now)


def take_back(
    conn: Connection, order: OrderRow, part: ChannelOrderRow, rows: Sequence[ReservationRow], now: datetime
) -> None:
    """Have it be canceled there. `rows`: units that are to be counted there again."""
    command = CancelOrder(key=new_id(now), subject=Ref(part.client_reference), reason="changed")
    _named(conn, rows, command.key, now)
    _wish(conn, order, part, command, TAKEN_BACK, now)


def _wish(
    conn: Connection,
    order: OrderRow,
    part: ChannelOrderRow,
    command: PlaceOrder | CancelOrder,
    what: str,
    now: datetime,
) -> None:
    subject = f"brought {order.id} {part.location}"  # what is brought anew waits until the old one is canceled
    wish(conn, [Wish(channel=part.channel, command=command, subject=subject, about=f"{what}:{part.id}")], now)


def _named(conn: Connection, rows: Iterable[ReservationRow], command: str, now: datetime) -> None:
    known = list(rows)
    for row in known:
        row.command, row.updated_at = command, now
    reservations.store(conn, known)


def _record(conn: Connection, load: Load, reference: Ref) -> OrderRecord | None:
    """The order as it is brought; None: it cannot be said in what is sold there."""
    sold = carts.offers_of_sold(conn, [line for line, _ in load.lines])
    theirs = carts.offers(conn, load.channel, {offer.variant_id for offer in sold.values()})
    lines = []
    for line, quantity in load.lines:
        mine = sold.get(line.id)
        same = None if mine is None else theirs.get(mine.variant_id)
        if mine is None or same is None or quantity * mine.units % same.units:
            return None
        lines.append(_line(load, line, same.external_id, quantity * mine.units // same.units, quantity))
    order = load.order
    return OrderRecord(
        ref=reference,
        number=order.number,
        client_reference=reference.id,
        status=OrderStatus.OPEN,
        fulfillment_status=OrderFulfillmentStatus.UNFULFILLED,
        payment_status=PaymentStatus(order.payment_status),
        placed_at=order.placed_at,
        place=load.location.external_ids[load.channel],
        lines=lines,
        tax_included=order.tax_included,
        total=_sum([line.total for line in lines if line.total is not None]),
    )


def _line(load: Load, line: OrderLineRow, variant: str, quantity: int, sold: int) -> OrderLineRecord:
    total = None
    if line.unit_price is not None and line.currency is not None:
        total = Money(line.unit_price * sold, line.currency)
    each = None if total is None or total.minor % quantity else Money(total.minor // quantity, total.currency_code)
    return OrderLineRecord(
        ref=Ref(line.id),
        variant=variant,
        place=load.location.external_ids[load.channel],
        title=line.title,
        sku=line.sku,
        quantity=quantity,
        unit_price=each,
        total=total,
    )


def _sum(amounts: Sequence[Money]) -> Money | None:
    return Money(sum(one.minor for one in amounts), amounts[0].currency_code) if amounts else None


# ------------------------------------------------------------------------------------------------ hearing


def heard(conn: Connection, news: News, selling: Selling, now: datetime) -> None:
    """News of an order that was to be brought."""
    found = locked(conn, news.entry.about.partition(":")[2])
    if found is None:
        return
    order, part = found
    part.attempts, part.updated_at = part.attempts + 1, now
    part.note(news.fault)
    if news.done is not None:
        ref = None if news.done.ref is None else news.done.ref.id
        accept(conn, order, part, ref, news.done.moved_stock, selling, now)
        return
    if news.refused:
        part.state = ChannelOrderState.REJECTED.value
        adjust(conn, order, _moved(conn, order, part.client_reference), selling.ground, now)
    elif news.unknown:
        part.state = ChannelOrderState.UNKNOWN.value
    if news.state is OutboxState.DEAD and not news.refused:
        _by_hand(conn, order, part, "Whether it has been brought there cannot be told.", now)
    fulfilling.store_part(conn, part)


def accept(
    conn: Connection,
    order: OrderRow,
    part: ChannelOrderRow,
    external_id: str | None,
    moved_stock: bool,
    selling: Selling,
    now: datetime,
) -> None:
    """It has been taken there: once is enough, whoever says so first."""
    if part.state in (ChannelOrderState.ACCEPTED.value, ChannelOrderState.CANCELLED.value):
        return
    part.state, part.external_id, part.updated_at = ChannelOrderState.ACCEPTED.value, external_id, now
    fulfilling.store_part(conn, part)
    fulfilling.close_task(conn, order.id, OrderAttention.OUTCOME_UNKNOWN)
    rows = _moved(conn, order, part.client_reference)
    if moved_stock:
        ledger.acknowledged(conn, [row.id for row in rows], selling.ground, now)
    else:
        adjust(conn, order, rows, selling.ground, now)


def seen(
    conn: Connection, order: OrderRow, part: ChannelOrderRow, record: OrderRecord, selling: Selling, now: datetime
) -> None:
    """It is shown where it was brought: that may be the answer, or news that somebody has canceled it there."""
    if part.state not in (ChannelOrderState.ACCEPTED.value, ChannelOrderState.CANCELLED.value):
        outbox.conclude(conn, part.client_reference, now)
        accept(conn, order, part, record.ref.id, record.stock_posted is not False, selling, now)
    stands = part.state == ChannelOrderState.ACCEPTED.value
    asked = outbox.is_waiting(conn, part.channel, f"{TAKEN_BACK}:{part.id}")
    if record.status is OrderStatus.CANCELLED and stands and not asked:
        _by_hand(conn, order, part, "It was canceled there, and still stands where it was sold.", now)


def canceled(conn: Connection, news: News, selling: Selling, now: datetime) -> None:
    """News of an order that was to be canceled where it was brought."""
    found = locked(conn, news.entry.about.partition(":")[2])
    if found is None or (news.done is None and not news.refused):
        return
    order, part = found
    rows = _moved(conn, order, news.entry.key)
    adjusted = part.state == ChannelOrderState.REJECTED.value
    if part.external_id is None and not adjusted and not news.refused:  # it never took it, and was told nothing else
        ids = [row.id for row in (*rows, *_moved(conn, order, part.client_reference))]
        ledger.change(conn, ids, ledger.never_left, now)
    elif news.done is not None and news.done.moved_stock and not adjusted:
        ledger.acknowledged(conn, [row.id for row in rows], selling.ground, now)
    else:
        adjust(conn, order, rows, selling.ground, now)
    part.state, part.updated_at = ChannelOrderState.CANCELLED.value, now
    part.note(news.fault)
    fulfilling.store_part(conn, part)
    if news.refused:
        _by_hand(conn, order, part, "It has changed, and could not be canceled where it was brought.", now)


def _moved(conn: Connection, order: OrderRow, command: str) -> list[ReservationRow]:
    rows = reservations.of_orders(conn, order.channel, [order.external_id])
    return [row for row in rows if row.command == command]


def adjust(conn: Connection, order: OrderRow, rows: Sequence[ReservationRow], ground: Ground, now: datetime) -> None:
    """What cannot be told as an order is told as what it does to the count, or by a person."""
    if all(ground.can(row.channel, AdjustStock) for row in rows):
        ledger.post(conn, rows, now)
        return
    note = "Whoever counts its goods could not be told of it."
    fulfilling.open_task(conn, order.id, OrderAttention.OUTCOME_UNKNOWN, note, now)


def _by_hand(conn: Connection, order: OrderRow, part: ChannelOrderRow, why: str, now: datetime) -> None:
    fulfilling.open_task(conn, order.id, OrderAttention.OUTCOME_UNKNOWN, f"{part.channel}: {why}", now)
