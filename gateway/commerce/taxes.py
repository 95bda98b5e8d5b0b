"""Taxes on what is sold (rule O6): exact, per unit, rounded half up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from gateway.model.money import Money
from gateway.model.orders import TaxLine
from gateway.sdk.policies import TaxRate


@dataclass(frozen=True, slots=True)
class Priced:
    """Units at a price, in the smallest unit of the currency. `includes_tax`: the price is gross."""

    unit_price: int
    quantity: int
    includes_tax: bool
    rate: TaxRate | None


def tax_of_unit(one: Priced) -> int:
    """The tax in, or on, one unit; 0 where nobody knows the rate."""
    if one.rate is None:
        return 0
    price, rate = Decimal(one.unit_price), one.rate.rate
    exact = price - price / (1 + rate) if one.includes_tax else price * rate
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def gross_of_unit(one: Priced) -> int:
    """What one unit costs with tax."""
    return one.unit_price if one.includes_tax else one.unit_price + tax_of_unit(one)


def gross(goods: Iterable[Priced]) -> int:
    """What all of this costs with tax."""
    return sum(gross_of_unit(one) * one.quantity for one in goods)


def tax(goods: Iterable[Priced]) -> int:
    """The tax in all of this."""
    return sum(tax_of_unit(one) * one.quantity for one in goods)


def tax_lines(goods: Sequence[Priced], currency: str) -> tuple[TaxLine, ...]:
    """Each tax, and what it comes to."""
    sums: dict[TaxRate, int] = {}
    for one in goods:
        if one.rate is not None:
            sums[one.rate] = sums.get(one.rate, 0) + tax_of_unit(one) * one.quantity
    return tuple(TaxLine(title=rate.title, rate=rate.rate, amount=Money(sums[rate], currency)) for rate in sums)


def known(goods: Iterable[Priced]) -> bool:
    """Whether the rate of everything is known."""
    return all(one.rate is not None for one in goods)
