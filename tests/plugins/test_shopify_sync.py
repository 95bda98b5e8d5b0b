"""A web store behind a gateway, through real HTTP: records that arrive, and their changes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk import (
    AuthError,
    Gone,
    Money,
    OrderFulfillmentStatus,
    OrderReturnStatus,
    OrderStatus,
    PaymentStatus,
    Raw,
    SelectedOption,
)
from tests.gateways import START
from tests.plugins.shopify import SOON, build_products, build_shirts, build_world, copy_node, open_testbed

pytestmark = pytest.mark.anyio


async def test_products_stock_customers_and_orders_arrive_as_the_unified_model(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        await web.gateway.run_due()
        known = await web.read_state()
    assert sorted(row[:4] for row in known["listings"].values()) == [
        ("MUG-1", None, "Mug", 407),
        ("MUG-2", None, "Mug, large", 510),
        ("TEA-1", "05012345678900", "Breakfast tea", 306),
    ]
    assert sorted(row[3] for row in known["stock"]) == [-2, 3, 12]
    assert known["customers"] == [("Ada Byron",)]
    assert [row[1] for row in known["orders"]] == [2243]
    assert (known["rejects"], known["dirty"]) == ([], 0)


async def test_a_product_has_all_its_variants_with_their_options(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world(build_shirts())) as web:
        records = await web.read_records("products")
        shirt = records[web.find_product_id("SHIRT-S")]
    assert (shirt.title, shirt.version, shirt.category) == ("Shirt", shirt.created_at, ())
    assert [variant.sku for variant in shirt.variants] == ["SHIRT-S", "SHIRT-M"]
    assert [variant.title for variant in shirt.variants] == ["S", "M"]
    assert shirt.variants[0].selected_options == (SelectedOption("Size", "S"),)
    assert shirt.variants[0].price == Money(1200, "GBP")
    assert shirt.variants[0].price_includes_tax is True
    tea = records[web.find_product_id("TEA-1")]
    assert (tea.variants[0].title, tea.variants[0].selected_options) == ("Breakfast tea", ())
    assert tea.category == ("Food", "Tea")


async def test_whether_prices_include_tax_is_as_configured_else_as_the_shop_says(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, config={"prices_include_tax": False}) as web:
        records = await web.read_records("products")
    assert {variant.price_includes_tax for one in records.values() for variant in one.variants} == {False}


async def test_stock_is_what_is_available_and_what_is_committed_of_one_read(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        await web.sandbox.sell("TEA-1", 2, "london")
        stock = (await web.read_records("stock"))[web.find_level_id("TEA-1", "london")]
        assert (stock.available, stock.committed, stock.base) == (10, 2, 12)
        assert stock.version == START
        negative = (await web.read_records("stock"))[web.find_level_id("MUG-1", "london")]
        assert (negative.available, negative.on_hand) == (-2, None)


async def test_what_the_shop_does_not_count_is_untracked(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        records = await web.read_records("products")
        tracked = {variant.sku: variant.tracked for one in records.values() for variant in one.variants}
    assert tracked == {"TEA-1": True, "MUG-1": True, "MUG-2": False}


async def test_an_order_has_its_lines_its_taxes_and_its_customer(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        (order,) = (await web.read_records("orders")).values()
        (customer,) = await web.read_records("customers")
    assert (order.number, order.customer, order.place) == ("#1001", customer, None)
    assert (order.total, order.subtotal, order.tax_total) == (
        Money(2243, "GBP"),
        Money(2243, "GBP"),
        Money(374, "GBP"),
    )
    assert (order.tax_included, order.tax_lines[0].rate) == (True, Decimal("0.2"))
    assert (order.status, order.payment_status) == (OrderStatus.COMPLETED, PaymentStatus.PAID)
    assert [(line.sku, line.quantity, line.fulfilled_quantity, line.unit_price) for line in order.lines] == [
        ("TEA-1", 6, 6, Money(306, "GBP")),
        ("MUG-1", 1, 1, Money(407, "GBP")),
    ]
    assert order.contact is not None
    assert order.contact.email == "ada@example.com"


async def test_an_order_goes_from_open_to_sent_to_partly_back(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        id = await web.sandbox.sell("TEA-1", 3, "leeds")
        sold = (await web.read_records("orders"))[id]
        assert (sold.status, sold.fulfillment_status) == (OrderStatus.OPEN, OrderFulfillmentStatus.UNFULFILLED)
        await web.sandbox.fulfill_order(id)
        sent = (await web.read_records("orders"))[id]
        assert (sent.status, sent.lines[0].fulfilled_quantity) == (OrderStatus.COMPLETED, 3)
        await web.sandbox.refund_order(id, "TEA-1", 1)
        back = (await web.read_records("orders"))[id]
    assert (back.return_status, back.lines[0].returned_quantity) == (OrderReturnStatus.PARTIALLY_RETURNED, 1)
    assert (back.payment_status, back.refunded_total) == (PaymentStatus.PARTIALLY_REFUNDED, Money(306, "GBP"))


async def test_a_canceled_order_says_when(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        id = await web.sandbox.sell("TEA-1", 3, "leeds")
        await web.sandbox.cancel_order(id)
        order = (await web.read_records("orders"))[id]
        assert (order.status, order.cancelled_at) == (OrderStatus.CANCELLED, START)
        assert (await web.read_records("stock"))[web.find_level_id("TEA-1", "leeds")].available == 3


async def test_a_change_arrives_with_the_next_pass_and_nothing_else_is_read(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world(build_products(40))) as web:
        await web.gateway.run_due()
        await web.sandbox.price("TEA-1", Decimal("2.90"))
        await web.run_next_pass(hours=1)
        await web.sandbox.price("TEA-1", Decimal("3.00"))
        await web.sandbox.product("P00007", title="Another")
        await web.sandbox.sell("TEA-1", 2, "leeds")
        web.sandbox.behavior.operations.clear()
        known = await web.run_next_pass()
    assert {row[0]: row[3] for row in known["listings"].values()}["TEA-1"] == 360
    assert "Another" in {row[0] for row in known["titles"]}
    assert sorted(row[1] for row in known["orders"]) == [720, 2243]
    assert web.sandbox.behavior.operations.count("ProductPage") == 1


async def test_stock_that_moved_arrives_by_place_and_the_rest_is_not_read_again(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world(build_products(150))) as web:
        await web.gateway.run_due()
        before = await web.read_state()
        for number in range(100):
            web.clock.forward(seconds=6)
            await web.sandbox.count_stock(f"P{number:05}", "leeds", 50)
        await web.sandbox.sell("TEA-1", 2, "london")
        web.sandbox.behavior.operations.clear()
        after = await web.run_next_pass(minutes=1)
        asked = web.sandbox.behavior.operations
    moved = set(after["stock"]) - set(before["stock"])
    assert sorted(row[3] for row in moved) == [*([50] * 100)]
    assert asked.count("InventoryMoved") == 3
    assert "InventoryItemPage" not in asked


async def test_a_level_is_the_same_however_it_was_come_by(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        await web.sandbox.sell("TEA-1", 2, "london")
        level = web.find_level_id("TEA-1", "london")
        whole = {raw.id: raw for raw in await web.read_items("stock")}[level]
        (moved,) = await web.read_items("stock", "2026-01-05T09:01:00Z")
        assert moved == whole == (await web.fetch_records("stock", level))[level]


async def test_more_changed_stock_than_a_cursor_reaches_is_read_completely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway_shopify.stock_feed.MAX_CURSOR_DEPTH", 100)
    async with open_testbed(tmp_path, build_world(build_products(150))) as web:
        pages = await web.read_pages("stock", "2009-01-01T00:00:00Z")
        assert len({raw.id for page in pages for raw in page.items}) == 153
        assert {page.mark for page in pages} == {"2026-01-05T09:00:00Z"}
        assert "InventoryItemPage" in web.sandbox.behavior.operations


async def test_a_place_that_is_closed_during_a_pass_over_stock_does_not_end_it(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        shop = web.sandbox.shop

        def close(name: str, answer: dict[str, Any]) -> Any:
            if name == "Locations":
                shop.remove(shop.get_location(web.sandbox.locations["london"]))
            return answer

        web.sandbox.behavior.response_override = close
        items = await web.read_items("stock", "2009-01-01T00:00:00Z")
        assert [raw.id for raw in items] == [web.find_level_id("TEA-1", "leeds")]


async def test_a_pass_begins_where_the_last_one_ended_with_an_overlap(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world(build_products(40))) as web:
        web.clock.forward(hours=1)
        await web.sandbox.product("P00001", title="First")
        mark = (await web.read_pages("products"))[0].mark
        assert mark == "2026-01-05T10:00:00Z"
        web.clock.forward(seconds=30)
        await web.sandbox.product("P00002", title="Second")
        pages = await web.read_pages("products", mark)
        assert [raw.id for page in pages for raw in page.items] == [
            web.find_product_id("P00001"),
            web.find_product_id("P00002"),
        ]
        assert pages[-1].mark == "2026-01-05T10:00:30Z"


async def test_customers_that_changed_earlier_on_the_day_are_not_read_again(tmp_path: Path) -> None:
    """Customer search filters by whole days only."""
    async with open_testbed(tmp_path) as web:
        (id,) = await web.read_records("customers")
        web.sandbox.shop.touch(web.sandbox.shop.nodes["Customer"][int(id)])
        mark = "2026-01-05T12:00:00Z"
        (page,) = await web.read_pages("customers", mark)
        assert (page.items, page.mark) == ((), mark)


async def test_a_deleted_product_is_found_by_the_sweep(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        await web.gateway.run_due()
        await web.sandbox.product("MUG-2", deleted=True)
        assert len((await web.run_next_pass())["listings"]) == 3
        assert len((await web.run_next_pass(days=1))["listings"]) == 2


async def test_single_records_are_read_and_those_that_are_not_there_are_gone(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        tea, level = web.find_product_id("TEA-1"), web.find_level_id("TEA-1", "leeds")
        product = await web.fetch_records("products", tea, "77")
        assert [type(one).__name__ for one in product.values()] == ["Raw", "Gone"]
        elsewhere = f"{level.partition('/')[0]}/77"
        stock = await web.fetch_records("stock", level, elsewhere, "77/77")
        assert [type(one).__name__ for one in stock.values()] == ["Raw", "Gone", "Gone"]
        for feed in ("customers", "orders"):
            (known,) = await web.read_records(feed)
            assert isinstance((await web.fetch_records(feed, known, "77"))["77"], Gone)


async def test_a_record_read_by_itself_is_the_one_of_the_pass(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world(build_shirts())) as web:
        for feed in ("products", "stock", "customers", "orders"):
            listed = {raw.id: raw for raw in await web.read_items(feed)}
            assert await web.fetch_records(feed, *listed) == listed


async def test_the_places_are_the_shops_locations(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        locations = await web.channel.list_locations(SOON)
        assert {location.name: location.id for location in locations} == {
            "London": web.sandbox.locations["london"],
            "Leeds": web.sandbox.locations["leeds"],
        }


async def test_variants_are_followed_to_the_last_page(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world(build_products(300, group="Buttons"))) as web:
        records = await web.read_records("products")
        assert len(records[web.find_product_id("P00000")].variants) == 300
        raw = (await web.fetch_records("products", web.find_product_id("P00000")))[web.find_product_id("P00000")]
        (read,) = (await web.read("products", [raw])).values()
        assert [variant.sku for variant in read.variants] == [one.sku for one in build_products(300)]


async def test_lines_addresses_and_returns_are_followed_to_the_last_page(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        shop = web.sandbox.shop
        (order,), (customer,) = shop.list_nodes("Order"), shop.list_nodes("Customer")
        order["lineItems"] += [copy_node(shop, order["lineItems"][0]) for _ in range(150)]
        moved = [shop.add("FulfillmentLineItem", quantity=6, lineItem=line) for line in order["lineItems"]]
        order["fulfillments"][0]["fulfillmentLineItems"] = moved
        for number in range(5):
            back = [
                shop.add("ReturnLineItem", processedQuantity=1, fulfillmentLineItem=one)
                for one in moved[number * 30 : number * 30 + 30]
            ]
            order["returns"].append(shop.add("Return", status="CLOSED", returnLineItems=back))
        customer["addressesV2"] = [shop.add("MailingAddress", city=f"City {number}") for number in range(8)]
        (read,) = (await web.read_records("orders")).values()
        (person,) = (await web.read_records("customers")).values()
    assert len(read.lines) == 152
    assert sum(line.fulfilled_quantity for line in read.lines) == 152 * 6
    assert sum(line.returned_quantity for line in read.lines) == 150
    assert [address.city for address in person.addresses] == [f"City {number}" for number in range(8)]


async def test_a_pass_over_everything_goes_by_ranges_of_ids_and_can_be_resumed_at_any_time(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world(build_products(40))) as web:
        first = await web.channel.page("products", None, None, SOON)
        web.clock.forward(days=30)
        await web.sandbox.product("P00000", deleted=True)
        rest = [await web.channel.page("products", None, first.next, SOON)]
        while rest[-1].next is not None:
            rest.append(await web.channel.page("products", None, rest[-1].next, SOON))
        ids = [int(raw.id) for page in [first, *rest] for raw in page.items]
    assert ids == sorted(set(ids))
    assert len(ids) == 43
    assert {page.mark for page in [first, *rest]} == {first.mark}


async def test_a_merged_customer_is_found_in_the_one_that_was_kept(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        (gone,) = await web.read_records("customers")
        survivor = copy_node(web.sandbox.shop, web.sandbox.shop.list_nodes("Customer")[0])["id"]
        bodies: list[Mapping[str, Any]] = []
        web.sandbox.shop.emit = lambda topic, body: bodies.append(body)
        await web.sandbox.merge_customers(gone, number(survivor))
        hints = await web.read_hints("customers/merge", bodies[-1])
        assert hints == [("customers", number(survivor)), ("customers", gone)]
        answer = await web.fetch_records("customers", gone, "77")
        record = (await web.read("customers", [answer[gone]]))[gone]
        assert (record.merged_into, record.version) == (number(survivor), START)
        assert isinstance(answer["77"], Gone)
        web.sandbox.shop.merges.clear()
        assert isinstance((await web.fetch_records("customers", gone))[gone], Gone), "a delivery alone proves nothing"


async def test_an_app_that_may_not_ask_about_merges_reads_the_other_customers_all_the_same(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        (known,) = await web.read_records("customers")
        ids = {"admin_graphql_api_customer_kept_id": known, "admin_graphql_api_customer_deleted_id": "77"}
        bodies = {field: f"gid://shopify/Customer/{id}" for field, id in ids.items()}
        await web.read_hints("customers/merge", {**bodies, "admin_graphql_api_job_id": "job"})
        denied = {"errors": [{"message": "Access denied", "extensions": {"code": "ACCESS_DENIED"}}]}
        web.sandbox.behavior.response_override = lambda name, answer: denied if name == "CustomerMerge" else answer
        answer = await web.fetch_records("customers", known, "77")
    assert [type(one) for one in answer.values()] == [Raw, AuthError]
    assert "read_customer_merge" in str(answer["77"])


def number(gid: str) -> str:
    return gid.rpartition("/")[2]
