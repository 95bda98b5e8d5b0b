"""Net prices are exact until the gross amount is rounded, once (rule P1)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.commerce.checkout.taxes import (
    LineAmounts,
    PricedGoods,
    compute_amounts,
    compute_unit_gross,
    list_tax_lines,
    sum_gross,
    sum_tax,
)
from gateway.model.money import Rounding, round_half_up, to_exact_minor, to_micros
from gateway.sdk.policies import TaxRate

TWENTY = TaxRate("VAT", Decimal("0.20"))
RATES = [TaxRate("VAT", Decimal(percent) / 100) for percent in range(5, 28)]


def build_goods(net: str, quantity: int = 1, rate: TaxRate = TWENTY, rounds: Rounding = Rounding.UNIT) -> PricedGoods:
    """Build goods at a net price in major units."""
    return PricedGoods(Decimal(net).scaleb(2), quantity, False, rate, rounds)


@pytest.mark.parametrize(("net", "gross"), [("8.325", 999), ("0.825", 99), ("5.825", 699), ("8.33", 1000)])
def test_a_charm_price_is_what_the_till_shows(net: str, gross: int) -> None:
    assert compute_unit_gross(build_goods(net)) == gross


def test_ten_units_cost_ten_times_as_much() -> None:
    assert compute_amounts([build_goods("8.325", 10)]) == [LineAmounts(net=8325, gross=9990)]


@pytest.mark.parametrize(("rounds", "gross"), [(Rounding.UNIT, 10000), (Rounding.LINE, 9996), (Rounding.RECEIPT, 9996)])
def test_a_channel_rounds_units_lines_or_the_receipt(rounds: Rounding, gross: int) -> None:
    assert sum_gross([build_goods("8.33", 10, rounds=rounds)]) == gross


def test_a_receipt_is_rounded_once_per_rate() -> None:
    lines = [build_goods("0.004", rounds=Rounding.RECEIPT) for _ in range(3)]
    assert [amounts.gross for amounts in compute_amounts(lines)] == [0, 1, 0]
    assert sum_gross(lines) == round_half_up(Decimal("0.4") * 3 * Decimal("1.2"))


@given(st.sampled_from(RATES), st.integers(1, 99_999))
def test_a_gross_price_survives_as_a_net_price(rate: TaxRate, gross: int) -> None:
    micros = to_micros(Decimal(gross).scaleb(-2) / (1 + rate.rate))
    exact = to_exact_minor(micros, 0, "GBP")
    assert compute_unit_gross(PricedGoods(exact, 1, False, rate)) == gross


@pytest.mark.long
def test_every_gross_price_survives_as_a_net_price() -> None:
    for rate in RATES:
        for gross in range(1, 100_000):
            exact = Decimal(to_micros(Decimal(gross).scaleb(-2) / (1 + rate.rate))).scaleb(-4)
            assert round_half_up(exact * (1 + rate.rate)) == gross


@given(
    st.lists(
        st.builds(
            PricedGoods,
            st.decimals(0, 10_000, places=4),
            st.integers(1, 20),
            st.booleans(),
            st.sampled_from(RATES),
            st.sampled_from(Rounding),
        ),
        max_size=6,
    )
)
def test_net_and_tax_are_what_is_paid(goods: list[PricedGoods]) -> None:
    amounts = compute_amounts(goods)
    assert sum_tax(goods) == sum_gross(goods) - sum(line.net for line in amounts)
    assert sum(line.amount.minor for line in list_tax_lines(goods, "GBP")) == sum_tax(goods)
