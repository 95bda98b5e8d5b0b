"""Results of cancellations: what a channel answers about a canceled channel order (rule O5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.commerce.context import SellingContext
from gateway.commerce.inventory import movements, reservation_changes
from gateway.commerce.orders import order_state
from gateway.commerce.orders.cancellation import build_return, complete_cancellation, store_cancellation
from gateway.commerce.orders.order_state import SHIPPED_STATES, TERMINAL_STATES
from gateway.commerce.orders.payment_deadline import is_paid
from gateway.commerce.orders.settlement import settle_order
from gateway.commerce.outbox.results import CommandResult
from gateway.model.orders import (
    ChannelOrderState,
    OrderAttention,
    OrderEventKind,
    OrderStatus,
)
from gateway.sdk.records import Ref
from gateway.sdk.writes import Command, Done
from gateway.storage.database import Connection
from gateway.storage.outbox import Entry
from gateway.storage.writes import fulfillments, orders
from gateway.storage.writes.fulfillments import ChannelOrderRow
from gateway.storage.writes.orders import OrderRow
from gateway.storage.writes.reservations import ReservationRow


def prepare_cancellation(conn: Connection, entry: Entry, command: Command, _: SellingContext) -> Command | None:
    """Prepare a cancellation with the ID that the channel has given its order. Returns None if the channel never
    accepted it.
    """
    part = fulfillments.find_channel_order(conn, entry.about.partition(":")[2])
    if part is None or part.external_id is None:
        return None
    return replace(command, subject=Ref(part.external_id))


def handle_result(conn: Connection, result: CommandResult, context: SellingContext) -> None:
    """Handle the result of canceling a channel order."""
    part = fulfillments.find_channel_order(conn, result.entry.about.partition(":")[2])
    order = None if part is None else orders.lock_orders(conn, [part.order_id]).get(part.order_id)
    if part is None or order is None:
        return
    if result.done is not None:
        never_accepted = part.external_id is None
        sold = store_cancellation(conn, order, part, context.now)
        if never_accepted:
            reservation_changes.update_reservations(
                conn, [row.id for row in sold], movements.void_movement, context.now
            )
        else:
            _return_stock(conn, sold, result.done, context)
        complete_cancellation(conn, order, context)
    elif result.is_refused:
        _record_refusal(conn, order, part, result, context)
    else:
        return
    order_state.store_and_log(conn, order, context.now)


def apply_channel_cancellation(
    conn: Connection, order: OrderRow, part: ChannelOrderRow, context: SellingContext
) -> None:
    """Apply a cancellation that the channel shows, requested by the gateway or made in the channel."""
    if part.state == ChannelOrderState.CANCELLED.value:
        return
    requested = order.status == OrderStatus.CANCELLING.value
    _return_stock(conn, store_cancellation(conn, order, part, context.now), Done(moved_stock=True), context)
    if not requested:
        note = "Canceled by the channel."
        fulfillments.insert_event(
            conn, order.id, OrderEventKind.NOTE, note, context.now, channel=part.channel, location=part.location
        )
        order.status = OrderStatus.CANCELLING.value
        remaining = [row for row in fulfillments.find_fulfillments(conn, order.id) if row.status not in TERMINAL_STATES]
        if remaining or any(row.status in SHIPPED_STATES for row in fulfillments.find_fulfillments(conn, order.id)):
            order.status = OrderStatus.OPEN.value
            fulfillments.open_task(conn, order.id, OrderAttention.STOCK_SHORT, note, context.now)
    complete_cancellation(conn, order, context)
    order_state.store_and_log(conn, order, context.now)


def _return_stock(conn: Connection, sold: Sequence[ReservationRow], done: Done, context: SellingContext) -> None:
    """Acknowledge that the channel counts the units again; if it does not do so itself, post their return."""
    if done.moved_stock:
        movements.acknowledge_reversals(conn, [row.id for row in sold], context)
        return
    movements.post_new_movements(conn, [build_return(row, context.now) for row in sold], context.now)


def _record_refusal(
    conn: Connection, order: OrderRow, part: ChannelOrderRow, result: CommandResult, context: SellingContext
) -> None:
    """Record that the channel refused to cancel: the goods have left. A task is opened for the rest."""
    now = context.now
    part.set_fault(result.fault)
    part.updated_at = now
    fulfillments.update_channel_order(conn, part)
    if order.status == OrderStatus.CANCELLING.value:
        order.status, order.expired_at = OrderStatus.OPEN.value, None
        if is_paid(order):  # while the channel was asked; unpaid, it stays overdue
            settle_order(conn, order, fulfillments.find_payments(conn, order.id), context)
    note = "The channel could not cancel its order. Refund or recall it there."
    fulfillments.open_task(conn, order.id, OrderAttention.REFUND_BY_HAND, note, now)
    fulfillments.insert_event(
        conn, order.id, OrderEventKind.NOTE, note, now, channel=part.channel, location=part.location
    )
