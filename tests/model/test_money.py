from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.money import EXPONENTS, Money
from gateway.model.values import MAX_AMOUNT, InvalidValueError

Currency = st.sampled_from(sorted(EXPONENTS))
Minor = st.integers(-MAX_AMOUNT, MAX_AMOUNT)


@given(Minor, Currency)
def test_an_amount_is_read_back_from_its_text_exactly(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.of(money.amount, currency) == money


@given(Minor, Currency)
def test_the_text_of_an_amount_has_the_digits_of_its_currency(minor: int, currency: str) -> None:
    _, _, fraction = Money(minor, currency).amount.partition(".")
    assert len(fraction) == EXPONENTS[currency]


@given(st.decimals(-(10**9), 10**9, places=6), Currency)
def test_rounding_moves_an_amount_by_half_a_unit_at_most(amount: Decimal, currency: str) -> None:
    unit = Decimal(1).scaleb(-EXPONENTS[currency])
    assert abs(Decimal(Money.rounded(amount, currency).amount) - amount) <= unit / 2


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("2.125", "GBP", "2.13"),
        ("-2.125", "GBP", "-2.13"),
        (0.285, "GBP", "0.29"),
        ("1.5", "JPY", "2"),
        (1.0, "KWD", "1.000"),
    ],
)
def test_halves_are_rounded_up(amount: str | float, currency: str, text: str) -> None:
    assert Money.rounded(amount, currency).amount == text


@pytest.mark.parametrize(
    ("amount", "currency", "problem"),
    [
        ("1.005", "GBP", "finer than the smallest unit"),
        ("0.5", "JPY", "finer than the smallest unit"),
        ("ten", "GBP", "not a number"),
        ("NaN", "GBP", "out of range"),
        ("1e400", "GBP", "out of range"),
        ("90071992547410.00", "GBP", "not between"),
        ("1.00", "XXX", "not a currency code"),
        ("1.00", "gbp", "not a currency code"),
    ],
)
def test_what_is_no_exact_amount_is_refused(amount: str, currency: str, problem: str) -> None:
    with pytest.raises(InvalidValueError, match=problem):
        Money.of(amount, currency)
