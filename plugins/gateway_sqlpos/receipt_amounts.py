"""Amounts of receipts: what is paid is the sum of lines, taxes and the rounding of cash. Nothing else is rounded to
coins: any other difference stays visible (rule O8).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.sdk import Money, OrderCharge, OrderChargeKind
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.row_values import Row, get_number, is_number, round_money

MAX_DIGITS = 15
"""Maximum number of digits of the amount of a line, as of `Money`."""


@dataclass(frozen=True, slots=True)
class ReceiptAmounts:
    """The amounts of a receipt. `tax`: None if the till has none."""

    subtotal: Money
    tax: Money | None
    charges: tuple[OrderCharge, ...]
    total: Money


def map_amounts(row: Row, config: SqlPosConfig) -> ReceiptAmounts:
    """Map the amounts of a receipt. Without payments the total is what is due."""
    net = sum((compute_line_total(line) for line in row["lines"] if has_amount(line)), Decimal(0))
    tax = sum((get_number(line, "amount") for line in row["taxes"]), Decimal(0))
    paid = sum((get_number(payment, "total") for payment in row["payments"]), Decimal(0))
    due = round_money(net if config.prices_include_tax else net + tax, config.currency)
    total = round_money(paid, config.currency) if row["payments"] else due
    rounding = _get_cash_rounding(row["payments"], _subtract(total, due), config)
    subtotal = round_money(net, config.currency)
    return ReceiptAmounts(
        subtotal=subtotal,
        tax=round_money(tax, config.currency)
        if config.prices_include_tax and row["taxes"]
        else _compute_added_tax(row, config, subtotal, due, _subtract(total, rounding)),
        charges=(OrderCharge(kind=OrderChargeKind.ROUNDING, amount=rounding),) if rounding.minor else (),
        total=total,
    )


def has_amount(line: Row) -> bool:
    """Whether a line has an amount. Otherwise it is rejected; it may also be rejected for its fraction of a unit."""
    if not all(is_number(line[field]) and Decimal(line[field]).is_finite() for field in ("units", "price")):
        return False
    return compute_line_total(line).adjusted() < MAX_DIGITS


def compute_line_total(line: Row) -> Decimal:
    """Compute the exact total of a line."""
    return get_number(line, "units") * get_number(line, "price")


def _subtract(amount: Money, other: Money) -> Money:
    return Money(amount.minor - other.minor, amount.currency_code)


def _get_cash_rounding(payments: Sequence[Row], difference: Money, config: SqlPosConfig) -> Money:
    """Return the difference between paid and due if the rounding of cash to the smallest coin explains it; 0: it does
    not.
    """
    coin = 0 if config.cash_rounding is None else Money.of(config.cash_rounding, config.currency).minor
    cash = _sum_cash(payments, config)
    is_rounded = coin > 0 and cash is not None and cash.minor % coin == 0 and 2 * abs(difference.minor) <= coin
    return difference if is_rounded else Money(0, config.currency)


def _sum_cash(payments: Sequence[Row], config: SqlPosConfig) -> Money | None:
    """Return what was paid in cash; None: nothing. Beside other payments, an empty payment in cash rounds nothing."""
    cash = [payment for payment in payments if payment["method"] in config.layout.payments.cash]
    amount = round_money(sum((get_number(payment, "total") for payment in cash), Decimal(0)), config.currency)
    return amount if cash and (amount.minor or len(cash) == len(payments)) else None


def _compute_added_tax(row: Row, config: SqlPosConfig, subtotal: Money, due: Money, paid: Money) -> Money | None:
    """Compute the tax that is added to net prices: the gross amount minus the net amount (rule P1).

    The till rounds each tax line, so what is paid decides about that many of the smallest units. A till without tax
    lines has no other source of the tax.
    """
    if config.prices_include_tax:
        return None
    if config.layout.tax_lines.table is None:
        return _subtract(paid, subtotal)
    if not row["taxes"]:
        return None
    is_rounding = abs(_subtract(paid, due).minor) <= len(row["taxes"])
    return _subtract(paid if is_rounding else due, subtotal)
