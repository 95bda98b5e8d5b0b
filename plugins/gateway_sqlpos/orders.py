"""What a receipt says, as an order."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from gateway.sdk import (
    InvalidValueError,
    OrderFulfillmentStatus,
    OrderLineRecord,
    OrderRecord,
    OrderStatus,
    PaymentStatus,
    Raw,
    Ref,
    TaxLine,
    pieces,
)
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.ours import key_of, place_of
from gateway_sqlpos.rows import Row, money, number, only, text, units
from gateway_sqlpos.tickets import moment


def order_of(raw: Raw, config: SqlPosConfig) -> OrderRecord:
    """The order that this receipt is. How far one of ours is, whoever placed it knows."""
    row = only(raw)
    reference = key_of(raw.id)
    refund = row["kind"] is not None and row["kind"] == config.layout.tickets.refunds
    net = sum((number(line, "units") * number(line, "price") for line in row["lines"]), Decimal(0))
    tax = sum((number(line, "amount") for line in row["taxes"]), Decimal(0))
    paid = sum((number(payment, "total") for payment in row["payments"]), Decimal(0))
    due = net if config.prices_include_tax else net + tax
    return OrderRecord(
        ref=Ref(raw.id),
        number=number_of(raw, refund),
        placed_at=placed_at(row["date"], ZoneInfo(config.time_zone)),
        place=place_of(str(row["till"])) if reference else config.tills.get(str(row["till"])),
        customer=text(row, "customer"),
        reverses=row["reverses"],
        status=OrderStatus.OPEN if reference else OrderStatus.COMPLETED,
        fulfillment_status=OrderFulfillmentStatus.UNFULFILLED if reference else OrderFulfillmentStatus.FULFILLED,
        lines=[line_of(line, config.currency, handed=reference is None) for line in row["lines"]],
        subtotal=money(net, config.currency),
        tax_total=money(tax, config.currency) if row["taxes"] else None,
        tax_included=config.prices_include_tax,
        tax_lines=tuple(tax_line(line, config.currency) for line in row["taxes"]),
        total=money(paid if row["payments"] else due, config.currency),
        payment_status=payment_status(row["payments"], refund, config.layout.payments.on_account),
        client_reference=reference,
        stock_posted=True if config.layout.stock_with_sale else None,
    )


def number_of(raw: Raw, refund: bool) -> str:
    """What stands on the receipt. Refunds are counted apart from sales, so theirs begin with an R."""
    printed = text(raw.data, "number") or raw.id
    return f"R{printed}" if refund else printed


def line_of(line: Row, currency: str, *, handed: bool = True) -> OrderLineRecord:
    """One line. What is rung up at a till is handed over."""
    quantity = pieces("quantity", units(line, "units"))
    price = number(line, "price")
    return OrderLineRecord(
        ref=Ref(str(line["line"])),
        variant=text(line, "product"),
        title=text(line, "title") or "",
        sku=text(line, "sku"),
        quantity=quantity,
        unit_price=money(price, currency),
        total=money(price * quantity, currency),
        fulfilled_quantity=max(0, quantity) if handed else 0,
    )


def tax_line(line: Row, currency: str) -> TaxLine:
    """One tax."""
    amount = money(number(line, "amount"), currency)
    return TaxLine(title=text(line, "title") or "", rate=number(line, "rate"), amount=amount)


def payment_status(payments: list[Row], refund: bool, on_account: str) -> PaymentStatus:
    """Whether the money is there: what is put on a customer's account is still owed."""
    if not payments:
        return PaymentStatus.UNKNOWN
    if refund:
        return PaymentStatus.REFUNDED
    owed = [payment["method"] == on_account for payment in payments]
    if all(owed):
        return PaymentStatus.UNPAID
    return PaymentStatus.PARTIALLY_PAID if any(owed) else PaymentStatus.PAID


def placed_at(date: object, zone: ZoneInfo) -> datetime:
    """The instant of a date without zone. Of two that it may be, when the clock is changed, the later one (rule S3)."""
    local = moment(date)
    if local is None:
        raise InvalidValueError("placedAt", f"{date!r} is not a date and time")
    if local.tzinfo is not None:
        return local
    return max(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
