"""Payment deadlines: until when an order waits for its payment, and whether its goods wait as well (rule U1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.model.orders import FulfillmentStatus, PaymentKind, PaymentStatus
from gateway.storage.writes.fulfillments import FulfillmentRow, PaymentRow
from gateway.storage.writes.orders import OrderRow

DUE_STATUSES = {
    PaymentStatus.UNPAID.value,
    PaymentStatus.PENDING.value,
    PaymentStatus.FAILED.value,
    PaymentStatus.VOIDED.value,
}
"""States of a payment of which nothing was taken or authorized."""

_WITHOUT_GOODS = {
    FulfillmentStatus.REJECTED.value,
    FulfillmentStatus.FAILED.value,
    FulfillmentStatus.CANCELLED.value,
}


def has_taken_payment(payments: Iterable[PaymentRow]) -> bool:
    """Whether money was taken or authorized."""
    return any(row.status not in DUE_STATUSES for row in payments)


def is_paid(order: OrderRow) -> bool:
    """Whether nothing of the order remains to be paid."""
    return order.payment_status == PaymentStatus.PAID.value or not order.total


def is_awaiting_provider(order: OrderRow, payments: Iterable[PaymentRow]) -> bool:
    """Whether the order waits for a payment through a provider."""
    due = (row for row in payments if row.status in DUE_STATUSES)
    return not is_paid(order) and any(row.kind == PaymentKind.PROVIDER.value for row in due)


def is_withheld(order: OrderRow, payments: Iterable[PaymentRow], config: SellingConfig) -> bool:
    """Whether the channels receive nothing of the order before it is paid."""
    sent_at_once = order.channel in config.unpaid_channels | config.invoice_channels
    return not sent_at_once and is_awaiting_provider(order, payments)


def compute_deadline(
    order: OrderRow, payments: Iterable[PaymentRow], fulfillments: Sequence[FulfillmentRow], context: SellingContext
) -> datetime | None:
    """Compute the payment deadline of an order as of now. Returns None if nothing waits for a payment."""
    if is_paid(order) or order.channel in context.config.invoice_channels:
        return None
    if is_awaiting_provider(order, payments):
        return context.now + context.config.payment_window
    return compute_collection_deadline(order, fulfillments, context.config)


def compute_collection_deadline(
    order: OrderRow, fulfillments: Sequence[FulfillmentRow], config: SellingConfig
) -> datetime:
    """Compute until when an order that is paid on collection waits: until the last part is not held any more."""
    waiting = [row for row in fulfillments if row.status not in _WITHOUT_GOODS]
    times = [row.collect_by or (row.ready_at or row.created_at) + config.pickup_window for row in waiting]
    return max(times, default=order.placed_at + config.pickup_window)
