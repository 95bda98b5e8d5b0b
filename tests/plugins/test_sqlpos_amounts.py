"""Amounts of a till's receipts: lines, taxes and the rounding of cash add up to what was paid (rule O8)."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from gateway.sdk import Money, OrderChargeKind, OrderRecord, Raw
from gateway_sqlpos import receipt_amounts
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.order_mapping import map_order
from gateway_sqlpos.table_mapping import Layout

SHARED = Path(__file__).parents[3] / "shared" / "data" / "online-retail-2010-12.csv.gz"
RETAIL = Path(os.environ.get("RETAIL_DATA", SHARED))
"""Real receipts: Online Retail, D. Chen, UCI Machine Learning Repository 2015, CC BY 4.0."""


def configure(**more: Any) -> SqlPosConfig:
    return SqlPosConfig(url=SecretStr("sqlite:///till.db"), currency="GBP", time_zone="Europe/London", **more)


def read_receipt(
    lines: Sequence[tuple[float, float]],
    rates: Sequence[float] = (0.2,),
    *,
    paid: float | None = None,
    method: str = "cash",
    payments: Mapping[str, float] | None = None,
    **more: Any,
) -> OrderRecord:
    """Read a receipt with these quantities and prices, whose lines take turns with the tax rates. `payments`: by
    method, instead of a single one.
    """
    nets = [sum(units * price for units, price in lines[n :: len(rates)]) for n in range(len(rates))]
    taxes = [{"title": "VAT", "rate": rate, "amount": net * rate} for net, rate in zip(nets, rates, strict=True)]
    due = sum(nets) + sum(net * rate for net, rate in zip(nets, rates, strict=True))
    header = {"id": "r", "date": "2025-01-06 12:00:00", "till": "t", "number": 1, "customer": None, "kind": 0}
    amounts = {method: due if paid is None else paid} if payments is None else payments
    row = {
        **header,
        "reverses": None,
        "taxes": taxes,
        "payments": [{"method": method, "total": total} for method, total in amounts.items()],
        "lines": [
            {"line": n, "product": "p", "units": units, "price": price, "title": "T", "sku": "S"}
            for n, (units, price) in enumerate(lines)
        ],
    }
    return map_order(Raw("r", row), configure(**more))


prices = st.integers(1, 999_999).map(lambda minor: minor / 1000)


@given(
    lines=st.lists(st.tuples(st.integers(-20, 20).map(float), prices), min_size=1, max_size=8),
    rates=st.lists(st.sampled_from([0.0, 0.05, 0.07, 0.19, 0.2]), min_size=1, max_size=3, unique=True),
)
def test_receipts_of_a_till_that_stores_doubles_add_up(lines: list[tuple[float, float]], rates: list[float]) -> None:
    assert read_receipt(lines, rates).total_difference is None


def test_the_rounding_of_cash_is_a_charge() -> None:
    rounded = read_receipt([(1, 2.56)], paid=3.05, cash_rounding="0.05")
    assert [(one.kind, one.amount.amount) for one in rounded.other_charges] == [(OrderChargeKind.ROUNDING, "-0.02")]
    assert (rounded.total_difference, rounded.tax_total) == (None, Money(51, "GBP"))


def check_rounding(payments: Mapping[str, float], difference: Money | None, **more: Any) -> None:
    """Check what is left of a receipt of 3.07 that was paid with a multiple of 5 pence."""
    order = read_receipt([(1, 2.56)], payments=payments, cash_rounding="0.05", **more)
    rounding = [one.kind for one in order.other_charges]
    assert (order.total_difference, rounding) == (difference, [] if difference else [OrderChargeKind.ROUNDING])


TWO_PENCE_LESS = Money(-2, "GBP")


@pytest.mark.parametrize(
    "payments",
    [{"card": 3.05}, {"card": 2.0, "voucher": 1.05}, {"card": 3.05, "cash": 0.0}, {"card": 1.0, "cash": 2.09}],
    ids=["a card", "a card and a voucher", "a card, and nothing in cash", "cash that is not rounded"],
)
def test_what_is_not_paid_in_coins_is_not_rounded(payments: Mapping[str, float]) -> None:
    check_rounding(payments, Money(round(100 * sum(payments.values())) - 307, "GBP"))


def test_only_the_cash_of_several_payments_is_rounded() -> None:
    check_rounding({"magcard": 1.01, "cash": 2.05}, None)


def test_other_tills_name_their_cash() -> None:
    named = Layout.model_validate({"payments": {"cash": ["Bar"]}})
    check_rounding({"Bar": 3.05}, None, layout=named)
    check_rounding({"cash": 3.05}, TWO_PENCE_LESS, layout=named)


def test_a_till_without_methods_of_payment_does_not_hide_a_difference() -> None:
    unnamed = Layout.model_validate({"payments": {"method": ""}})
    row_without_method: Any = {None: 3.05}
    check_rounding(row_without_method, TWO_PENCE_LESS, layout=unnamed)


def test_the_proof_that_a_card_whose_amount_is_rounded_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipt_amounts, "_sum_cash", lambda payments, config: Money(305, "GBP"))
    with pytest.raises(AssertionError):
        check_rounding({"magcard": 3.05}, TWO_PENCE_LESS)


@pytest.mark.parametrize(("paid", "difference"), [(3.05, Money(-2, "GBP")), (10.0, Money(693, "GBP"))])
def test_what_rounding_does_not_explain_is_shown(paid: float, difference: Money) -> None:
    assert read_receipt([(1, 2.56)], paid=paid).total_difference == difference


def test_a_till_without_tax_lines_adds_what_was_paid_beyond_its_net_prices() -> None:
    layout = Layout.model_validate({"tax_lines": {"table": ""}})
    order = read_receipt([(1, 2.50)], (), paid=3.00, layout=layout)
    assert (order.tax_total, order.total_difference) == (Money(50, "GBP"), None)


def list_real_receipts() -> Iterator[list[tuple[float, float]]]:
    receipts: dict[str, list[tuple[float, float]]] = {}
    with gzip.open(RETAIL, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            receipts.setdefault(row["InvoiceNo"], []).append((float(row["Quantity"]), float(Decimal(row["UnitPrice"]))))
    yield from receipts.values()


@pytest.mark.skipif(not RETAIL.exists(), reason="the retailer's receipts are not here")
@pytest.mark.parametrize("prices_include_tax", [True, False])
def test_the_receipts_of_a_real_retailer_add_up(prices_include_tax: bool) -> None:
    found = [
        read_receipt(lines, (0.0,) if prices_include_tax else (0.2,), prices_include_tax=prices_include_tax)
        for lines in list_real_receipts()
    ]
    assert len(found) > 1000 and [order.total for order in found if order.total_difference is not None] == []
