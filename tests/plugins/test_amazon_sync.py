"""A seller account behind a gateway, through real HTTP: records that arrive, and their changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk import (
    Gone,
    Money,
    OrderContact,
    OrderFulfillmentStatus,
    OrderStatus,
    PaymentStatus,
    Raw,
)
from tests.plugins.amazon import SOON, START, AmazonTestbed, build_large_world, build_world, open_testbed

pytestmark = pytest.mark.anyio
ORDER = "202-0000000-0000007"


def list_prices(known: dict[str, Any]) -> dict[str, int]:
    """List the price of each listing."""
    return {key[1]: row[3] for key, row in known["listings"].items()}


def list_counts(known: dict[str, Any]) -> dict[str, int]:
    """List the count of each item."""
    return {item: units for _, item, _, units in known["stock"]}


async def test_listings_both_stocks_and_orders_arrive(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        await amazon.gateway.run_due()
        known = await amazon.read_state()
    assert {key[1]: row[:4] for key, row in known["listings"].items()} == {
        "TEA-1": ("TEA-1", "05012345678900", "Breakfast tea", 306),
        "MUG-1-PAIR": ("MUG-1-PAIR", None, "Mug, pair", 814),
        "MUG, LARGE/1": ("MUG, LARGE/1", None, "Mug, large", 510),
    }
    assert known["stock"] == [
        ("amazon", "MUG, LARGE/1", "leeds", 3),
        ("amazon", "MUG-1-PAIR", "fba", 10),
        ("amazon", "TEA-1", "leeds", 12),
    ]
    assert known["orders"] == [(ORDER, 2650, None)]
    assert known["rejects"] == []


async def test_changes_arrive_by_the_next_pass(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        await amazon.gateway.run_due()
        amazon.clock.forward(minutes=1)
        order = await amazon.sandbox.sell("TEA-1", 5, "leeds")
        await amazon.sandbox.sell("MUG-1-PAIR", 2, "fba")
        await amazon.sandbox.price("TEA-1", Decimal("3.00"))
        await amazon.sandbox.product("MUG, LARGE/1", title="Mug, very large")
        known = await amazon.run_next_pass()
        fba = (await amazon.read_records("fba-stock"))["fba/MUG-1-PAIR"]
    assert list_prices(known)["TEA-1"] == 360
    assert list_counts(known) == {"MUG, LARGE/1": 3, "MUG-1-PAIR": 10, "TEA-1": 7}  # reserved units are still there
    assert (fba.available, fba.committed) == (6, 4)
    assert ("Mug, very large",) in known["titles"]
    assert order in [row[0] for row in known["orders"]]


async def test_a_listing_that_is_deleted_is_gone_with_its_stock_after_the_next_sweep(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        await amazon.gateway.run_due()
        await amazon.sandbox.product("TEA-1", deleted=True)
        assert "TEA-1" in list_prices(await amazon.run_next_pass())
        known = await amazon.run_next_pass(days=1)
    assert "TEA-1" not in list_prices(known)
    assert set(list_counts(known)) == {"MUG, LARGE/1", "MUG-1-PAIR"}


async def test_a_change_that_amazon_shows_late_is_not_missed(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, delay=400) as amazon:
        await amazon.gateway.run_due()
        amazon.clock.forward(seconds=10)
        await amazon.sandbox.price("TEA-1", Decimal("3.00"))
        amazon.sandbox.set_offer("TEA-1", 4)
        known = await amazon.run_next_pass()
        assert (list_prices(known)["TEA-1"], list_counts(known)["TEA-1"]) == (306, 12)
        known = await amazon.run_next_pass()
        assert (list_prices(known)["TEA-1"], list_counts(known)["TEA-1"]) == (360, 4)


async def test_an_order_that_amazon_lists_very_late_is_found_by_the_next_day(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, delay=7_200) as amazon:
        await amazon.gateway.run_due()
        amazon.clock.forward(seconds=10)
        order = await amazon.sandbox.sell("TEA-1", 1, "leeds")
        await amazon.run_next_pass(hours=1)
        known = await amazon.run_next_pass(hours=2)
        assert order not in [row[0] for row in known["orders"]]  # older than the known state
        known = await amazon.run_next_pass(hours=13)
        assert order in [row[0] for row in known["orders"]]


async def test_an_order_is_never_requested_before_amazon_lists_it(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        await amazon.gateway.run_due()
        amazon.clock.forward(minutes=4)
        order = await amazon.sandbox.sell("TEA-1", 1, "leeds")
        known = await amazon.run_next_pass(minutes=1)
        assert order not in [row[0] for row in known["orders"]]
        known = await amazon.run_next_pass()
        assert order in [row[0] for row in known["orders"]]
        assert {one.status for one in amazon.sandbox.requests if one.operation == "searchOrders"} == {200}


async def test_a_page_token_that_dies_restarts_the_pass(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_large_world(listings=120)) as amazon:
        answer = 0

        def expire_token(_: Any) -> None:
            nonlocal answer
            answer += 1
            if answer == 2:
                amazon.clock.forward(seconds=31)

        amazon.sandbox.replace_response("getInventorySummaries", expire_token)
        await amazon.gateway.run_due()
        assert await amazon.read_faults() == {"fba-stock": "REJECTED"}
        await amazon.run_next_pass(minutes=1)
        assert await amazon.read_faults() == {}
        tokens = [one for one in amazon.sandbox.requests if one.operation == "getInventorySummaries"]
        assert [one.status for one in tokens] == [200, 400, 200, 200, 200]
        assert len(list_counts(await amazon.read_state())) == 120


async def test_more_listings_than_one_search_shows_are_all_found(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_large_world(listings=1_030), feeds=["listings"]) as amazon:
        raws = await amazon.read_items("listings")
    assert {raw.id for raw in raws} == {f"P{number:05}" for number in range(1_030)}


async def test_a_two_pack_is_counted_in_units_and_sold_in_packs(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        products, orders = await amazon.read_records("listings"), await amazon.read_records("orders")
        record = (await amazon.read_records("fba-stock"))["fba/MUG-1-PAIR"]
    (pair,) = products["MUG-1-PAIR"].variants
    line = orders[ORDER].lines[1]
    assert (pair.units_per_listing, pair.price) == (2, Money(814, "GBP"))
    assert (record.item, record.available) == ("MUG-1-PAIR", 10)
    assert (line.variant, line.quantity, line.unit_price) == ("MUG-1-PAIR", 1, Money(814, "GBP"))
    assert (line.total, line.fulfilled_quantity, line.place) == (Money(814, "GBP"), 1, "fba")


async def test_the_configuration_knows_better_how_many_units_a_listing_sells(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, units={"TEA-1": 3}) as amazon:
        (tea,) = (await amazon.read_records("listings"))["TEA-1"].variants
        offered = (await amazon.read_records("merchant-stock"))["merchant/TEA-1"]
    assert (tea.units_per_listing, offered.available) == (3, 36)


async def test_an_order_has_no_customer_and_no_more_of_its_buyer_than_is_allowed(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        (silent,) = await amazon.read_items("orders")
        record = (await amazon.read("orders", [silent]))[ORDER]
    async with open_testbed(tmp_path, contact=True) as amazon:
        (complete,) = await amazon.read_items("orders")
        reached = (await amazon.read("orders", [complete]))[ORDER]
    assert (record.customer, record.contact, record.shipping_address) == (None, None, None)
    assert "buyer" not in silent.data
    assert reached.contact == OrderContact(email="20200000000000007@marketplace.amazon.example")
    for raw in (silent, complete):
        assert not {"recipient", "packages", "tax", "payment"} & set(raw.data)


@pytest.mark.parametrize(
    ("status", "stands", "shipped", "paid"),
    [
        ("PENDING", OrderStatus.PENDING, OrderFulfillmentStatus.UNFULFILLED, PaymentStatus.PENDING),
        ("UNSHIPPED", OrderStatus.OPEN, OrderFulfillmentStatus.UNFULFILLED, PaymentStatus.AUTHORIZED),
        ("SHIPPED", OrderStatus.COMPLETED, OrderFulfillmentStatus.FULFILLED, PaymentStatus.PAID),
        ("CANCELLED", OrderStatus.CANCELLED, OrderFulfillmentStatus.UNFULFILLED, PaymentStatus.UNKNOWN),
    ],
)
async def test_an_order_stands_where_amazon_says(
    tmp_path: Path,
    status: str,
    stands: OrderStatus,
    shipped: OrderFulfillmentStatus,
    paid: PaymentStatus,
) -> None:
    async with open_testbed(tmp_path) as amazon:
        id = await amazon.sandbox.sell("TEA-1", 2, "leeds", status=status)
        raw = (await amazon.fetch_records("orders", id))[id]
        order = (await amazon.read("orders", [raw]))[id]
    assert (order.status, order.fulfillment_status, order.payment_status) == (stands, shipped, paid)
    assert (order.place, order.lines[0].place, order.lines[0].quantity) == ("leeds", "leeds", 2)
    assert order.total == (None if status == "PENDING" else Money(612, "GBP"))


async def test_of_a_line_that_was_canceled_in_part_only_the_rest_was_sold(tmp_path: Path) -> None:
    def cut(said: Any) -> Any:
        said["order"]["orderItems"][0]["fulfillment"] = {"quantityFulfilled": 1, "quantityUnfulfilled": 1}
        return said

    async with open_testbed(tmp_path) as amazon:
        id = await amazon.sandbox.sell("TEA-1", 5, "leeds")
        amazon.sandbox.replace_response("getOrder", cut)
        order = (await amazon.read("orders", [(await amazon.fetch_records("orders", id))[id]]))[id]
    assert (order.lines[0].quantity, order.lines[0].fulfilled_quantity) == (2, 1)


async def test_single_records_are_read_and_what_is_certainly_not_there_is_gone(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        for feed, there, absent in (
            ("listings", "MUG, LARGE/1", "NONE/1,2"),
            ("merchant-stock", "merchant/TEA-1", "merchant/MUG-1-PAIR"),
            ("fba-stock", "fba/MUG-1-PAIR", "fba/TEA-1"),
            ("orders", ORDER, "202-1234567-1234567"),
        ):
            up = f"{there.rpartition('/')[0]}/.." if feed.endswith("stock") else ".."
            found = await amazon.fetch_records(feed, there, absent, up)
            assert isinstance(found[up], Gone), feed
            assert isinstance(found[there], Raw), feed
            assert isinstance(found[absent], Gone), feed
            assert {raw.id: raw.data for raw in await amazon.read_items(feed)}[there] == found[there].data


async def test_a_parent_of_variations_is_nothing_that_is_sold(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        family = {"type": "VARIATION", "childSkus": ["MUG-1-PAIR"]}
        store = amazon.sandbox.config["marketplace_ids"][0]

        def add_parent(said: Any) -> Any:
            for item in said["items"]:
                if item["sku"] == "TEA-1":
                    item = item | {"relationships": [{"marketplaceId": store, "relationships": [family]}]}
                yield item

        amazon.sandbox.replace_response("searchListingsItems", lambda said: {**said, "items": list(add_parent(said))})
        assert set(await amazon.read_records("listings")) == {"MUG-1-PAIR", "MUG, LARGE/1"}
        assert isinstance((await amazon.fetch_records("listings", "TEA-1"))["TEA-1"], Gone)


async def test_prices_taxes_shipping_and_discounts_are_exact(tmp_path: Path) -> None:
    def add_proceeds(said: Any) -> Any:
        item = said["orders"][0]["orderItems"][0]
        item["proceeds"]["breakdowns"] = [
            {"type": "ITEM", "subtotal": build_amount("18.36")},
            {"type": "SHIPPING", "subtotal": build_amount("4.99")},
            {"type": "TAX", "subtotal": build_amount("3.89")},
            {
                "type": "DISCOUNT",
                "subtotal": build_amount("-2.00"),
                "detailedBreakdowns": [
                    {"subtype": "ITEM", "value": build_amount("-1.50")},
                    {"subtype": "SHIPPING", "value": build_amount("-0.50")},
                ],
            },
        ]
        return said

    async with open_testbed(tmp_path) as amazon:
        amazon.sandbox.replace_response("searchOrders", add_proceeds)
        order = (await amazon.read_records("orders"))[ORDER]
    assert order.lines[0].total == Money(1686, "GBP")
    assert (order.subtotal, order.shipping_total) == (Money(2500, "GBP"), Money(449, "GBP"))
    assert (order.tax_total, order.discount_total) == (Money(389, "GBP"), Money(200, "GBP"))
    assert order.tax_included is True


def build_amount(amount: str) -> dict[str, str]:
    """Build an amount in Amazon's format."""
    return {"amount": amount, "currencyCode": "GBP"}


