"""Unit prices and prices in other currencies of the bundled plugins."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk import LiveFeed, Measure, ProductRecord
from gateway.sdk.testing.stub_context import StubContext
from gateway_amazon.unit_count import get_net_content
from gateway_shopify.products.unit_price_mapping import map_net_content
from gateway_sqlpos import open_channel
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.products.pricing_columns import read_pricing
from gateway_sqlpos_sandbox.seed import derive_product_id
from tests.plugins import shopify
from tests.plugins.conftest import AT_WORK, MakeTill

pytestmark = pytest.mark.anyio

HALF_LITER = {"quantityUnit": "ML", "quantityValue": Decimal(500), "referenceUnit": "L", "referenceValue": 1}


def measure(value: str, unit: str) -> Measure:
    return Measure(value=Decimal(value), unit=unit)


@pytest.mark.parametrize(
    ("measurement", "expected"),
    [
        (HALF_LITER, (measure("500", "ml"), measure("1", "l"))),
        ({**HALF_LITER, "quantityUnit": "FLOZ"}, (measure("500", "floz"), measure("1", "l"))),
        (
            {**HALF_LITER, "quantityUnit": "ITEM", "referenceUnit": "ITEM"},
            (measure("500", "each"), measure("1", "each")),
        ),
        ({**HALF_LITER, "quantityUnit": "UNKNOWN", "quantityValue": 0}, (None, measure("1", "l"))),
        ({**HALF_LITER, "quantityUnit": None, "referenceUnit": None}, (None, None)),
        (None, (None, None)),
    ],
)
def test_a_unit_price_measurement_is_a_net_content(measurement: Any, expected: Any) -> None:
    assert map_net_content({"unitPriceMeasurement": measurement}) == expected


async def test_a_store_s_variants_have_their_unit_price(tmp_path: Path) -> None:
    async with shopify.open_testbed(tmp_path) as web:
        web.sandbox.shop.get_variant("TEA-1")["unitPriceMeasurement"] = {**HALF_LITER, "quantityValue": 500.0}
        await web.gateway.run_due()
        stored = await web.gateway.database.read(
            lambda conn: conn.exec_driver_sql(
                "SELECT sku, net_content FROM listings WHERE net_content IS NOT NULL"
            ).all()
        )
    assert [tuple(row) for row in stored] == [("TEA-1", '["500","ml","1","l"]')]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([{"value": 500.0, "type": {"value": "Milliliter"}}], measure("500.0", "milliliters")),
        ([{"value": 3, "type": {"value": "Fluid Ounces"}}], measure("3", "fluid ounces")),
        ([{"value": 12, "type": {"value": "Count"}}], measure("12", "each")),
        ([{"value": 2, "type": {"value": "Foot"}}], measure("2", "ft")),
        (
            [{"value": "many", "type": {"value": "Count"}}, {"value": 2, "type": {"value": "Gram"}}],
            measure("2", "grams"),
        ),
        ([{"value": 0, "type": {"value": "Count"}}], None),
        ([{"value": True, "type": {"value": "Count"}}], None),
        ([{"value": 1}], None),
        (None, None),
    ],
)
def test_the_unit_count_of_a_listing_is_a_net_content(value: Any, expected: Measure | None) -> None:
    assert get_net_content({"attributes": {"unit_count": value}}, "S") == expected


async def read_tea(open_till: MakeTill, **config: Any) -> ProductRecord:
    till = await open_till()
    settings = SqlPosConfig.model_validate({**till.sandbox.config, **config})
    channel = open_channel(settings, StubContext("till", AT_WORK))
    feed = next(feed for feed in channel.feeds if feed.name == "products")
    assert isinstance(feed, LiveFeed)
    try:
        page = await feed.page(None, None)
        records = {raw.id: feed.read(raw) for raw in page.items}
    finally:
        await channel.close()
    tea = records[derive_product_id("TEA-1")]
    assert isinstance(tea, ProductRecord)
    return tea


async def test_a_column_of_a_till_is_a_price_in_another_currency(open_till: MakeTill) -> None:
    tea = await read_tea(open_till, prices={"EUR": "PRICESELL"}, net_content="NAME")
    (variant,) = tea.variants
    (euros,) = variant.prices
    assert variant.price is not None
    assert (euros.price.currency_code, euros.price.minor) == ("EUR", variant.price.minor)
    assert [warning.field for warning in tea.warnings] == ["netContent"], "a name is no measure"
    assert variant.net_content is None


@pytest.mark.parametrize(
    ("texts", "content", "fields"),
    [
        ({"C": "0.5 l"}, measure("0.5", "l"), []),
        ({"C": "250g"}, measure("250", "g"), []),
        ({"C": "3 Fluid Ounces"}, measure("3", "floz"), []),
        ({"C": "much"}, None, ["netContent"]),
        ({"E": "12.345", "C": ""}, None, ["netContent"]),
        ({"E": "1e999999"}, None, ["prices"]),
        ({"E": "NaN"}, None, ["prices"]),
        ({}, None, []),
    ],
)
def test_texts_of_a_till_are_read_or_named(texts: dict[str, str], content: Measure | None, fields: list[str]) -> None:
    settings = {"url": "sqlite:///till.db", "currency": "GBP", "time_zone": "Europe/London"}
    config = SqlPosConfig.model_validate({**settings, "prices": {"EUR": "E"}, "net_content": "C"})
    prices, found, warnings = read_pricing(texts, config)
    assert (found, [warning.field for warning in warnings]) == (content, fields)
    assert [price.exact_price for price in prices] == ([Decimal("12.345")] if texts.get("E") == "12.345" else [])
