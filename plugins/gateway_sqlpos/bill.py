"""What an order comes to as a till has it: lines at the till's kind of price, each with the till's own tax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.sdk import Money, OrderLineRecord, OrderRecord

_DIGITS = Decimal("1E-10")
"""To which net prices are exact: tills keep them as doubles."""


class BillError(Exception):
    """The till has no way to write this order. `code`: for whoever is told so."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Tax:
    """One of the till's taxes. `rate`: a fraction."""

    id: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Article:
    """A product of the till."""

    id: str
    title: str
    sku: str
    tax: Tax


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a receipt. `article`: None: it is no thing. `price`: of one unit, as the till's prices are."""

    title: str
    units: int
    price: Decimal
    tax: Tax
    article: Article | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """What one tax comes to on a receipt."""

    tax: Tax
    base: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Bill:
    """A receipt's lines and taxes."""

    lines: Sequence[Line]
    taxes: Sequence[TaxTotal]


def bill_of(
    order: OrderRecord, articles: Mapping[str, Article], untaxed: Tax | None, currency: str, *, gross: bool
) -> Bill:
    """The order as a bill. `untaxed`: of what is charged for delivery; `gross`: the till's prices include tax.

    Raises:
        BillError: the till's taxes are not those of the order.
    """
    sold = [_line(line, order, articles, gross) for line in order.lines]
    totals = _taxes(order, articles, currency)
    _check_tax(order, sum((one.amount for one in totals), Decimal(0)), currency)
    return Bill([*sold, *_delivery(order.shipping_total, untaxed)], totals)


def _line(line: OrderLineRecord, order: OrderRecord, articles: Mapping[str, Article], gross: bool) -> Line:
    article = articles[line.variant or ""]
    price, rate = _exact(line.unit_price), 1 + article.tax.rate
    if order.tax_included and not gross:
        price = (price / rate).quantize(_DIGITS)
    if gross and not order.tax_included:
        price = (price * rate).quantize(_DIGITS)
    return Line(article.title, line.quantity, price, article.tax, article, line.place or order.place)


def _taxes(order: OrderRecord, articles: Mapping[str, Article], currency: str) -> list[TaxTotal]:
    told: dict[Tax, Decimal] = {}
    for line in order.lines:
        tax = articles[line.variant or ""].tax
        told[tax] = told.get(tax, Decimal(0)) + _exact(line.unit_price) * line.quantity
    return [_total(tax, amount, order.tax_included or False, currency) for tax, amount in told.items()]


def _total(tax: Tax, told: Decimal, included: bool, currency: str) -> TaxTotal:
    net = told / (1 + tax.rate) if included else told
    base = _exact(Money.rounded(net, currency))
    return TaxTotal(tax, base, told - base if included else _exact(Money.rounded(net * tax.rate, currency)))


def _check_tax(order: OrderRecord, tax: Decimal, currency: str) -> None:
    """Tax is rounded per unit there and per receipt here: more than that is another rate."""
    tolerance = _exact(Money(max(1, sum(abs(line.quantity) for line in order.lines)), currency))
    if order.tax_total is not None and abs(_exact(order.tax_total) - tax) > tolerance:
        raise BillError("TAX_DIFFERS", f"the tax of the order is {order.tax_total.amount}, the till's would be {tax}")


def _delivery(price: Money | None, untaxed: Tax | None) -> list[Line]:
    if price is None or not price.minor:
        return []
    if untaxed is None:
        raise BillError("NO_TAX", "the till has no tax of 0 % for what is charged for delivery")
    return [Line("Delivery", 1, _exact(price), untaxed)]


def _exact(money: Money | None) -> Decimal:
    return Decimal(0) if money is None else Decimal(money.amount)
