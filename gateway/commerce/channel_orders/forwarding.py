"""Order forwarding: a follower's order is placed in the authority of its goods, as an order of its own (K2, `post =
order`).

A forwarded order cannot be edited: if it changes, it is canceled there and forwarded anew. What cannot be expressed
as an order is posted as a stock adjustment; if that is not supported either, a task is opened for an operator.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.commerce.context import SellingContext
from gateway.commerce.inventory import movements
from gateway.commerce.outbox.commands import OutboxCommand, enqueue
from gateway.model.ids import generate_id
from gateway.model.locations import Location
from gateway.model.money import Money, build_money
from gateway.model.orders import (
    ChannelOrderState,
    OrderAttention,
    OrderFulfillmentStatus,
    OrderStatus,
    PaymentStatus,
)
from gateway.sdk.records import OrderLineRecord, OrderRecord, Ref
from gateway.sdk.writes import AdjustStock, CancelOrder, PlaceOrder
from gateway.storage.database import Connection
from gateway.storage.writes import carts, fulfillments, reservations
from gateway.storage.writes.fulfillments import ChannelOrderRow, dump_quantities
from gateway.storage.writes.orders import OrderLineRow, OrderRow
from gateway.storage.writes.reservations import ReservationRow

FORWARDED, RECALLED = "brought", "taken-back"
"""Outbox commands about a forwarded order: the channel order after the colon waits for the result. Stored values."""

ACTIVE_STATES = (
    ChannelOrderState.QUEUED.value,
    ChannelOrderState.SUBMITTED.value,
    ChannelOrderState.UNKNOWN.value,
    ChannelOrderState.ACCEPTED.value,
)


@dataclass(frozen=True, slots=True)
class ForwardedOrder:
    """The part of an order that comes from one location now. `lines`: each with its quantity."""

    order: OrderRow
    location: Location
    lines: Sequence[tuple[OrderLineRow, int]]
    rows: Sequence[ReservationRow]

    @property
    def channel(self) -> str:
        """The channel that counts the location."""
        return self.location.require_authority().channel

    @property
    def external_location(self) -> str:
        """ID of the location in the channel that counts it."""
        return self.location.require_authority().external_id


def find_active_forward(conn: Connection, order_id: str, location: str) -> ChannelOrderRow | None:
    """Find the channel order by which an order is forwarded to a location and not recalled."""
    active = (
        part
        for part in fulfillments.find_channel_orders(conn, order_id)
        if part.location == location and part.state in ACTIVE_STATES
    )
    return next(active, None)


def forward_order(conn: Connection, forwarded: ForwardedOrder, context: SellingContext) -> None:
    """Forward an order to the authority of its goods."""
    record = _build_record(conn, forwarded, Ref(generate_id(context.now)))
    if record is None or not context.topology.can_execute(forwarded.channel, PlaceOrder):
        post_as_adjustment(conn, forwarded.order, forwarded.rows, context)
        return
    part = ChannelOrderRow(
        id=generate_id(context.now),
        order_id=forwarded.order.id,
        channel=forwarded.channel,
        location=forwarded.location.key,
        client_reference=record.ref.id,
        state=ChannelOrderState.QUEUED.value,
        lines=dump_quantities({line.id: quantity for line, quantity in forwarded.lines}),
        updated_at=context.now,
    )
    fulfillments.insert_channel_orders(conn, [part])
    _assign_command(conn, forwarded.rows, record.ref.id, context.now)
    command = PlaceOrder(key=record.ref.id, subject=record.ref, order=record)
    _enqueue(conn, part, command, FORWARDED, context.now)


def recall_order(conn: Connection, part: ChannelOrderRow, rows: Sequence[ReservationRow], now: datetime) -> None:
    """Recall a forwarded order: cancel it in the authority. `rows`: movements of the returning units."""
    command = CancelOrder(key=generate_id(now), subject=Ref(part.client_reference), reason="changed")
    _assign_command(conn, rows, command.key, now)
    _enqueue(conn, part, command, RECALLED, now)


def _enqueue(
    conn: Connection,
    part: ChannelOrderRow,
    command: PlaceOrder | CancelOrder,
    kind: str,
    now: datetime,
) -> None:
    subject = f"brought {part.order_id} {part.location}"  # a new forward waits until the former one is canceled
    enqueue(
        conn, [OutboxCommand(channel=part.channel, command=command, subject=subject, about=f"{kind}:{part.id}")], now
    )


def _assign_command(conn: Connection, rows: Iterable[ReservationRow], command: str, now: datetime) -> None:
    movements = list(rows)
    for row in movements:
        row.command, row.updated_at = command, now
    reservations.update_reservations(conn, movements)


def _build_record(conn: Connection, forwarded: ForwardedOrder, reference: Ref) -> OrderRecord | None:
    """Build the order to forward. Returns None if the authority does not list the goods, or not in matching units."""
    lines = _build_lines(conn, forwarded)
    if lines is None:
        return None
    order = forwarded.order
    return OrderRecord(
        ref=reference,
        number=order.number,
        client_reference=reference.id,
        status=OrderStatus.OPEN,
        fulfillment_status=OrderFulfillmentStatus.UNFULFILLED,
        payment_status=PaymentStatus(order.payment_status),
        placed_at=order.placed_at,
        place=forwarded.external_location,
        lines=lines,
        tax_included=order.tax_included,
        total=_sum_amounts([line.total for line in lines if line.total is not None]),
    )


def _build_lines(conn: Connection, forwarded: ForwardedOrder) -> list[OrderLineRecord] | None:
    sold = carts.find_sold_offers(conn, [line for line, _ in forwarded.lines])
    channel_offers = carts.find_offers(conn, forwarded.channel, {offer.variant_id for offer in sold.values()})
    lines = []
    for line, quantity in forwarded.lines:
        offer = sold.get(line.id)
        channel_offer = None if offer is None else channel_offers.get(offer.variant_id)
        if offer is None or channel_offer is None or quantity * offer.units % channel_offer.units:
            return None
        channel_quantity = quantity * offer.units // channel_offer.units
        lines.append(_build_line(forwarded, line, channel_offer.external_id, channel_quantity, quantity))
    return lines


def _build_line(
    forwarded: ForwardedOrder, line: OrderLineRow, variant: str, quantity: int, sold: int
) -> OrderLineRecord:
    total = None
    if line.unit_price is not None and line.currency is not None:
        total = build_money(line.unit_price * sold, line.currency)
    each = None if total is None or total.minor % quantity else Money(total.minor // quantity, total.currency_code)
    return OrderLineRecord(
        ref=Ref(line.id),
        variant=variant,
        place=forwarded.external_location,
        title=line.title,
        sku=line.sku,
        quantity=quantity,
        unit_price=each,
        total=total,
    )


def _sum_amounts(amounts: Sequence[Money]) -> Money | None:
    return build_money(sum(amount.minor for amount in amounts), amounts[0].currency_code) if amounts else None


def post_as_adjustment(
    conn: Connection, order: OrderRow, rows: Sequence[ReservationRow], context: SellingContext
) -> None:
    """Post the movements of an order as stock adjustments, or open a task if an authority does not support them."""
    if all(context.topology.can_execute(row.channel, AdjustStock) for row in rows):
        movements.post_movements(conn, rows, context.now)
        return
    note = "The sale could not be reported to the channel that counts its goods. Adjust the stock there."
    fulfillments.open_task(conn, order.id, OrderAttention.OUTCOME_UNKNOWN, note, context.now)
