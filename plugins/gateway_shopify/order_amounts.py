"""Amounts of orders: what is paid for the units that were handed over, or still are to be.

Shopify keeps units that were removed from an order in the quantity of their line and in its totals, as it does with
units that were sent and refunded. Only the former are taken out here; what was refunded is `refunded_total`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from gateway.sdk import InvalidValueError, Money, TaxLine, json_access
from gateway_shopify import graphql_values
from gateway_shopify.graphql_values import Node


@dataclass(frozen=True, slots=True)
class LineUnits:
    """Units of a line.

    Attributes:
        ordered: units that were ever ordered.
        removed: ordered units that were removed before they were sent.
        refunded: other units that were refunded.
    """

    ordered: int
    removed: int
    refunded: int

    @property
    def remaining(self) -> int:
        """Units that were handed over, or are to be."""
        return self.ordered - self.removed


def count_units(line: Node, *, canceled: bool) -> LineUnits:
    """Count the units of a line. A canceled order shows what was ordered: its status says that nothing is sold.

    Units that were removed or refunded are not in the current quantity. Those that cannot be fulfilled are removed
    ones, or never were fulfilled, as a tip.
    """
    ordered = json_access.get_whole(line, "quantity")
    if canceled:
        return LineUnits(ordered, 0, 0)
    gone = max(0, ordered - _get_count(line, "currentQuantity", ordered))
    removed = min(gone, max(0, _get_count(line, "nonFulfillableQuantity", 0)))
    return LineUnits(ordered, removed, gone - removed)


def _get_count(line: Node, field: str, default: int) -> int:
    """Return a number of units; records that were stored by earlier versions lack some."""
    return default if line.get(field) is None else json_access.get_whole(line, field)


def compute_line_total(line: Node, units: LineUnits, counted: int) -> Money | None:
    """Compute the total after discounts of some units of a line."""
    total = graphql_values.get_shop_money(line, "discountedTotalSet")
    if total is None or counted == units.ordered:
        return total
    return _scale(total, Decimal(counted) / units.ordered)


def _scale(amount: Money, share: Decimal) -> Money:
    minor = (amount.minor * share).quantize(Decimal(1), ROUND_HALF_UP)
    return Money(int(minor), amount.currency_code)


@dataclass(frozen=True, slots=True)
class OrderAmounts:
    """The amounts of an order."""

    subtotal: Money | None
    discount_total: Money | None
    tax_total: Money | None
    tax_lines: tuple[TaxLine, ...]
    total: Money | None
    refunded_total: Money | None


def map_amounts(node: Node, lines: Sequence[tuple[Node, LineUnits]]) -> OrderAmounts:
    """Map the amounts of an order. They change only if units were removed."""
    before = OrderAmounts(
        subtotal=graphql_values.get_shop_money(node, "subtotalPriceSet"),
        discount_total=graphql_values.get_shop_money(node, "totalDiscountsSet"),
        tax_total=graphql_values.get_shop_money(node, "totalTaxSet"),
        tax_lines=tuple(_map_tax_line(tax_line) for tax_line in json_access.get_objects(node, "taxLines")),
        total=graphql_values.get_shop_money(node, "totalPriceSet"),
        refunded_total=graphql_values.get_shop_money(node, "totalRefundedSet"),
    )
    if not any(units.removed for _, units in lines):
        return before
    return _take_out_removed(node, before, _sum_refunded(lines))


def _sum_refunded(lines: Sequence[tuple[Node, LineUnits]]) -> int:
    """Sum what was paid for units that were refunded and not removed, in minor units."""
    totals = (compute_line_total(line, units, units.refunded) for line, units in lines if units.refunded)
    return sum(total.minor for total in totals if total is not None)


def _take_out_removed(node: Node, before: OrderAmounts, refunded: int) -> OrderAmounts:
    """Take removed units out of amounts. The shop's current ones lack refunded units too, which are added again."""
    current = graphql_values.get_shop_money(node, "currentSubtotalPriceSet")
    if current is None or before.subtotal is None or before.total is None:
        return before
    subtotal = Money(current.minor + refunded, current.currency_code)
    tax = _compute_tax(node, before, subtotal, refunded)
    added_tax = 0 if json_access.get_flag(node, "taxesIncluded") else _subtract(before.tax_total, tax)
    total = Money(before.total.minor - (before.subtotal.minor - subtotal.minor) - added_tax, current.currency_code)
    return OrderAmounts(
        subtotal=subtotal,
        discount_total=graphql_values.get_shop_money(node, "currentTotalDiscountsSet"),
        tax_total=tax,
        tax_lines=_scale_tax_lines(before, tax),
        total=total,
        refunded_total=_compute_refunded(node, before.refunded_total, total),
    )


def _compute_tax(node: Node, before: OrderAmounts, subtotal: Money, refunded: int) -> Money | None:
    """Compute the tax of the remaining units: as the shop has it, or if it lacks refunded ones, by their share."""
    if not refunded or before.tax_total is None or before.subtotal is None or not before.subtotal.minor:
        return graphql_values.get_shop_money(node, "currentTotalTaxSet")
    return _scale(before.tax_total, Decimal(subtotal.minor) / before.subtotal.minor)


def _subtract(former: Money | None, later: Money | None) -> int:
    return (0 if former is None else former.minor) - (0 if later is None else later.minor)


def _scale_tax_lines(before: OrderAmounts, tax: Money | None) -> tuple[TaxLine, ...]:
    """Scale tax lines so that they add up to the tax of the remaining units; the last one takes the difference."""
    if tax is None or before.tax_total is None or not before.tax_total.minor or not before.tax_lines:
        return before.tax_lines
    share, left, scaled = Decimal(tax.minor) / before.tax_total.minor, tax.minor, list[TaxLine]()
    for line in before.tax_lines[:-1]:
        amount = _scale(line.amount, share)
        left -= amount.minor
        scaled.append(TaxLine(title=line.title, rate=line.rate, amount=amount))
    last = before.tax_lines[-1]
    return (*scaled, TaxLine(title=last.title, rate=last.rate, amount=Money(left, tax.currency_code)))


def _compute_refunded(node: Node, refunded: Money | None, total: Money) -> Money | None:
    """Compute what was refunded beyond what had been paid too much, for units that were removed afterwards."""
    received = graphql_values.get_shop_money(node, "totalReceivedSet")
    if refunded is None or received is None:
        return refunded
    return Money(max(0, refunded.minor - max(0, received.minor - total.minor)), refunded.currency_code)


def _map_tax_line(node: Node) -> TaxLine:
    amount = graphql_values.get_shop_money(node, "priceSet")
    if amount is None:
        raise InvalidValueError("taxLines.priceSet", "is missing")
    return TaxLine(title=json_access.get_text(node, "title"), rate=graphql_values.get_rate(node, "rate"), amount=amount)
