"""Late payments: money that arrives for an order that is canceled already (rule U1).

Exactly one of two things follows: the order reopens, or the payment is due back.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.commerce.context import SellingContext
from gateway.commerce.orders import reopening
from gateway.commerce.orders.payment_deadline import is_awaiting_provider
from gateway.commerce.orders.settlement import settle_order
from gateway.commerce.outbox.commands import EnqueuedKeys
from gateway.model.orders import OrderAttention, OrderStatus
from gateway.storage.database import Connection
from gateway.storage.writes import fulfillments
from gateway.storage.writes.fulfillments import PaymentRow
from gateway.storage.writes.orders import OrderRow


def decide_late_payment(
    conn: Connection, order: OrderRow, payments: Sequence[PaymentRow], context: SellingContext
) -> EnqueuedKeys:
    """Reopen a locked, canceled order for which money was taken, or open the task to pay it back."""
    reopened = _reopen_if_possible(conn, order, payments, context)
    if reopened is None:
        open_refund_task(conn, order, context)
        return {}
    settle_order(conn, order, payments, context)
    return reopened


def _reopen_if_possible(
    conn: Connection, order: OrderRow, payments: Sequence[PaymentRow], context: SellingContext
) -> EnqueuedKeys | None:
    canceled_by_deadline = order.status == OrderStatus.CANCELLED.value and order.expired_at is not None
    if not canceled_by_deadline or is_awaiting_provider(order, payments):
        return None
    if fulfillments.has_task(conn, order.id, OrderAttention.PAYMENT_DUE_BACK):
        return None  # somebody may be paying the former payment back
    return reopening.reopen_order(conn, order, context)


def open_refund_task(conn: Connection, order: OrderRow, context: SellingContext) -> None:
    """Open the task to pay money back."""
    note = "A payment was taken and is due back."
    fulfillments.open_task(conn, order.id, OrderAttention.PAYMENT_DUE_BACK, note, context.now)
