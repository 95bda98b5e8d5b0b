"""Charges of a store's orders beside lines and taxes: amounts add up as the store has them (rule O8)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from gateway.sdk import Money, OrderChargeKind, OrderRecord
from gateway_shopify import order_mapping
from gateway_shopify.graphql_values import Node
from gateway_shopify.order_amounts import LineUnits, count_units
from gateway_shopify_sandbox.order_charges import Charges, charge_order
from tests.plugins.shopify import ShopifyTestbed, open_testbed

pytestmark = pytest.mark.anyio

CHARGES = Charges(
    shipping=Decimal("4.50"),
    shipping_discount=Decimal("4.50"),
    tip=Decimal("2.00"),
    duties=Decimal("7.31"),
    fees={"Bottle deposit": Decimal("0.25")},
    rounding=Decimal("-0.02"),
)


async def charge(shop: ShopifyTestbed, charges: Charges, **more: object) -> OrderRecord:
    """Sell a unit, charge the order, and return what the gateway reads."""
    id = await shop.sandbox.sell("TEA-1", 1, "london")
    order = next(node for node in shop.sandbox.shop.list_nodes("Order") if node["id"].endswith(f"/{id}"))
    charge_order(shop.sandbox.shop, order, charges)
    order.update(more)
    record: OrderRecord = (await shop.read_records("orders"))[id]
    return record


async def test_tips_duties_fees_and_rounding_explain_the_total(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as shop:
        before = await charge(shop, Charges())
        order = await charge(shop, CHARGES)
    assert order.total_difference is None and before.total_difference is None
    assert before.total is not None and order.total == Money(before.total.minor + 200 + 731 + 25 - 2, "GBP")
    assert [(one.kind, one.title, one.amount.amount) for one in order.other_charges] == [
        (OrderChargeKind.TIP, "Tip", "2.00"),
        (OrderChargeKind.DUTY, "Duties", "7.31"),
        (OrderChargeKind.OTHER, "Bottle deposit", "0.25"),
        (OrderChargeKind.ROUNDING, "Cash rounding", "-0.02"),
    ]
    assert order.shipping_total == Money(0, "GBP")  # after the discount


async def test_duties_that_the_subtotal_contains_are_no_charge(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as shop:
        charged = await charge(shop, Charges(duties=Decimal("1.00")), dutiesIncluded=True)
    assert charged.other_charges == () and charged.total_difference == Money(100, "GBP")


async def test_the_units_of_a_line_are_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[object] = []

    def record_line(line: Node, *, canceled: bool) -> LineUnits:
        counted.append(line["id"])
        return count_units(line, canceled=canceled)

    monkeypatch.setattr(order_mapping, "count_units", record_line)
    async with open_testbed(tmp_path) as shop:
        id = await shop.sandbox.sell("TEA-1", 1, "london")
        orders = await shop.read_records("orders")
    assert id in orders and len(counted) == sum(len(order.lines) for order in orders.values())
