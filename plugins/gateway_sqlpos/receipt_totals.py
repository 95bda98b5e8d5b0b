"""Totals of an order as a receipt: lines at the till's kind of price, each with the till's own tax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.sdk import Money, OrderLineRecord, OrderRecord

_PRICE_PRECISION = Decimal("1E-10")
"""Precision of net prices: tills store them as doubles."""


class ReceiptError(Exception):
    """The till cannot store this order. `code`: error code of the command's outcome."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A tax of the till. `rate`: as a fraction; `category`: the tax category of products that it applies to."""

    id: str
    rate: Decimal
    category: str


@dataclass(frozen=True, slots=True)
class TillProduct:
    """A product of the till."""

    id: str
    title: str
    sku: str
    tax: TaxRate
    category: str
    is_service: bool = False


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A line of a receipt. `product`: None for a charge; `price`: of one unit, with or without tax as configured."""

    title: str
    units: int
    price: Decimal
    tax: TaxRate
    product: TillProduct | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """Total of one tax on a receipt."""

    tax: TaxRate
    base: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ReceiptTotals:
    """Lines and taxes of a receipt."""

    lines: Sequence[ReceiptLine]
    taxes: Sequence[TaxTotal]


def compute_totals(
    order: OrderRecord, products: Mapping[str, TillProduct], untaxed: TaxRate | None, currency: str, *, gross: bool
) -> ReceiptTotals:
    """Compute the totals. `untaxed`: tax of delivery charges; `gross`: whether the till's prices include tax.

    Raises:
        ReceiptError: The till's taxes differ from those of the order.
    """
    lines = [_build_line(line, order, products, gross) for line in order.lines]
    totals = _compute_taxes(order, products, currency)
    _check_tax(order, sum((total.amount for total in totals), Decimal(0)), currency)
    return ReceiptTotals([*lines, *_build_delivery_lines(order.shipping_total, untaxed)], totals)


def _build_line(
    line: OrderLineRecord, order: OrderRecord, products: Mapping[str, TillProduct], gross: bool
) -> ReceiptLine:
    product = products[line.variant or ""]
    price, rate = _get_exact_price(line), 1 + product.tax.rate
    if order.tax_included and not gross:
        price = (price / rate).quantize(_PRICE_PRECISION)
    if gross and not order.tax_included:
        price = (price * rate).quantize(_PRICE_PRECISION)
    return ReceiptLine(product.title, line.quantity, price, product.tax, product, line.place or order.place)


def _compute_taxes(order: OrderRecord, products: Mapping[str, TillProduct], currency: str) -> list[TaxTotal]:
    amounts: dict[TaxRate, Decimal] = {}
    for line in order.lines:
        tax = products[line.variant or ""].tax
        amounts[tax] = amounts.get(tax, Decimal(0)) + _compute_exact_total(line)
    return [_compute_tax(tax, amount, order, currency) for tax, amount in amounts.items()]


def _compute_tax(tax: TaxRate, amount: Decimal, order: OrderRecord, currency: str) -> TaxTotal:
    """Compute the tax on an amount. Base and tax add up to what the customer pays for it."""
    if order.tax_included:
        base = _get_decimal(Money.rounded(amount / (1 + tax.rate), currency))
        return TaxTotal(tax, base, amount - base)
    stated = [line.amount for line in order.tax_lines if line.rate == tax.rate]
    computed = _get_decimal(Money.rounded(amount * tax.rate, currency))
    base = _get_decimal(Money.rounded(amount, currency))
    return TaxTotal(tax, base, sum(map(_get_decimal, stated), Decimal(0)) if stated else computed)


def _get_exact_price(line: OrderLineRecord) -> Decimal:
    """Return the price of a unit; of a discounted line, what is left of it: a receipt has no discounts."""
    price = _get_decimal(line.unit_price) if line.exact_unit_price is None else line.exact_unit_price
    if line.total is None or not line.quantity:
        return price
    is_discounted = Money.rounded(price * line.quantity, line.total.currency_code) != line.total
    return (_get_decimal(line.total) / line.quantity).quantize(_PRICE_PRECISION) if is_discounted else price


def _check_tax(order: OrderRecord, tax: Decimal, currency: str) -> None:
    """Allow for rounding: the order rounds per unit, the receipt per total. A larger difference means another rate."""
    tolerance = _get_decimal(Money(max(1, sum(abs(line.quantity) for line in order.lines)), currency))
    if order.tax_total is not None and abs(_get_decimal(order.tax_total) - tax) > tolerance:
        raise ReceiptError(
            "TAX_DIFFERS", f"the tax of the order is {order.tax_total.amount}, that of the till is {tax}"
        )


def _compute_exact_total(line: OrderLineRecord) -> Decimal:
    """Compute the total of a line: of a discounted one without the rounding of its price."""
    exact = _get_exact_price(line) * line.quantity
    if line.total is None or abs(exact - _get_decimal(line.total)) > _PRICE_PRECISION * abs(line.quantity):
        return exact
    return _get_decimal(line.total)


def _build_delivery_lines(price: Money | None, untaxed: TaxRate | None) -> list[ReceiptLine]:
    if price is None or not price.minor:
        return []
    if untaxed is None:
        raise ReceiptError("NO_TAX", "the till has no tax of 0 % for delivery charges")
    return [ReceiptLine("Delivery", 1, _get_decimal(price), untaxed)]


def _get_decimal(money: Money | None) -> Decimal:
    return Decimal(0) if money is None else Decimal(money.amount)
