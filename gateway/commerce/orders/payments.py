"""Payments of orders: taken, promised, or due on collection. The gateway itself takes no payments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.model.ids import generate_id
from gateway.model.money import Money, format_minor
from gateway.model.mutation_result import UserError, UserErrorCode
from gateway.model.orders import PaymentKind, PaymentStatus
from gateway.storage.writes.fulfillments import PaymentRow
from gateway.storage.writes.orders import OrderRow

MAX_PAYMENTS = 20


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """A payment as the client states it."""

    kind: PaymentKind
    provider: str | None
    reference: str | None
    amount: Money


def check_payments(payments: Sequence[PaymentRequest], total: Money, *, collected: bool) -> UserError | None:
    """Return an error if the payments do not fit the total. `collected`: everything is taken away or collected in a
    store.
    """
    if not payments and total.minor:
        return _build_error(UserErrorCode.PAYMENT_REQUIRED, "payments", "A payment is required.")
    if len(payments) > MAX_PAYMENTS:
        return _build_error(UserErrorCode.LIMIT_EXCEEDED, "payments", f"At most {MAX_PAYMENTS} payments are allowed.")
    for position, payment in enumerate(payments):
        if (problem := _check_one_payment(payment, total, collected)) is not None:
            code, message = problem
            return _build_error(code, f"payments.{position}", message)
    paid = sum(payment.amount.minor for payment in payments)
    if paid != total.minor:
        due, given = (format_minor(minor, total.currency_code) for minor in (total.minor, paid))
        return _build_error(
            UserErrorCode.PAYMENT_MISMATCH, "payments", f"The total is {due}, but the payments add up to {given}."
        )
    return None


def _check_one_payment(payment: PaymentRequest, total: Money, collected: bool) -> tuple[UserErrorCode, str] | None:
    if payment.amount.currency_code != total.currency_code:
        return UserErrorCode.CURRENCY_MISMATCH, f"The total is in {total.currency_code}."
    if payment.amount.minor <= 0:
        return UserErrorCode.INVALID, "The amount must be positive."
    if payment.kind is PaymentKind.ON_COLLECTION and not collected:
        return UserErrorCode.INVALID, "Shipped goods cannot be paid on collection."
    return None


def _build_error(code: UserErrorCode, field: str, message: str) -> UserError:
    return UserError(code=code, field=("input", *field.split(".")), message=message)


def build_row(order: OrderRow, payment: PaymentRequest, now: datetime) -> PaymentRow:
    """Build the row of a payment."""
    status = _get_initial_status(payment.kind)
    return PaymentRow(
        id=generate_id(now),
        order_id=order.id,
        kind=payment.kind.value,
        provider=payment.provider,
        reference=payment.reference,
        amount=payment.amount.minor,
        currency=payment.amount.currency_code,
        status=status.value,
        channel=order.channel,
        occurred_at=now,
        receipt=build_receipt(payment.provider, payment.reference) if status is PaymentStatus.PAID else None,
    )


def build_receipt(provider: str | None, reference: str | None) -> str | None:
    """Build the receipt of a payment: a provider's reference is received once only (rule U1)."""
    return None if reference is None else f"{(provider or '').lower()}\x1f{reference}"


def _get_initial_status(kind: PaymentKind) -> PaymentStatus:
    return {
        PaymentKind.TENDERED: PaymentStatus.PAID,
        PaymentKind.PROVIDER: PaymentStatus.PENDING,
        PaymentKind.ON_COLLECTION: PaymentStatus.UNPAID,
    }[kind]


def compute_initial_status(payments: Iterable[PaymentRequest], total: int) -> PaymentStatus:
    """Compute the payment status of a new order."""
    kinds = [(_get_initial_status(payment.kind), payment.amount.minor) for payment in payments]
    return _summarize_status(kinds, total)


def compute_status(rows: Iterable[PaymentRow], total: int) -> PaymentStatus:
    """Compute the payment status of an order from its payments."""
    return _summarize_status([(PaymentStatus(row.status), row.amount) for row in rows], total)


def _summarize_status(amounts: Sequence[tuple[PaymentStatus, int]], total: int) -> PaymentStatus:
    paid = sum(minor for status, minor in amounts if status is PaymentStatus.PAID)
    if paid >= total:
        return PaymentStatus.PAID
    if paid:
        return PaymentStatus.PARTIALLY_PAID
    return (
        PaymentStatus.PENDING if any(status is PaymentStatus.PENDING for status, _ in amounts) else PaymentStatus.UNPAID
    )


def sum_paid(rows: Iterable[PaymentRow]) -> int:
    """Sum the payments that were taken."""
    return sum(row.amount for row in rows if row.status == PaymentStatus.PAID.value)
