"""Expiry of unpaid orders: what happens to an order when its payment deadline passes (rule U1)."""

from __future__ import annotations

from gateway.commerce.context import SellingContext
from gateway.commerce.orders import cancellation, order_state
from gateway.commerce.orders.order_state import SHIPPED_STATES
from gateway.commerce.orders.payment_deadline import compute_deadline, has_taken_payment
from gateway.commerce.outbox.commands import EnqueuedKeys
from gateway.model.orders import OrderAttention, OrderEventKind, OrderFulfillmentStatus, OrderStatus
from gateway.storage.database import Connection
from gateway.storage.tables import EPOCH
from gateway.storage.writes import fulfillments, orders
from gateway.storage.writes.orders import OrderRow


def expire_order(conn: Connection, order_id: str, context: SellingContext) -> EnqueuedKeys | None:
    """Cancel an order that was not paid in time, or open a task if that cannot be done.

    Returns the enqueued commands. None: the order was paid, canceled or decided about meanwhile.
    """
    order = orders.lock_due_order(conn, order_id, context.now)
    if order is None or fulfillments.has_task(conn, order.id, OrderAttention.PAYMENT_OVERDUE):
        return None
    if order.pay_by == EPOCH or order.channel in context.config.invoice_channels:
        _set_deadline(conn, order, context)
        return {}
    if (problem := _find_obstacle(conn, order)) is not None:
        _open_task(conn, order, problem, context)
        return {}
    return _cancel(conn, order, context)


def _set_deadline(conn: Connection, order: OrderRow, context: SellingContext) -> None:
    """Set the deadline of an order that an earlier version placed, or of a channel that delivers on invoice by now."""
    payments, parts = fulfillments.find_payments(conn, order.id), fulfillments.find_fulfillments(conn, order.id)
    deadline = compute_deadline(order, payments, parts, context)
    order.pay_by = None if deadline is None else max(deadline, context.now + context.config.payment_window)
    order_state.store_and_log(conn, order, context.now)


def _find_obstacle(conn: Connection, order: OrderRow) -> str | None:
    """Return why the order is not simply canceled: money was taken, or goods have left."""
    if has_taken_payment(fulfillments.find_payments(conn, order.id)):
        return "It is paid in part, and the rest was not paid in time."
    handed_over = any(row.status in SHIPPED_STATES for row in fulfillments.find_fulfillments(conn, order.id))
    if handed_over or order.fulfillment_status != OrderFulfillmentStatus.UNFULFILLED.value:
        return "It was handed over, at least in part, and was not paid in time."
    return None


def _open_task(conn: Connection, order: OrderRow, note: str, context: SellingContext) -> None:
    fulfillments.open_task(conn, order.id, OrderAttention.PAYMENT_OVERDUE, note, context.now)
    order_state.append_event(conn, order, OrderEventKind.NOTE, note, context)
    order_state.store_and_log(conn, order, context.now)


def _cancel(conn: Connection, order: OrderRow, context: SellingContext) -> EnqueuedKeys:
    """Cancel the order. While a channel has not given its part back, the order is CANCELLING."""
    order.expired_at = context.now
    message = "Not paid in time."
    order_state.append_event(conn, order, OrderEventKind.PAYMENT_EXPIRED, message, context)
    enqueued = cancellation.start_cancellation(conn, order, context.now)
    cancellation.complete_cancellation(conn, order, context)
    if order.status == OrderStatus.CANCELLING.value:
        note = "It was not paid in time, and a part of it is being recalled."
        fulfillments.open_task(conn, order.id, OrderAttention.PAYMENT_OVERDUE, note, context.now)
    order_state.store_and_log(conn, order, context.now)
    return enqueued
