"""Orders with a discount, such as redeemed points, are written as they were paid (rule P4)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk import Money, OrderLineRecord, OrderRecord, Ref, TaxLine
from gateway_shopify.order_input import build_order_input
from gateway_sqlpos.receipt_totals import TaxRate, TillProduct, compute_totals
from tests.plugins.shopify_client import open_store

pytestmark = pytest.mark.anyio

VAT = TaxRate("001", Decimal("0.2"), "001")
TEA = TillProduct("tea", "Tea", "TEA", VAT, "drinks")


def build_order(*, gross: bool = True) -> OrderRecord:
    """Build an order of three units at 5.00 with tax, of which 3.01 are discounted."""
    line = OrderLineRecord(
        ref=Ref("1"),
        variant="tea",
        title="Tea",
        quantity=3,
        unit_price=Money.of("5.00" if gross else "4.17", "GBP"),
        exact_unit_price=None if gross else Decimal("4.166667"),
        total=Money.of("11.99" if gross else "9.99", "GBP"),
    )
    tax = Money.of("2.00", "GBP")
    return OrderRecord(
        ref=Ref("o"),
        number="G-1",
        placed_at=datetime(2026, 1, 5, tzinfo=UTC),
        lines=[line],
        subtotal=line.total,
        discount_total=Money.of("3.01", "GBP"),
        tax_total=tax,
        tax_included=gross,
        tax_lines=(TaxLine(title="VAT", rate=Decimal("0.2"), amount=tax),),
        total=Money.of("11.99", "GBP"),
    )


@pytest.mark.parametrize("order_gross", [True, False])
@pytest.mark.parametrize("till_gross", [True, False])
def test_a_receipt_adds_up_to_what_was_paid(order_gross: bool, till_gross: bool) -> None:
    totals = compute_totals(build_order(gross=order_gross), {"tea": TEA}, None, "GBP", gross=till_gross)
    (line,), (tax,) = totals.lines, totals.taxes
    assert tax.base + tax.amount == Decimal("11.99")
    shown = line.price * line.units * (1 if till_gross else Decimal("1.2"))
    assert abs(shown - Decimal("11.99")) < Decimal("0.005")


def test_a_line_without_a_discount_keeps_its_price() -> None:
    order = build_order()
    (line,) = order.lines
    full = OrderLineRecord(
        ref=Ref("1"), variant="tea", title="Tea", quantity=3, unit_price=line.unit_price, total=Money.of("15.00", "GBP")
    )
    record = OrderRecord(ref=Ref("o"), number="G-1", placed_at=order.placed_at, lines=[full], tax_included=True)
    (written,) = compute_totals(record, {"tea": TEA}, None, "GBP", gross=True).lines
    assert written.price == Decimal("5.00")


def test_a_web_store_gets_the_discount_as_a_code() -> None:
    fields: dict[str, Any] = build_order_input("key", build_order())
    code = fields["discountCode"]["itemFixedDiscountCode"]
    assert code == {"code": "GATEWAY", "amountSet": {"shopMoney": {"amount": "3.01", "currencyCode": "GBP"}}}
    assert fields["lineItems"][0]["priceSet"]["shopMoney"]["amount"] == "5.00"


async def test_a_web_store_charges_what_was_paid(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        variant = store.get_variant("TEA-1")["id"]
        price = {"shopMoney": {"amount": "5.00", "currencyCode": "GBP"}}
        line = {"variantId": variant, "quantity": 3, "priceSet": price}
        code = build_order_input("key", build_order())["discountCode"]
        created = await store.change(CREATE, order={"lineItems": [line], "taxesIncluded": True, "discountCode": code})
        assert created["order"]["totalPriceSet"]["shopMoney"]["amount"] == "11.99"
        assert created["order"]["totalDiscountsSet"]["shopMoney"]["amount"] == "3.01"


CREATE = """mutation ($order: OrderCreateOrderInput!) {
  orderCreate(order: $order) {
    order { totalPriceSet { shopMoney { amount } } totalDiscountsSet { shopMoney { amount } } }
    userErrors { code field message }
  }
}"""