async def test_orders_before_the_configured_date_are_not_read(tmp_path: Path) -> None:
    old = replace(build_world().receipts[0], number=8, at=START - timedelta(days=90))
    there = replace(build_world(), receipts=(*build_world().receipts, old))
    async with open_testbed(tmp_path, there, orders_since=None) as amazon:
        assert set(await amazon.read_records("orders")) == {ORDER}
    async with open_testbed(tmp_path, there) as amazon:
        assert len(await amazon.read_records("orders")) == 2


async def test_a_gateway_that_starts_again_asks_only_for_what_has_changed(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as amazon:
        await amazon.gateway.run_due()
        amazon.clock.forward(minutes=30)
        await amazon.gateway.run_due()
        last = [one for one in amazon.sandbox.requests if one.operation == "searchOrders"][-1]
        assert last.query["lastUpdatedAfter"] == "2026-01-05T08:56:00Z"
        assert last.query["lastUpdatedBefore"] == "2026-01-05T09:28:00Z"
        listings = [one for one in amazon.sandbox.requests if "lastUpdatedAfter" in one.query]
        assert listings[-1].query["lastUpdatedAfter"] in ("2026-01-05T08:56:00Z", "2026-01-05T08:50:00Z")


async def list_external_locations(amazon: AmazonTestbed) -> list[str]:
    """List the external locations of the channel."""
    return [location.id for location in await amazon.gateway.channel_syncs["amazon"].channel.list_locations(SOON)]


async def test_without_stock_at_amazons_there_is_no_such_place_and_no_such_feed(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, fba=False) as amazon:
        assert await list_external_locations(amazon) == ["leeds"]
        assert "fba-stock" not in amazon.gateway.channel_syncs["amazon"].channel.feeds
    async with open_testbed(tmp_path) as amazon:
        assert await list_external_locations(amazon) == ["leeds", "fba"]
