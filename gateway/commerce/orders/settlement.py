"""Settlement: what follows from the payments of an order that is pending or open (rule U1)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.commerce.context import SellingContext
from gateway.commerce.orders import submission
from gateway.commerce.orders.payment_deadline import compute_deadline, is_awaiting_provider, is_paid
from gateway.commerce.outbox.commands import EnqueuedKeys
from gateway.model.orders import OrderAttention
from gateway.storage.database import Connection
from gateway.storage.writes import fulfillments
from gateway.storage.writes.fulfillments import PaymentRow
from gateway.storage.writes.orders import OrderRow


def settle_order(
    conn: Connection, order: OrderRow, payments: Sequence[PaymentRow], context: SellingContext
) -> EnqueuedKeys:
    """Move or end the deadline of a locked order, and release what waited for its payment.

    The caller has computed the payment status, and stores the order.
    """
    if is_awaiting_provider(order, payments):
        return {}
    order.pay_by = compute_deadline(order, payments, fulfillments.find_fulfillments(conn, order.id), context)
    fulfillments.close_task(conn, order.id, OrderAttention.PAYMENT_OVERDUE)
    if is_paid(order):
        stop_counting(order)
    return submission.release_shipments(conn, order, context) if order.withheld else {}


def stop_counting(order: OrderRow) -> None:
    """Do not count the order as one that holds units without paying any more."""
    order.client_key = order.network_key = None
