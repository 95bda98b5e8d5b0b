"""Taxes (rules O6, P1): exact until the amount that the channel rounds, which is rounded half up once.

A gross price contains its tax, per unit. To a net price the tax is added: the gross amount of a unit, a line or the
receipt is rounded, and the tax is the gross amount minus the net amount.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway.model.money import Money, Rounding, round_half_up
from gateway.model.orders import TaxLine
from gateway.sdk.policies import TaxRate


@dataclass(frozen=True, slots=True)
class PricedGoods:
    """Units at a price.

    Attributes:
        unit_price: in the smallest unit of the currency, exact: a net price can have a fraction.
        includes_tax: the price is gross.
        rate: None: not known.
        rounds: what the channel rounds where tax is added.
        discount: what is cut from the price of all units, with tax, in the smallest unit of the currency (rule P4).
    """

    unit_price: int | Decimal
    quantity: int
    includes_tax: bool
    rate: TaxRate | None
    rounds: Rounding = Rounding.UNIT
    discount: int = 0


@dataclass(frozen=True, slots=True)
class LineAmounts:
    """The amounts of a line, in the smallest unit of the currency."""

    net: int
    gross: int

    @property
    def tax(self) -> int:
        return self.gross - self.net


def compute_unit_gross(goods: PricedGoods) -> int:
    """Compute the price of one unit with tax."""
    return round_half_up(_compute_exact_gross(goods))


def compute_amounts(goods: Sequence[PricedGoods]) -> list[LineAmounts]:
    """Compute the amounts of the lines of one order."""
    exact_sums: dict[TaxRate | None, Decimal] = {}
    return [_cut_discount(priced, _compute_line(priced, exact_sums)) for priced in goods]


def _cut_discount(priced: PricedGoods, amounts: LineAmounts) -> LineAmounts:
    """Cut the discount. The tax is computed on what is left."""
    if not priced.discount:
        return amounts
    gross = amounts.gross - priced.discount
    rate = Decimal(0) if priced.rate is None else priced.rate.rate
    return LineAmounts(gross - round_half_up(gross - Decimal(gross) / (1 + rate)), gross)


def _compute_line(priced: PricedGoods, exact_sums: dict[TaxRate | None, Decimal]) -> LineAmounts:
    """Compute the amounts of a line. `exact_sums`: exact gross amounts of the lines before, by rate."""
    if priced.includes_tax:
        gross = round_half_up(Decimal(priced.unit_price)) * priced.quantity
        return LineAmounts(gross - _compute_contained_tax(priced) * priced.quantity, gross)
    net = round_half_up(Decimal(priced.unit_price) * priced.quantity)
    exact = _compute_exact_gross(priced) * priced.quantity
    if priced.rounds is Rounding.UNIT:
        return LineAmounts(net, compute_unit_gross(priced) * priced.quantity)
    if priced.rounds is Rounding.LINE:
        return LineAmounts(net, round_half_up(exact))
    before = exact_sums.get(priced.rate, Decimal(0))
    exact_sums[priced.rate] = before + exact
    return LineAmounts(net, round_half_up(before + exact) - round_half_up(before))


def _compute_exact_gross(goods: PricedGoods) -> Decimal:
    price = Decimal(goods.unit_price)
    return price if goods.includes_tax or goods.rate is None else price * (1 + goods.rate.rate)


def _compute_contained_tax(goods: PricedGoods) -> int:
    """Compute the tax that the gross price of one unit contains; 0 if the rate is unknown."""
    if goods.rate is None:
        return 0
    price = Decimal(goods.unit_price)
    return round_half_up(price - price / (1 + goods.rate.rate))


def sum_gross(goods: Sequence[PricedGoods]) -> int:
    """Sum the prices with tax."""
    return sum(amounts.gross for amounts in compute_amounts(goods))


def sum_tax(goods: Sequence[PricedGoods]) -> int:
    """Sum the taxes."""
    return sum(amounts.tax for amounts in compute_amounts(goods))


def list_tax_lines(goods: Sequence[PricedGoods], currency: str) -> tuple[TaxLine, ...]:
    """List the taxes by rate, with their amounts."""
    sums: dict[TaxRate, int] = {}
    for priced, amounts in zip(goods, compute_amounts(goods), strict=True):
        if priced.rate is not None:
            sums[priced.rate] = sums.get(priced.rate, 0) + amounts.tax
    return tuple(TaxLine(title=rate.title, rate=rate.rate, amount=Money(sums[rate], currency)) for rate in sums)


def has_known_rates(goods: Iterable[PricedGoods]) -> bool:
    """Whether all tax rates are known."""
    return all(priced.rate is not None for priced in goods)
