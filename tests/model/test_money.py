from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import currency_table
from gateway.model.money import EXPONENTS, Money, check_known_currency
from gateway.model.validation import MAX_AMOUNT, InvalidValueError
from tests.model.iso4217 import parse_exponents, render_module

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
        ("1.005", "GBP", "more digits than the currency"),
        ("0.5", "JPY", "more digits than the currency"),
        ("ten", "GBP", "not a number"),
        ("NaN", "GBP", "out of range"),
        ("1e400", "GBP", "out of range"),
        ("90071992547410.00", "GBP", "not between"),
        ("1.00", "X1X", "not a currency code"),
        ("1.00", "gbp", "not a currency code"),
    ],
)
def test_what_is_no_exact_amount_is_refused(amount: str, currency: str, problem: str) -> None:
    with pytest.raises(InvalidValueError, match=problem):
        Money.of(amount, currency)


@pytest.mark.parametrize(
    ("currency", "text"),
    [
        *(("HRK", "12.50"), ("SLL", "12.50"), ("ZWL", "12.50"), ("CUC", "12.50"), ("VEF", "12.50"), ("MRO", "12.50")),
        *(("ITL", "12"), ("QQQ", "12.50")),
    ],
)
def test_amounts_in_withdrawn_and_unknown_currencies_are_kept(currency: str, text: str) -> None:
    assert Money.of(text, currency).amount == text


def test_a_currency_of_a_channel_or_a_client_is_a_known_one() -> None:
    assert check_known_currency("currency", "HRK") == "HRK"
    with pytest.raises(InvalidValueError):
        check_known_currency("currency", "QQQ")


def test_the_table_is_what_the_generator_writes() -> None:
    text = Path(currency_table.__file__).read_text(encoding="utf-8")
    published = re.search(r"Published on ([\d-]+)\.", text)
    assert published is not None and text == render_module(EXPONENTS, published[1])


def test_the_generator_reads_the_lists_of_the_maintenance_agency() -> None:
    in_use = "<CcyNtry><Ccy>{}</Ccy><CcyMnrUnts>{}</CcyMnrUnts></CcyNtry>"
    entries = "".join(in_use.format(*entry) for entry in (("KWD", "3"), ("XAU", "N.A."), ("EUR", "2")))
    list_one = f'<ISO_4217 Pblshd="2026-01-01"><CcyTbl>{entries}</CcyTbl></ISO_4217>'
    withdrawn = "<HstrcCcyNtry><Ccy>HRK</Ccy></HstrcCcyNtry><HstrcCcyNtry><Ccy>ITL</Ccy></HstrcCcyNtry>"
    list_three = f"<ISO_4217><HstrcCcyTbl>{withdrawn}</HstrcCcyTbl></ISO_4217>"
    assert parse_exponents(list_one, list_three) == {"KWD": 3, "EUR": 2, "HRK": 2, "ITL": 0}
