"""Mapping of receipts to orders."""

from __future__ import annotations

from datetime import UTC, datetime
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
    parse_pieces,
    read_lines,
)
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.product_groups import EACH, PARTS
from gateway_sqlpos.receipt_amounts import compute_line_total, map_amounts
from gateway_sqlpos.receipt_queries import parse_date
from gateway_sqlpos.receipt_writer import OPEN_PAYMENT
from gateway_sqlpos.row_ids import parse_key, parse_session_location
from gateway_sqlpos.row_values import Row, format_id, format_units, get_number, get_single_row, get_text, round_money


def map_order(raw: Raw, config: SqlPosConfig) -> OrderRecord:
    """Map a receipt. The state of an order that the gateway placed is not known to the till."""
    row = get_single_row(raw)
    reference = parse_key(raw.id)
    refund = row["kind"] is not None and row["kind"] == config.layout.tickets.refunds
    amounts = map_amounts(row, config)
    lines, rejected = read_lines(
        row["lines"],
        lambda line: map_line(line, config.currency, ours=reference is not None),
        lambda line: format_id(line["line"]),
    )
    return OrderRecord(
        ref=Ref(raw.id),
        number=format_number(raw, refund),
        placed_at=parse_placed_at(row["date"], ZoneInfo(config.time_zone)),
        place=parse_session_location(str(row["till"])) if reference else config.tills.get(format_id(row["till"])),
        customer=get_text(row, "customer"),
        reverses=row["reverses"],
        status=OrderStatus.OPEN if reference else OrderStatus.COMPLETED,
        fulfillment_status=OrderFulfillmentStatus.UNFULFILLED if reference else OrderFulfillmentStatus.FULFILLED,
        lines=lines,
        rejected_lines=rejected,
        subtotal=amounts.subtotal,
        tax_total=amounts.tax,
        tax_included=config.prices_include_tax,
        tax_lines=tuple(map_tax_line(line, config.currency) for line in row["taxes"]),
        other_charges=amounts.charges,
        total=amounts.total,
        payment_status=map_payment_status(row["payments"], refund, config.layout.payments.on_account),
        client_reference=reference,
        stock_posted=True if config.layout.stock_with_sale else None,
    )


def format_number(raw: Raw, refund: bool) -> str:
    """Return the printed number. Refunds are numbered separately from sales and get the prefix R."""
    printed = get_text(raw.data, "number") or raw.id
    return f"R{printed}" if refund else printed


def map_line(line: Row, currency: str, *, ours: bool = False) -> OrderLineRecord:
    """Map a line. Units that are sold at a till are handed over at once. Its price is that of a unit of the till, which
    of goods sold by measure is none of the line's. The gateway's own receipts are in pieces, whatever the till sells by
    measure since.
    """
    unit = None if ours else line.get("unit")
    quantity = parse_pieces("lines.quantity", format_units(line, "units", 1 if unit is None else PARTS))
    return OrderLineRecord(
        ref=Ref(format_id(line["line"])),
        variant=get_text(line, "product"),
        title=get_text(line, "title") or "",
        sku=get_text(line, "sku"),
        quantity=quantity,
        unit_of_measure=unit or EACH,
        unit_price=None if unit else round_money(get_number(line, "price"), currency),
        total=round_money(compute_line_total(line), currency),
        fulfilled_quantity=0 if ours else max(0, quantity),
    )


def map_tax_line(line: Row, currency: str) -> TaxLine:
    """Map a tax line."""
    amount = round_money(get_number(line, "amount"), currency)
    return TaxLine(title=get_text(line, "title") or "", rate=get_number(line, "rate"), amount=amount)


def map_payment_status(payments: list[Row], refund: bool, on_account: str) -> PaymentStatus:
    """Map the payments: an amount on the customer's account, or that of an unpaid order, is still owed."""
    if not payments:
        return PaymentStatus.UNKNOWN
    if refund:
        return PaymentStatus.REFUNDED
    owed = [payment["method"] in (on_account, OPEN_PAYMENT) for payment in payments]
    if all(owed):
        return PaymentStatus.UNPAID
    return PaymentStatus.PARTIALLY_PAID if any(owed) else PaymentStatus.PAID


def parse_placed_at(date: object, zone: ZoneInfo) -> datetime:
    """Parse a date without a time zone. If it is ambiguous, when clocks are set back, the later instant is used (rule
    S3).
    """
    local = parse_date(date)
    if local is None:
        raise InvalidValueError("placedAt", f"{date!r} is not a date and time")
    if local.tzinfo is not None:
        return local
    return max(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
