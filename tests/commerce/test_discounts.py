"""Discounts are cut exactly, over lines and over units (rule P4)."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gateway.commerce.checkout import taxes
from gateway.commerce.checkout.discounts import allocate_discount, cut_units
from gateway.commerce.checkout.taxes import PricedGoods
from gateway.commerce.orders.cart_prices import apply_discount
from gateway.sdk.policies import TaxRate

LINES = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.integers(0, 20_000), min_size=1, max_size=8)


@given(LINES, st.integers(0, 50_000))
def test_a_discount_is_cut_exactly_and_below_no_line(gross: dict[str, int], discount: int) -> None:
    shares = allocate_discount(discount, gross)
    assert sum(shares.values()) == min(discount, sum(gross.values()))
    assert all(0 <= shares[line] <= amount for line, amount in gross.items())


@given(LINES, st.integers(0, 50_000), st.randoms())
def test_the_order_of_lines_changes_nothing(gross: dict[str, int], discount: int, random: st.DataObject) -> None:
    lines = list(gross.items())
    random.shuffle(lines)  # type: ignore[attr-defined]
    assert allocate_discount(discount, dict(lines)) == allocate_discount(discount, gross)


def test_the_proof_that_rounding_by_line_leaves_a_rest() -> None:
    gross = {"a": 333, "b": 333, "c": 334}
    assert sum(round(100 * amount / 1_000) for amount in gross.values()) != 100
    assert sum(allocate_discount(100, gross).values()) == 100


@given(st.integers(0, 10_000), st.lists(st.integers(1, 20), min_size=1, max_size=6))
def test_units_of_a_line_add_up_to_its_discount(discount: int, shipments: list[int]) -> None:
    quantity, before, total = sum(shipments), 0, 0
    for units in shipments:
        total += cut_units(discount, quantity, before, units)
        before += units
    assert total == discount


@given(
    st.lists(st.tuples(st.integers(1, 9_999), st.integers(1, 5), st.booleans()), min_size=1, max_size=5),
    st.integers(0, 60_000),
)
def test_the_tax_is_of_what_is_left(lines: list[tuple[int, int, bool]], discount: int) -> None:
    rate = TaxRate("VAT", Decimal("0.2"))
    goods = [PricedGoods(price, quantity, gross, rate) for price, quantity, gross in lines]
    cut = apply_discount(goods, [str(number) for number in range(len(goods))], discount)
    assert taxes.sum_gross(cut) == max(taxes.sum_gross(goods) - discount, 0)
    for amounts in taxes.compute_amounts([one for one in cut if one.discount]):
        assert abs(amounts.tax * 6 - amounts.gross) <= 3, "a sixth of the gross amount, rounded"
