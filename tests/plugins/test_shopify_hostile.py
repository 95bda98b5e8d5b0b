"""Records and pages as no shop should send them: a reject each, or a named fault, and never a wrong record."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.answers import BadRecord
from gateway.sdk import ContractError, ProductRecord
from gateway.sync.feeds import TRIES

from .shopify import House, another, house, many, shirts, world

pytestmark = [pytest.mark.anyio, pytest.mark.long]
Answer = dict[str, Any]


def nodes(answer: Answer) -> Any:
    """The nodes of whatever was listed."""
    return next(value["nodes"] for key, value in answer["data"].items() if key != "shop")


def on(operation: str, change: Callable[[Answer], None]) -> Callable[[str, Answer], Answer]:
    """Changes the answers of one operation."""

    def twist(name: str, answer: Answer) -> Answer:
        if name == operation:
            change(answer)
        return answer

    return twist


def first(operation: str, *path: str | int, value: object) -> Callable[[str, Answer], Answer]:
    """Sets a value in the first node."""

    def change(answer: Answer) -> None:
        place = nodes(answer)[0]
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = value

    return on(operation, change)


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
        ("stock", "InventoryItemPage", (*COUNT, 1, "quantity"), -1),
        ("stock", "InventoryItemPage", (*COUNT, 0, "quantity"), 2**31),
        ("stock", "InventoryItemPage", COUNT, []),
        ("stock", "InventoryItemPage", ("inventoryLevels", "nodes", 0, "location"), None),
        ("stock", "InventoryItemPage", ("inventoryLevels",), None),
        ("customers", "CustomerPage", ("tags",), "all"),
        ("customers", "CustomerPage", ("verifiedEmail",), None),
        ("customers", "CustomerPage", ("defaultEmailAddress",), {"emailAddress": ""}),
        ("customers", "CustomerPage", ("addressesV2", "nodes"), [{"countryCodeV2": "England"}]),
        ("orders", "OrderPage", ("name",), None),
        ("orders", "OrderPage", ("totalPriceSet", "shopMoney", "amount"), 22.43),
        ("orders", "OrderPage", ("totalPriceSet", "shopMoney", "currencyCode"), "QUID"),
        ("orders", "OrderPage", ("totalPriceSet", "shopMoney", "currencyCode"), "EUR"),
        ("orders", "OrderPage", ("displayFulfillmentStatus",), "LOST"),
        ("orders", "OrderPage", ("displayFinancialStatus",), 3),
        ("orders", "OrderPage", ("lineItems", "nodes", 0, "quantity"), "6"),
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
    async with house(tmp_path) as web:
        true = await web.records(feed)
        web.sandbox.manners.twist = first(operation, *path, value=value)
        records = await web.records(feed)
    bad = [id for id, record in records.items() if isinstance(record, BadRecord)]
    assert len(bad) == 1
    assert all("plugin failed" not in records[id].reason for id in bad), records
    assert all(records[id] == record for id, record in true.items() if id in records and id not in bad)


@pytest.mark.parametrize("id", [7, None, "7", "gid://shopify/Customer/7", "gid://shopify/Product/x", ["a"], {}])
async def test_an_id_of_another_type_is_a_reject_that_stays_one(tmp_path: Path, id: object) -> None:
    async with house(tmp_path) as web:
        web.sandbox.manners.twist = first("ProductPage", "id", value=id)
        again = [await web.records("products") for _ in range(2)]
        await web.gateway.run_due()
        await web.next_pass()
        known = await web.state()
    (bad,) = [key for key, record in again[0].items() if isinstance(record, BadRecord)]
    assert bad in again[1]
    assert len(known["rejects"]) == 1
    assert len(known["listings"]) == 2


async def test_nodes_that_are_no_objects_are_rejects(tmp_path: Path) -> None:
    def change(answer: Answer) -> None:
        nodes(answer).extend(["x", 3, [7]])

    async with house(tmp_path) as web:
        web.sandbox.manners.twist = on("ProductPage", change)
        records = await web.records("products")
    assert sum(isinstance(record, BadRecord) for record in records.values()) == 3
    assert sum(isinstance(record, ProductRecord) for record in records.values()) == 3


async def fault(web: House, feed: str, mark: str | None = None) -> str:
    """What a pass ends with."""
    with pytest.raises(ContractError) as caught:
        await web.pages(feed, mark)
    return str(caught.value)


async def test_a_page_that_names_the_same_again_ends_the_pass(tmp_path: Path) -> None:
    async with house(tmp_path, world(many(30))) as web:
        pages: list[Answer] = []

        def change(answer: Answer) -> None:
            pages.append(answer["data"])
            answer["data"] = pages[0]

        web.sandbox.manners.twist = on("ProductPage", change)
        assert "names ids again" in await fault(web, "products")
        assert len(pages) == 2


async def test_an_item_that_is_twice_on_a_page_ends_the_pass(tmp_path: Path) -> None:
    async with house(tmp_path) as web:
        web.sandbox.manners.twist = on("ProductPage", lambda answer: nodes(answer).append(nodes(answer)[0]))
        assert "names ids again" in await fault(web, "products")


@pytest.mark.parametrize("info", [{"hasNextPage": True, "endCursor": None}, {"hasNextPage": True, "endCursor": 7}])
async def test_a_page_that_does_not_say_where_the_next_one_is_ends_the_pass(tmp_path: Path, info: Answer) -> None:
    async with house(tmp_path) as web:
        web.sandbox.manners.twist = on("ProductPage", lambda answer: answer["data"]["products"].update(pageInfo=info))
        assert "does not say where" in await fault(web, "products")


async def test_an_empty_page_with_a_next_one_is_no_end_of_the_pass(tmp_path: Path) -> None:
    """Or everything behind it would be taken for deleted."""
    async with house(tmp_path) as web:
        more = {"hasNextPage": True, "endCursor": "x"}
        empty = {"nodes": [], "pageInfo": more}
        web.sandbox.manners.twist = on("ProductPage", lambda answer: answer["data"].update(products=empty))
        assert "does not say where" in await fault(web, "products")


async def test_changes_that_go_on_for_ever_end_the_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway_shopify.feeds.DEPTH", 100)
    async with house(tmp_path, world(many(14))) as web:
        pages: list[Answer] = []

        def twist(name: str, answer: Answer) -> Answer:
            pages.append(answer)
            again: Answer = copy.deepcopy(pages[0])
            again["data"]["products"]["pageInfo"] = {"hasNextPage": True, "endCursor": f"c{len(pages)}"}
            return again

        web.sandbox.manners.twist = twist
        assert "more changes of one second than can be read" in await fault(web, "products", "2009-01-01T00:00:00Z")
    assert len(pages) == 20, "ten records a page, twice to where cursors end"


@pytest.mark.parametrize(("cursor", "message"), [("moves", "without an end"), ("stays", "does not say where")])
async def test_variants_without_an_end_are_given_up(tmp_path: Path, cursor: str, message: str) -> None:
    async with house(tmp_path, world(many(25, group="Buttons"))) as web:
        count = iter(range(10_000))

        def change(answer: Answer) -> None:
            place = "x" if cursor == "stays" else f"c{next(count)}"
            variants = {"nodes": [{"id": "x"}], "pageInfo": {"hasNextPage": True, "endCursor": place}}
            answer["data"] = {"node": {"__typename": "Product", "variants": variants}}
            answer.pop("errors", None)

        web.sandbox.manners.twist = on("ProductVariants", change)
        assert message in await fault(web, "products")


async def test_a_product_that_is_deleted_while_its_variants_are_followed_is_a_named_fault(tmp_path: Path) -> None:
    async with house(tmp_path, world(many(25, group="Buttons"))) as web:
        web.sandbox.manners.twist = on("ProductVariants", lambda answer: answer["data"].update(node=None))
        assert "answered without a page" in await fault(web, "products")


@pytest.mark.parametrize("mark", [None, "2026-01-05T08:00:00Z"])
async def test_a_record_from_the_future_keeps_none_from_being_read(tmp_path: Path, mark: str | None) -> None:
    async with house(tmp_path) as web:
        web.sandbox.shop.variant("MUG-1")["product"]["updatedAt"] = "2199-01-01T00:00:00Z"
        reached = (await web.pages("products", mark))[-1].mark
        assert reached == "2026-01-05T09:02:00Z"
        web.clock.forward(seconds=1)
        await web.sandbox.product("TEA-1", title="Evening tea")
        assert web.id("TEA-1") in {raw.id for raw in await web.items("products", reached)}


@pytest.mark.parametrize("answered", [None, [], [None, None], "x"])
async def test_a_fetch_that_answers_for_others_is_a_broken_contract(tmp_path: Path, answered: object) -> None:
    async with house(tmp_path) as web:
        web.sandbox.manners.twist = on("ProductById", lambda answer: answer["data"].update(nodes=answered))
        with pytest.raises(ContractError, match="for other records"):
            await web.fetched("products", web.id("TEA-1"))


async def test_a_fetch_that_answers_with_another_record_is_a_broken_contract(tmp_path: Path) -> None:
    async with house(tmp_path) as web:
        other = web.sandbox.shop.variant("MUG-1")["product"]["id"]
        change = on("ProductById", lambda answer: answer["data"]["nodes"][0].update(id=other))
        web.sandbox.manners.twist = change
        with pytest.raises(ContractError, match="with another record"):
            await web.fetched("products", web.id("TEA-1"))


async def test_variants_without_sku_and_a_hundred_with_one_are_what_they_are(tmp_path: Path) -> None:
    async with house(tmp_path, world([*shirts(), *many(100, group="Buttons")])) as web:
        for variant in web.sandbox.shop.all("ProductVariant"):
            if str(variant["sku"]).startswith("SHIRT"):
                variant["sku"] = None if variant["sku"] == "SHIRT-S" else "  "
            elif str(variant["sku"]).startswith("P"):
                variant["sku"] = "BUTTON"
        await web.gateway.run_due()
        known = await web.state()
    skus = [row[0] for row in known["listings"].values()]
    assert (skus.count(None), skus.count("BUTTON"), known["rejects"]) == (2, 100, [])
    assert max(len(group) for group in known["variants"]) == 1, "inside one channel a SKU that repeats joins nothing"


@pytest.mark.parametrize("barcode", ["", "5012345678901", "A-7", "50123456789000000", "  "])
async def test_a_barcode_that_is_no_gtin_costs_the_gtin_and_not_the_product(tmp_path: Path, barcode: str) -> None:
    async with house(tmp_path) as web:
        web.sandbox.shop.variant("TEA-1")["barcode"] = barcode
        (variant,) = (await web.records("products"))[web.id("TEA-1")].variants
    assert (variant.sku, variant.gtin) == ("TEA-1", None)


async def test_an_order_of_what_is_no_longer_there_keeps_its_lines(tmp_path: Path) -> None:
    async with house(tmp_path) as web:
        (order,) = web.sandbox.shop.all("Order")
        order["customer"] = order["displayFinancialStatus"] = None
        order["lineItems"][0]["variant"] = None
        (read,) = (await web.records("orders")).values()
    assert (read.customer, read.lines[0].variant, read.lines[0].sku) == (None, None, "TEA-1")


async def test_the_same_returns_are_not_counted_twice(tmp_path: Path) -> None:
    async with house(tmp_path) as web:
        shop = web.sandbox.shop
        (order,) = shop.all("Order")
        line = order["lineItems"][0]
        moved = order["fulfillments"][0]["fulfillmentLineItems"][0]
        back = shop.add("ReturnLineItem", processedQuantity=2, fulfillmentLineItem=moved)
        order["returns"] = [shop.add("Return", status="CLOSED", returnLineItems=[back])]
        items = [{"quantity": 2, "restockType": "RETURN", "lineItem": line}]
        order["refunds"] = [shop.add("Refund", **{"return": order["returns"][0]}, refundLineItems=items)]
        kept = [{"quantity": 1, "restockType": "NO_RESTOCK", "lineItem": line}]
        order["refunds"] += [shop.add("Refund", **{"return": None}, refundLineItems=kept)]
        order["fulfillments"].append({**another(shop, order["fulfillments"][0]), "status": "CANCELLED"})
        (read,) = (await web.records("orders")).values()
    assert (read.lines[0].returned_quantity, read.lines[0].fulfilled_quantity) == (2, 6)


async def test_deep_passes_over_changes_begin_anew_before_cursors_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway_shopify.feeds.DEPTH", 20)
    async with house(tmp_path, world(many(60))) as web:
        for number in range(60):
            web.clock.forward(seconds=10)
            await web.sandbox.product(f"P{number:05}", title="Changed")
        pages = await web.pages("products", "2026-01-05T08:00:00Z")
        assert all(page.next is None or '"depth": 2' not in page.next for page in pages)
        assert {raw.id for page in pages for raw in page.items} == {web.id(f"P{number:05}") for number in range(60)}
        assert sorted(page.mark or "" for page in pages) == [page.mark for page in pages]


COSTS: list[object] = [-1, 0, 10**400, 10**9, -(10**400), None, "much", [], {}]


@pytest.mark.parametrize("said", COSTS, ids=lambda said: str(said)[:12])
@pytest.mark.parametrize(
    "figure", ["requestedQueryCost", "actualQueryCost", "currentlyAvailable", "restoreRate", "maximumAvailable"]
)
async def test_a_cost_that_cannot_be_stops_nothing(tmp_path: Path, figure: str, said: object) -> None:
    async with house(tmp_path, scale=1000) as web:
        await web.gateway.run_due()

        def twist(name: str, answer: Answer) -> Answer:
            cost = answer["extensions"]["cost"]
            (cost if figure in cost else cost["throttleStatus"])[figure] = said
            return answer

        web.sandbox.manners.twist = twist
        await web.next_pass(hours=1)
        web.sandbox.manners.twist = None
        await web.sandbox.product("TEA-1", title="Evening tea")
        known = await web.next_pass(hours=1)
        assert await web.faults() == {}
    assert "Evening tea" in {row[0] for row in known["titles"]}


@pytest.mark.parametrize("cursor", ["half a \ud800 pair", "x" * 1_000_000], ids=["half a pair", "a million"])
async def test_a_cursor_that_cannot_be_sent_back_is_given_up(tmp_path: Path, cursor: str) -> None:
    async with house(tmp_path, config={"feeds": ["products"]}) as web:
        await web.gateway.run_due()
        info = {"hasNextPage": True, "endCursor": cursor}
        web.sandbox.manners.twist = on("ProductPage", lambda answer: answer["data"]["products"].update(pageInfo=info))
        for _ in range(TRIES + 1):
            await web.next_pass(minutes=6)
        assert await web.faults() == {"products": "CONTRACT_VIOLATION"}
        web.sandbox.manners.twist = None
        for _ in range(TRIES + 1):
            await web.next_pass(minutes=6)
        assert await web.faults() == {}
