"""Records and pages that no shop should send: each leads to a reject or a named fault, and never to a wrong record."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.response_validation import BadRecord
from gateway.sdk import ContractError, ProductRecord
from gateway.sdk.records import Record
from gateway.sync.pass_state import MAX_TOKEN_TRIES
from tests.plugins.shopify import ShopifyTestbed, build_products, build_shirts, build_world, copy_node, open_testbed

pytestmark = [pytest.mark.anyio, pytest.mark.torture]
Answer = dict[str, Any]


def get_nodes(answer: Answer) -> Any:
    """Return the nodes of the listed connection."""
    return next(value["nodes"] for key, value in answer["data"].items() if key != "shop")


def build_twist(operation: str, change: Callable[[Answer], None]) -> Callable[[str, Answer], Answer]:
    """Build a override that changes the responses of one operation."""

    def change_operation(name: str, answer: Answer) -> Answer:
        if name == operation:
            change(answer)
        return answer

    return change_operation


def build_node_change(operation: str, *path: str | int, value: object) -> Callable[[str, Answer], Answer]:
    """Build a override that sets a value in the first node."""

    def change(answer: Answer) -> None:
        node = get_nodes(answer)[0]
        for part in path[:-1]:
            node = node[part]
        node[path[-1]] = value

    return build_twist(operation, change)


VARIANT = ("variants", "nodes", 0)
COUNT = ("inventoryLevels", "nodes", 0, "quantities")


@pytest.mark.parametrize(
    ("feed", "operation", "path", "value"),
    [
        ("products", "ProductPage", ("title",), 7),
        ("products", "ProductPage", ("title",), "  "),
        ("products", "ProductPage", ("title",), "half a \ud800 pair"),
        ("products", "ProductPage", ("status",), "SECRET"),
        ("products", "ProductPage", ("updatedAt",), "soon"),
        ("products", "ProductPage", ("updatedAt",), "2026-01-05T09:00:00"),
        ("products", "ProductPage", ("updatedAt",), 1767603600),
        ("products", "ProductPage", ("updatedAt",), "0001-01-01T00:00:00+14:00"),
        ("products", "ProductPage", ("updatedAt",), "9999-12-31T23:59:59-14:00"),
        ("products", "ProductPage", ("tags",), [None]),
        ("products", "ProductPage", ("variants",), None),
        ("products", "ProductPage", ("variants", "nodes"), []),
        ("products", "ProductPage", ("variants", "nodes"), [None]),
        ("products", "ProductPage", (*VARIANT, "price"), 3.06),
        ("products", "ProductPage", (*VARIANT, "price"), "-3.06"),
        ("products", "ProductPage", (*VARIANT, "price"), "3.065"),
        ("products", "ProductPage", (*VARIANT, "price"), "NaN"),
        ("products", "ProductPage", (*VARIANT, "id"), "gid://shopify/Product/7"),
        ("products", "ProductPage", (*VARIANT, "inventoryItem"), {"id": 7, "tracked": True}),
        ("products", "ProductPage", (*VARIANT, "inventoryItem", "tracked"), "yes"),
        ("products", "ProductPage", ("category",), "Tea"),
        ("stock", "InventoryItemPage", (*COUNT, 0, "quantity"), 1.5),
        ("stock", "InventoryItemPage", (*COUNT, 0, "quantity"), True),
        ("stock", "InventoryItemPage", (*COUNT, 0, "quantity"), 2**31),
        ("stock", "InventoryItemPage", COUNT, []),
        ("stock", "InventoryItemPage", ("inventoryLevels", "nodes", 0, "location"), None),
        ("stock", "InventoryItemPage", ("inventoryLevels",), None),
        ("customers", "CustomerPage", ("tags",), "all"),
        ("customers", "CustomerPage", ("verifiedEmail",), None),
        ("orders", "OrderPage", ("name",), None),
        ("orders", "OrderPage", ("totalPriceSet", "shopMoney", "amount"), 22.43),
        ("orders", "OrderPage", ("totalPriceSet", "shopMoney", "currencyCode"), "QUID"),
        ("orders", "OrderPage", ("totalPriceSet", "shopMoney", "currencyCode"), "EUR"),
        ("orders", "OrderPage", ("displayFulfillmentStatus",), "LOST"),
        ("orders", "OrderPage", ("displayFinancialStatus",), 3),
        ("orders", "OrderPage", ("lineItems", "nodes", 1, "id"), "gid://shopify/LineItem/1013"),
        ("orders", "OrderPage", ("taxLines", 0, "rate"), "20 %"),
        ("orders", "OrderPage", ("taxLines", 0, "rate"), 10**400),
        ("orders", "OrderPage", ("fulfillments",), None),
        ("orders", "OrderPage", ("customer",), {"id": "gid://shopify/Company/7"}),
    ],
)
async def test_a_record_that_cannot_be_is_rejected_by_itself(
    tmp_path: Path, feed: str, operation: str, path: tuple[str | int, ...], value: object
) -> None:
    async with open_testbed(tmp_path) as web:
        true = await web.read_records(feed)
        web.sandbox.behavior.response_override = build_node_change(operation, *path, value=value)
        records = await web.read_records(feed)
    bad = [id for id, record in records.items() if isinstance(record, BadRecord)]
    assert len(bad) == 1
    assert all("plugin failed" not in records[id].reason for id in bad), records
    assert all(records[id] == record for id, record in true.items() if id in records and id not in bad)


@pytest.mark.parametrize(
    ("feed", "operation", "path", "value", "field"),
    [
        ("stock", "InventoryItemPage", (*COUNT, 1, "quantity"), -1, "committed"),
        ("customers", "CustomerPage", ("defaultEmailAddress",), {"emailAddress": ""}, "emails"),
        ("customers", "CustomerPage", ("addressesV2", "nodes"), [{"countryCodeV2": "England"}], "addresses"),
    ],
)
async def test_an_informative_field_that_cannot_be_is_dropped_with_a_warning(
    tmp_path: Path, feed: str, operation: str, path: tuple[str | int, ...], value: object, field: str
) -> None:
    async with open_testbed(tmp_path) as web:
        web.sandbox.behavior.response_override = build_node_change(operation, *path, value=value)
        records = await web.read_records(feed)
    found = [record.warnings for record in records.values() if isinstance(record, Record) and record.warnings]
    assert [[warning.field for warning in warnings] for warnings in found] == [[field]]
    assert not any(isinstance(record, BadRecord) for record in records.values())


@pytest.mark.parametrize("id", [7, None, "7", "gid://shopify/Customer/7", "gid://shopify/Product/x", ["a"], {}])
async def test_an_id_of_another_type_is_a_reject_that_stays_one(tmp_path: Path, id: object) -> None:
    async with open_testbed(tmp_path) as web:
        web.sandbox.behavior.response_override = build_node_change("ProductPage", "id", value=id)
        again = [await web.read_records("products") for _ in range(2)]
        await web.gateway.run_due()
        await web.run_next_pass()
        known = await web.read_state()
    (bad,) = [key for key, record in again[0].items() if isinstance(record, BadRecord)]
    assert bad in again[1]
    assert len(known["rejects"]) == 1
    assert len(known["listings"]) == 2


async def test_nodes_that_are_no_objects_are_rejects(tmp_path: Path) -> None:
    def change(answer: Answer) -> None:
        get_nodes(answer).extend(["x", 3, [7]])

    async with open_testbed(tmp_path) as web:
        web.sandbox.behavior.response_override = build_twist("ProductPage", change)
        records = await web.read_records("products")
    assert sum(isinstance(record, BadRecord) for record in records.values()) == 3
    assert sum(isinstance(record, ProductRecord) for record in records.values()) == 3


async def read_contract_error(web: ShopifyTestbed, feed: str, mark: str | None = None) -> str:
    """Read the contract error that ends a pass."""
    with pytest.raises(ContractError) as caught:
        await web.read_pages(feed, mark)
    return str(caught.value)


async def test_a_page_that_names_the_same_again_ends_the_pass(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world(build_products(30))) as web:
        pages: list[Answer] = []

        def change(answer: Answer) -> None:
            pages.append(answer["data"])
            answer["data"] = pages[0]

        web.sandbox.behavior.response_override = build_twist("ProductPage", change)
        assert "lists IDs that do not increase" in await read_contract_error(web, "products")
        assert len(pages) == 2


async def test_an_item_that_is_twice_on_a_page_ends_the_pass(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        web.sandbox.behavior.response_override = build_twist(
            "ProductPage", lambda answer: get_nodes(answer).append(get_nodes(answer)[0])
        )
        assert "lists IDs that do not increase" in await read_contract_error(web, "products")


@pytest.mark.parametrize("info", [{"hasNextPage": True, "endCursor": None}, {"hasNextPage": True, "endCursor": 7}])
async def test_a_page_that_does_not_say_where_the_next_one_is_ends_the_pass(tmp_path: Path, info: Answer) -> None:
    async with open_testbed(tmp_path) as web:
        web.sandbox.behavior.response_override = build_twist(
            "ProductPage", lambda answer: answer["data"]["products"].update(pageInfo=info)
        )
        assert "has no valid cursor" in await read_contract_error(web, "products")


async def test_an_empty_page_with_a_next_one_is_no_end_of_the_pass(tmp_path: Path) -> None:
    """Otherwise all records behind it would count as deleted."""
    async with open_testbed(tmp_path) as web:
        more = {"hasNextPage": True, "endCursor": "x"}
        empty = {"nodes": [], "pageInfo": more}
        web.sandbox.behavior.response_override = build_twist(
            "ProductPage", lambda answer: answer["data"].update(products=empty)
        )
        assert "has no valid cursor" in await read_contract_error(web, "products")


async def test_changes_that_go_on_for_ever_end_the_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway_shopify.feeds.MAX_CURSOR_DEPTH", 100)
    async with open_testbed(tmp_path, build_world(build_products(14))) as web:
        pages: list[Answer] = []

        def repeat_page(name: str, answer: Answer) -> Answer:
            pages.append(answer)
            again: Answer = copy.deepcopy(pages[0])
            again["data"]["products"]["pageInfo"] = {"hasNextPage": True, "endCursor": f"c{len(pages)}"}
            return again

        web.sandbox.behavior.response_override = repeat_page
        assert "more changes in one second than can be read" in await read_contract_error(
            web, "products", "2009-01-01T00:00:00Z"
        )
    assert len(pages) == 20, "ten records a page, twice to where cursors end"


@pytest.mark.parametrize(("cursor", "message"), [("moves", "more pages than allowed"), ("stays", "no valid cursor")])
async def test_variants_without_an_end_are_given_up(tmp_path: Path, cursor: str, message: str) -> None:
    async with open_testbed(tmp_path, build_world(build_products(25, group="Buttons"))) as web:
        count = iter(range(10_000))

        def change(answer: Answer) -> None:
            page_cursor = "x" if cursor == "stays" else f"c{next(count)}"
            variants = {"nodes": [{"id": "x"}], "pageInfo": {"hasNextPage": True, "endCursor": page_cursor}}
            answer["data"] = {"node": {"__typename": "Product", "variants": variants}}
            answer.pop("errors", None)

        web.sandbox.behavior.response_override = build_twist("ProductVariants", change)
        assert message in await read_contract_error(web, "products")


async def test_a_product_that_is_deleted_while_its_variants_are_followed_is_a_named_fault(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world(build_products(25, group="Buttons"))) as web:
        web.sandbox.behavior.response_override = build_twist(
            "ProductVariants", lambda answer: answer["data"].update(node=None)
        )
        assert "has no page" in await read_contract_error(web, "products")


@pytest.mark.parametrize("mark", [None, "2026-01-05T08:00:00Z"])
async def test_a_record_from_the_future_keeps_none_from_being_read(tmp_path: Path, mark: str | None) -> None:
    async with open_testbed(tmp_path) as web:
        web.sandbox.shop.get_variant("MUG-1")["product"]["updatedAt"] = "2199-01-01T00:00:00Z"
        reached = (await web.read_pages("products", mark))[-1].mark
        assert reached == "2026-01-05T09:02:00Z"
        web.clock.forward(seconds=1)
        await web.sandbox.product("TEA-1", title="Evening tea")
        assert web.find_product_id("TEA-1") in {raw.id for raw in await web.read_items("products", reached)}


@pytest.mark.parametrize("answered", [None, [], [None, None], "x"])
async def test_a_fetch_that_answers_for_others_is_a_broken_contract(tmp_path: Path, answered: object) -> None:
    async with open_testbed(tmp_path) as web:
        web.sandbox.behavior.response_override = build_twist(
            "ProductById", lambda answer: answer["data"].update(nodes=answered)
        )
        with pytest.raises(ContractError, match="other records than requested"):
            await web.fetch_records("products", web.find_product_id("TEA-1"))


async def test_a_fetch_that_answers_with_another_record_is_a_broken_contract(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        other = web.sandbox.shop.get_variant("MUG-1")["product"]["id"]
        change = build_twist("ProductById", lambda answer: answer["data"]["nodes"][0].update(id=other))
        web.sandbox.behavior.response_override = change
        with pytest.raises(ContractError, match="another record than requested"):
            await web.fetch_records("products", web.find_product_id("TEA-1"))


async def test_variants_without_sku_and_a_hundred_with_one_are_what_they_are(tmp_path: Path) -> None:
    async with open_testbed(tmp_path, build_world([*build_shirts(), *build_products(100, group="Buttons")])) as web:
        for variant in web.sandbox.shop.list_nodes("ProductVariant"):
            if str(variant["sku"]).startswith("SHIRT"):
                variant["sku"] = None if variant["sku"] == "SHIRT-S" else "  "
            elif str(variant["sku"]).startswith("P"):
                variant["sku"] = "BUTTON"
        await web.gateway.run_due()
        known = await web.read_state()
    skus = [row[0] for row in known["listings"].values()]
    assert (skus.count(None), skus.count("BUTTON"), known["rejects"]) == (2, 100, [])
    assert max(len(group) for group in known["variants"]) == 1, "inside one channel a SKU that repeats joins nothing"


@pytest.mark.parametrize("barcode", ["", "5012345678901", "A-7", "50123456789000000", "  "])
async def test_a_barcode_that_is_no_gtin_costs_the_gtin_and_not_the_product(tmp_path: Path, barcode: str) -> None:
    async with open_testbed(tmp_path) as web:
        web.sandbox.shop.get_variant("TEA-1")["barcode"] = barcode
        (variant,) = (await web.read_records("products"))[web.find_product_id("TEA-1")].variants
    assert (variant.sku, variant.gtin) == ("TEA-1", None)


async def test_an_order_of_what_is_no_longer_there_keeps_its_lines(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        (order,) = web.sandbox.shop.list_nodes("Order")
        order["customer"] = order["displayFinancialStatus"] = None
        order["lineItems"][0]["variant"] = None
        (read,) = (await web.read_records("orders")).values()
    assert (read.customer, read.lines[0].variant, read.lines[0].sku) == (None, None, "TEA-1")


async def test_the_same_returns_are_not_counted_twice(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        shop = web.sandbox.shop
        (order,) = shop.list_nodes("Order")
        line = order["lineItems"][0]
        moved = order["fulfillments"][0]["fulfillmentLineItems"][0]
        back = shop.add("ReturnLineItem", processedQuantity=2, fulfillmentLineItem=moved)
        order["returns"] = [shop.add("Return", status="CLOSED", returnLineItems=[back])]
        items = [{"quantity": 2, "restockType": "RETURN", "lineItem": line}]
        order["refunds"] = [shop.add("Refund", **{"return": order["returns"][0]}, refundLineItems=items)]
        refund_lines = [{"quantity": 1, "restockType": "NO_RESTOCK", "lineItem": line}]
        order["refunds"] += [shop.add("Refund", **{"return": None}, refundLineItems=refund_lines)]
        order["fulfillments"].append({**copy_node(shop, order["fulfillments"][0]), "status": "CANCELLED"})
        (read,) = (await web.read_records("orders")).values()
    assert (read.lines[0].returned_quantity, read.lines[0].fulfilled_quantity) == (2, 6)


async def test_deep_passes_over_changes_restart_before_cursors_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway_shopify.feeds.MAX_CURSOR_DEPTH", 20)
    async with open_testbed(tmp_path, build_world(build_products(60))) as web:
        for number in range(60):
            web.clock.forward(seconds=10)
            await web.sandbox.product(f"P{number:05}", title="Changed")
        pages = await web.read_pages("products", "2026-01-05T08:00:00Z")
        assert all(page.next is None or '"depth": 2' not in page.next for page in pages)
        assert {raw.id for page in pages for raw in page.items} == {
            web.find_product_id(f"P{number:05}") for number in range(60)
        }
        assert sorted(page.mark or "" for page in pages) == [page.mark for page in pages]


COSTS: list[object] = [-1, 0, 10**400, 10**9, -(10**400), None, "much", [], {}]


@pytest.mark.parametrize("said", COSTS, ids=lambda said: str(said)[:12])
@pytest.mark.parametrize(
    "figure", ["requestedQueryCost", "actualQueryCost", "currentlyAvailable", "restoreRate", "maximumAvailable"]
)
async def test_a_cost_that_cannot_be_stops_nothing(tmp_path: Path, figure: str, said: object) -> None:
    async with open_testbed(tmp_path, scale=1000) as web:
        await web.gateway.run_due()

        def change_cost(name: str, answer: Answer) -> Answer:
            cost = answer["extensions"]["cost"]
            (cost if figure in cost else cost["throttleStatus"])[figure] = said
            return answer

        web.sandbox.behavior.response_override = change_cost
        await web.run_next_pass(hours=1)
        web.sandbox.behavior.response_override = None
        await web.sandbox.product("TEA-1", title="Evening tea")
        known = await web.run_next_pass(hours=1)
        assert await web.read_faults() == {}
    assert "Evening tea" in {row[0] for row in known["titles"]}


@pytest.mark.parametrize("cursor", ["half a \ud800 pair", "x" * 1_000_000], ids=["half a pair", "a million"])
async def test_a_cursor_that_cannot_be_sent_back_is_given_up(tmp_path: Path, cursor: str) -> None:
    async with open_testbed(tmp_path, config={"feeds": ["products"]}) as web:
        await web.gateway.run_due()
        info = {"hasNextPage": True, "endCursor": cursor}
        web.sandbox.behavior.response_override = build_twist(
            "ProductPage", lambda answer: answer["data"]["products"].update(pageInfo=info)
        )
        for _ in range(MAX_TOKEN_TRIES + 1):
            await web.run_next_pass(minutes=6)
        assert await web.read_faults() == {"products": "CONTRACT_VIOLATION"}
        web.sandbox.behavior.response_override = None
        for _ in range(MAX_TOKEN_TRIES + 1):
            await web.run_next_pass(minutes=6)
        assert await web.read_faults() == {}


async def test_a_line_that_cannot_be_is_rejected_without_its_order(tmp_path: Path) -> None:
    """Rule O9."""
    async with open_testbed(tmp_path) as web:
        (true,) = (await web.read_records("orders")).values()
        override = build_node_change("OrderPage", "lineItems", "nodes", 0, "quantity", value="6")
        web.sandbox.behavior.response_override = override
        (order,) = (await web.read_records("orders")).values()
    assert list(order.lines) == list(true.lines[1:])
    assert [line.id for line in order.rejected_lines] == [true.lines[0].ref.id]
