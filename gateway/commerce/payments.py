"""Payments: what has been taken, promised, or is still to be paid. The gateway takes no money itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.model.ids import new_id
from gateway.model.money import Money, minor_text
from gateway.model.orders import PaymentKind, PaymentStatus
from gateway.model.outcomes import UserError, UserErrorCode
from gateway.storage import fulfilling
from gateway.storage.database import Connection
from gateway.storage.fulfilling import PaymentRow
from gateway.storage.sales import OrderRow

MOST = 20


@dataclass(frozen=True, slots=True)
class Offered:
    """How somebody says that an order is paid."""

    kind: PaymentKind
    provider: str | None
    reference: str | None
    amount: Money


def refusal(offered: Sequence[Offered], total: Money, *, collected: bool) -> UserError | None:
    """Why these payments are none for this total. `collected`: all of it is taken away or collected in a shop."""
    if not offered and total.minor:
        return _error(UserErrorCode.PAYMENT_REQUIRED, "payments", "It has to be said how it is paid.")
    if len(offered) > MOST:
        return _error(UserErrorCode.LIMIT_EXCEEDED, "payments", f"At most {MOST} payments.")
    for position, one in enumerate(offered):
        if (wrong := _wrong(one, total, collected)) is not None:
            code, message = wrong
            return _error(code, f"payments.{position}", message)
    paid = sum(one.amount.minor for one in offered)
    if paid != total.minor:
        due, given = (minor_text(minor, total.currency_code) for minor in (total.minor, paid))
        return _error(UserErrorCode.PAYMENT_MISMATCH, "payments", f"The total is {due}, the payments come to {given}.")
    return None


def _wrong(one: Offered, total: Money, collected: bool) -> tuple[UserErrorCode, str] | None:
    if one.amount.currency_code != total.currency_code:
        return UserErrorCode.CURRENCY_MISMATCH, f"The total is in {total.currency_code}."
    if one.amount.minor <= 0:
        return UserErrorCode.INVALID, "A payment is more than nothing."
    if one.kind is PaymentKind.ON_COLLECTION and not collected:
        return UserErrorCode.INVALID, "What is sent is not paid on collection."
    return None


def _error(code: UserErrorCode, field: str, message: str) -> UserError:
    return UserError(code=code, field=("input", *field.split(".")), message=message)


def add(conn: Connection, order: OrderRow, offered: Iterable[Offered], now: datetime) -> None:
    """Write down how an order is paid."""
    fulfilling.add_payments(conn, [row_of(order, one, now) for one in offered])


def row_of(order: OrderRow, one: Offered, now: datetime) -> PaymentRow:
    """A payment for an order, as it is stored."""
    return PaymentRow(
        id=new_id(now),
        order_id=order.id,
        kind=one.kind.value,
        provider=one.provider,
        reference=one.reference,
        amount=one.amount.minor,
        currency=one.amount.currency_code,
        status=_first_status(one.kind).value,
        channel=order.channel,
        occurred_at=now,
    )


def _first_status(kind: PaymentKind) -> PaymentStatus:
    return {
        PaymentKind.TENDERED: PaymentStatus.PAID,
        PaymentKind.PROVIDER: PaymentStatus.PENDING,
        PaymentKind.ON_COLLECTION: PaymentStatus.UNPAID,
    }[kind]


def status(offered: Iterable[Offered], total: int) -> PaymentStatus:
    """How the payment of a new order stands."""
    kinds = [(_first_status(one.kind), one.amount.minor) for one in offered]
    return _status(kinds, total)


def status_of(rows: Iterable[PaymentRow], total: int) -> PaymentStatus:
    """How the payment of an order stands."""
    return _status([(PaymentStatus(row.status), row.amount) for row in rows], total)


def _status(found: Sequence[tuple[PaymentStatus, int]], total: int) -> PaymentStatus:
    paid = sum(minor for status, minor in found if status is PaymentStatus.PAID)
    if paid >= total:
        return PaymentStatus.PAID
    if paid:
        return PaymentStatus.PARTIALLY_PAID
    return PaymentStatus.PENDING if any(one is PaymentStatus.PENDING for one, _ in found) else PaymentStatus.UNPAID


def taken(conn: Connection, order_id: str) -> int:
    """Money that has been taken for an order."""
    rows = fulfilling.payments_of(conn, order_id)
    return sum(row.amount for row in rows if row.status == PaymentStatus.PAID.value)
