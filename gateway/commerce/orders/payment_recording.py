"""Payment recording: a payment was taken for an order. It is recorded whatever became of the order (rule U1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.commerce.context import SellingContext
from gateway.commerce.orders import order_state, payments
from gateway.commerce.orders.late_payment import decide_late_payment, open_refund_task
from gateway.commerce.orders.payments import PaymentRequest
from gateway.commerce.orders.settlement import settle_order
from gateway.commerce.outbox.commands import EnqueuedKeys
from gateway.model.money import Money
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.model.orders import (
    OrderEventKind,
    OrderStatus,
    PaymentStatus,
)
from gateway.storage.database import Connection
from gateway.storage.writes import fulfillments, orders
from gateway.storage.writes.fulfillments import PaymentRow
from gateway.storage.writes.orders import OrderRow


def record_payment(
    conn: Connection, order_id: str, payment: PaymentRequest, context: SellingContext
) -> tuple[MutationResult, EnqueuedKeys]:
    """Record a payment of an order. Returns the enqueued commands as well.

    The same reference of a provider is recorded once: two transactions that record it for different orders conflict,
    and the second one is repeated.
    """
    about = MutationResult(subject=order_id)
    order = orders.lock_orders(conn, [order_id]).get(order_id)
    if order is None or not order_state.is_placed_here(order) or not context.permissions.can_see(order.channel):
        return replace(about, user_errors=(_ORDER_NOT_FOUND,)), {}
    rows = fulfillments.find_payments(conn, order_id)
    received = _build_received_payment(order, rows, payment, context)
    if (former := _find_former(conn, received)) is not None:
        return _build_repeated_result(about, former, received), {}
    if (refusal := _check_payment(order, rows, payment)) is not None:
        return replace(about, user_errors=(refusal,)), {}
    rows = _store_payment(conn, order, rows, received, context)
    order.payment_status = payments.compute_status(rows, order.total or 0).value
    enqueued = _follow_payment(conn, order, rows, context)
    order_state.complete_if_fulfilled(conn, order)
    order_state.store_and_log(conn, order, context.now)
    return replace(about, done=True), enqueued


def _build_received_payment(
    order: OrderRow, rows: Sequence[PaymentRow], payment: PaymentRequest, context: SellingContext
) -> PaymentRow:
    """Build the payment that the order waits for as received, or another one."""
    expected = [row for row in rows if _is_expected(row, payment)]
    named = [row for row in expected if row.reference == payment.reference]
    row = next(iter(named or expected), None) or payments.build_row(order, payment, context.now)
    provider, reference = payment.provider or row.provider, payment.reference or row.reference
    return replace(
        row,
        provider=provider,
        reference=reference,
        receipt=payments.build_receipt(provider, reference),
        status=PaymentStatus.PAID.value,
        occurred_at=context.now,
    )


def _find_former(conn: Connection, received: PaymentRow) -> PaymentRow | None:
    return None if received.receipt is None else fulfillments.find_received_payment(conn, received.receipt)


def _build_repeated_result(about: MutationResult, former: PaymentRow, received: PaymentRow) -> MutationResult:
    """Build the result for a reference that was received before: nothing changes."""
    if (former.order_id, former.amount) == (received.order_id, received.amount):
        return replace(about, done=True)
    return replace(about, user_errors=(_REFERENCE_RECORDED,))


def _check_payment(order: OrderRow, rows: Sequence[PaymentRow], payment: PaymentRequest) -> UserError | None:
    """Check the amount. What a provider has received under a reference is recorded even if it is too much."""
    if payment.amount.currency_code != order.currency:
        return UserError(
            code=UserErrorCode.CURRENCY_MISMATCH,
            field=("input", "payment"),
            message=f"The order is in {order.currency}.",
        )
    is_too_much = payment.amount.minor > (order.total or 0) - payments.sum_paid(rows)
    if payment.amount.minor <= 0 or (is_too_much and payment.reference is None):
        return UserError(
            code=UserErrorCode.PAYMENT_MISMATCH,
            field=("input", "payment", "amount"),
            message="The amount must be positive, and without a reference at most the amount due.",
        )
    return None


def _store_payment(
    conn: Connection, order: OrderRow, rows: Sequence[PaymentRow], received: PaymentRow, context: SellingContext
) -> list[PaymentRow]:
    """Store a received payment. Returns all payments of the order."""
    others = [row for row in rows if row.id != received.id]
    if len(others) == len(rows):
        fulfillments.insert_payments(conn, [received])
    else:
        fulfillments.update_payments(conn, [received])
    message = f"Paid {Money(received.amount, received.currency).amount}."
    order_state.append_event(conn, order, OrderEventKind.PAID, message, context)
    return [*others, received]


def _is_expected(row: PaymentRow, payment: PaymentRequest) -> bool:
    """Whether the payment fulfills an expected one."""
    due = row.status in (PaymentStatus.PENDING.value, PaymentStatus.UNPAID.value)
    return due and row.amount == payment.amount.minor and row.provider in (None, payment.provider)


def _follow_payment(
    conn: Connection, order: OrderRow, rows: Sequence[PaymentRow], context: SellingContext
) -> EnqueuedKeys:
    """Do what follows from the payment in the state that the order is in."""
    match OrderStatus(order.status):
        case OrderStatus.CANCELLED | OrderStatus.FAILED:
            return decide_late_payment(conn, order, rows, context)
        case OrderStatus.CANCELLING if order.expired_at is not None:
            return {}  # decided when the channels have given their parts back
        case OrderStatus.CANCELLING:
            open_refund_task(conn, order, context)
            return {}
        case _:
            if payments.sum_paid(rows) > (order.total or 0):
                open_refund_task(conn, order, context)
            return settle_order(conn, order, rows, context)


_ORDER_NOT_FOUND = UserError(
    code=UserErrorCode.NOT_FOUND, field=("input", "orderId"), message="There is no order with this ID."
)
_REFERENCE_RECORDED = UserError(
    code=UserErrorCode.PAYMENT_MISMATCH,
    field=("input", "payment", "reference"),
    message="This reference of the provider is recorded already, for another order or amount.",
)
