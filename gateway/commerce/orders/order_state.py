"""Order state: what follows from the fulfillments and payments of an order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gateway.commerce.context import SellingContext
from gateway.commerce.orders.splitting import OrderShipment
from gateway.model.orders import (
    ChannelOrderState,
    FulfillmentStatus,
    OrderAttention,
    OrderEventKind,
    OrderFulfillmentStatus,
    OrderStatus,
    PaymentStatus,
)
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.writes import fulfillments, orders, reservations
from gateway.storage.writes.orders import OrderLineRow, OrderRow
from gateway.storage.writes.reservations import ReservationRow
from gateway.storage.writes.shortages import GATEWAY_CHANNEL

SHIPPED_STATES = {
    FulfillmentStatus.IN_TRANSIT.value,
    FulfillmentStatus.OUT_FOR_DELIVERY.value,
    FulfillmentStatus.DELIVERED.value,
    FulfillmentStatus.COLLECTED.value,
}
"""States of a fulfillment that has left, or was handed over."""

TERMINAL_STATES = {
    *SHIPPED_STATES,
    FulfillmentStatus.REJECTED.value,
    FulfillmentStatus.FAILED.value,
    FulfillmentStatus.CANCELLED.value,
}


def is_placed_here(order: OrderRow) -> bool:
    """Whether the order was placed through the gateway. Orders that a channel sold itself are canceled there."""
    return order.external_id.startswith("gateway:")


def complete_if_fulfilled(conn: Connection, order: OrderRow) -> None:
    """Complete an order once everything is handed over and paid."""
    paid = order.payment_status == PaymentStatus.PAID.value or not order.total
    if order.status != OrderStatus.OPEN.value or not paid:
        return
    rows = fulfillments.find_fulfillments(conn, order.id)
    if all(row.status in TERMINAL_STATES for row in rows) and any(row.status in SHIPPED_STATES for row in rows):
        order.status = OrderStatus.COMPLETED.value
        fulfillments.close_task(conn, order.id, OrderAttention.STOCK_SHORT)


def open_if_decided(conn: Connection, order: OrderRow) -> None:
    """Open a pending order once nothing waits for its payment and every channel has accepted or rejected its part."""
    if order.status != OrderStatus.PENDING.value or order.withheld:
        return
    states = {channel_order.state for channel_order in fulfillments.find_channel_orders(conn, order.id)}
    if states <= _DECIDED_STATES:
        order.status = OrderStatus.OPEN.value
        complete_if_fulfilled(conn, order)


_DECIDED_STATES = {
    ChannelOrderState.ACCEPTED.value,
    ChannelOrderState.REJECTED.value,
    ChannelOrderState.CANCELLED.value,
}


def count_fulfilled(order: OrderRow, lines: Iterable[OrderLineRow], shipments: Iterable[OrderShipment]) -> None:
    """Count what is taken away at once as fulfilled."""
    taken_away: dict[str, int] = {}
    for shipment in shipments:
        for name, quantity in shipment.quantities.items() if shipment.is_handed_over else ():
            taken_away[name] = taken_away.get(name, 0) + quantity
    order_lines = list(lines)
    for line in order_lines:
        line.fulfilled_quantity += taken_away.get(line.id, 0)
    order.fulfillment_status = compute_fulfillment_status(order_lines).value


def compute_fulfillment_status(lines: Iterable[OrderLineRow]) -> OrderFulfillmentStatus:
    """Compute the fulfillment status of an order from its lines."""
    order_lines = list(lines)
    if all(line.fulfilled_quantity >= line.quantity for line in order_lines):
        return OrderFulfillmentStatus.FULFILLED
    is_partial = any(line.fulfilled_quantity for line in order_lines)
    return OrderFulfillmentStatus.PARTIALLY_FULFILLED if is_partial else OrderFulfillmentStatus.UNFULFILLED


def list_movements(conn: Connection, order_id: str, fulfillment_ids: Iterable[str]) -> list[ReservationRow]:
    """List the movements of these fulfillments of an order."""
    ids = set(fulfillment_ids)
    return [
        row for row in reservations.find_movements_of_orders(conn, GATEWAY_CHANNEL, [order_id]) if row.line_ref in ids
    ]


def append_event(
    conn: Connection, order: OrderRow, kind: OrderEventKind, message: str, context: SellingContext
) -> None:
    """Append an event that the sender of the request, or the gateway itself, caused to the history of the order."""
    fulfillments.insert_event(conn, order.id, kind, message, context.now, channel=order.channel, actor=context.actor)


def store_and_log(conn: Connection, order: OrderRow, now: datetime) -> None:
    """Store a changed order and record it in the change log. Call it last in a transaction."""
    order.version, order.updated_at = order.version + 1, now
    orders.store_orders(conn, [order], {order.id})
    change_log.log_change(conn, "ORDER", [(order.id, order.version)], now)
