"""Charges of a seller's orders beside items, shipping and taxes: amounts add up as Amazon has them (rule O8)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk import Money, OrderChargeKind, OrderRecord, Raw
from gateway_amazon.config import AmazonConfig
from gateway_amazon.order_mapping import map_order
from gateway_amazon_sandbox.factories import Charges
from tests.plugins.amazon import AmazonTestbed, open_testbed
from tests.plugins.amazon_models import find_specs

SPECS = find_specs()
CHARGES = Charges(
    amounts={name: Decimal(n) for name, n in {"SHIPPING": 5, "GIFT_WRAP": 3, "COD_FEE": 2, "OTHER": 1}.items()},
    discounts={"ITEM": Decimal("0.50"), "SHIPPING": Decimal(5), "GIFT_WRAP": Decimal(1)},
    tip=Decimal(4),
)


async def sell(amazon: AmazonTestbed, charges: Charges) -> OrderRecord:
    id = await amazon.sandbox.sell("TEA-1", 2, "leeds", charges=charges)
    raws = await amazon.fetch_records("orders", id)
    record: OrderRecord = (await amazon.read("orders", list(raws.values())))[id]
    return record


@pytest.mark.anyio
async def test_gift_wrap_fees_and_tips_explain_the_total(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        order = await sell(amazon, CHARGES)
    assert order.total_difference is None
    assert [(one.kind, one.amount.amount) for one in order.other_charges] == [
        (OrderChargeKind.GIFT_WRAP, "2.00"),
        (OrderChargeKind.CASH_ON_DELIVERY, "2.00"),
        (OrderChargeKind.OTHER, "1.00"),
        (OrderChargeKind.TIP, "4.00"),
    ]
    assert (order.subtotal, order.shipping_total) == (Money(612 - 50, "GBP"), Money(0, "GBP"))
    assert order.total == Money(612 - 50 + 200 + 200 + 100 + 400, "GBP")


def list_examples() -> Iterator[dict[str, Any]]:
    """List the orders in the examples of Amazon's own model."""
    model = [] if SPECS is None else [json.loads((SPECS / "orders_2026-01-01.json").read_text(encoding="utf-8"))]
    waiting: list[Any] = [entry["paths"] for entry in model]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict) and isinstance(value.get("orderItems"), list):
            yield value
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


@pytest.mark.skipif(SPECS is None, reason="the vendors' specifications are not here (VENDOR_SPECS)")
@pytest.mark.parametrize("prices_include_tax", [True, False])
def test_the_amounts_of_amazons_own_examples_add_up(prices_include_tax: bool) -> None:
    config = AmazonConfig.model_construct(prices_include_tax=prices_include_tax, merchant_place="m", contact=False)
    orders = [map_order(Raw(order["orderId"], order), config) for order in list_examples()]
    assert len(orders) > 5 and {order.number: order.total_difference for order in orders} == dict.fromkeys(
        (order.number for order in orders), None
    )
    assert any(order.tax_total and order.tax_included is False for order in orders)
