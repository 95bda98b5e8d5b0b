"""Edited and refunded orders of a store: what its API shows of them, and what the gateway reads.

The units of a line are those that were handed over and those that still are to be, whatever became of the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk import OrderFulfillmentStatus, OrderRecord, OrderReturnStatus, OrderStatus
from tests.plugins.shopify import ShopifyTestbed, open_testbed
from tests.plugins.shopify_client import StoreClient, open_store

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

LINES = """lineItems(first: 5) { nodes {
  id quantity currentQuantity unfulfilledQuantity nonFulfillableQuantity
} }"""
AMOUNTS = """
  totalPriceSet { shopMoney { amount } } currentTotalPriceSet { shopMoney { amount } }
  currentSubtotalPriceSet { shopMoney { amount } } totalRefundedSet { shopMoney { amount } }
"""
READ = f"query ($id: ID!) {{ order(id: $id) {{ displayFulfillmentStatus {LINES} {AMOUNTS} }} }}"
BEGIN = """mutation ($id: ID!) { orderEditBegin(id: $id) {
  calculatedOrder { id originalOrder { id } lineItems(first: 5) { nodes { id title sku quantity editableQuantity } } }
  orderEditSession { id } userErrors { field message }
} }"""
SET = """mutation ($id: ID!, $line: ID!, $quantity: Int!, $restock: Boolean) {
  orderEditSetQuantity(id: $id, lineItemId: $line, quantity: $quantity, restock: $restock) {
    calculatedLineItem { quantity } userErrors { field message }
  }
}"""
ADD = """mutation ($id: ID!, $variant: ID!, $quantity: Int!) {
  orderEditAddVariant(id: $id, variantId: $variant, quantity: $quantity) {
    calculatedOrder { addedLineItems(first: 5) { nodes { sku quantity variant { id } } } } userErrors { field message }
  }
}"""
COMMIT = "mutation ($id: ID!) { orderEditCommit(id: $id) { order { id } userErrors { field message } } }"
REFUND = """mutation ($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) {
  refund { id refundLineItems(first: 5) { nodes {
    quantity restockType location { id } subtotalSet { shopMoney { amount } } totalTaxSet { shopMoney { amount } }
  } } }
  order { id } userErrors { field message }
} }"""


async def sell(store: StoreClient, quantity: int, sku: str = "TEA-1") -> str:
    """Sell units in London, and return the ID of the order."""
    return f"gid://shopify/Order/{await store.sandbox.sell(sku, quantity, 'london')}"


async def read_order(store: StoreClient, id: str) -> tuple[list[int], list[str]]:
    """Read the quantities of the first line, and the amounts of an order."""
    order = (await store.read(READ, id=id))["order"]
    line = order["lineItems"]["nodes"][0]
    amounts = ("totalPriceSet", "currentTotalPriceSet", "totalRefundedSet")
    return [value for field, value in line.items() if field != "id"], [
        order[field]["shopMoney"]["amount"] for field in amounts
    ]


async def edit(store: StoreClient, id: str, quantity: int, *, restock: bool) -> None:
    """Set the quantity of the first line through the API."""
    begun = await store.change(BEGIN, id=id)
    session, line = begun["orderEditSession"]["id"], begun["calculatedOrder"]["lineItems"]["nodes"][0]["id"]
    assert (await store.change(SET, id=session, line=line, quantity=quantity, restock=restock))["userErrors"] == []
    assert (await store.change(COMMIT, id=session))["userErrors"] == []


async def refund(store: StoreClient, id: str, quantity: int, restock: str, key: str = "k", **more: Any) -> Any:
    """Refund units of the first line through the API, and return its payload."""
    line = (await store.read(READ, id=id))["order"]["lineItems"]["nodes"][0]["id"]
    location = None if restock == "NO_RESTOCK" else f"gid://shopify/Location/{store.sandbox.locations['london']}"
    item = {"lineItemId": line, "quantity": quantity, "restockType": restock, "locationId": location}
    return await store.change(REFUND, key=key, input={"orderId": id, "refundLineItems": [item], **more})


async def test_a_removed_unit_stays_in_the_quantity_and_is_not_in_the_current_one(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        id = await sell(store, 2)
        assert await read_order(store, id) == ([2, 2, 2, 0], ["6.12", "6.12", "0.00"])
        assert store.get_counts("TEA-1", "london") == {"available": 10, "committed": 2, "on_hand": 12}
        await edit(store, id, 1, restock=True)
        assert await read_order(store, id) == ([2, 1, 1, 1], ["6.12", "3.06", "0.00"])
        assert store.get_counts("TEA-1", "london") == {"available": 11, "committed": 1, "on_hand": 12}
        await edit(store, id, 0, restock=False)
        assert await read_order(store, id) == ([2, 0, 0, 2], ["6.12", "0.00", "0.00"])
        assert store.get_counts("TEA-1", "london") == {"available": 11, "on_hand": 11}


async def test_added_units_and_lines_are_in_every_quantity_and_total(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        id = await sell(store, 1)
        await edit(store, id, 3, restock=False)
        assert await read_order(store, id) == ([3, 3, 3, 0], ["9.18", "9.18", "0.00"])
        session = (await store.change(BEGIN, id=id))["calculatedOrder"]["id"]
        added = await store.change(ADD, id=session, variant=store.get_variant("MUG-1")["id"], quantity=1)
        assert added["calculatedOrder"]["addedLineItems"]["nodes"][0]["sku"] == "MUG-1"
        await store.change(COMMIT, id=session)
        assert (await read_order(store, id))[1] == ["13.25", "13.25", "0.00"]
        assert store.get_counts("TEA-1", "london") == {"available": 9, "committed": 3, "on_hand": 12}


async def test_only_units_that_were_not_shipped_can_be_removed(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        id = await sell(store, 2)
        begun = await store.change(BEGIN, id=id)
        line = begun["calculatedOrder"]["lineItems"]["nodes"][0]["id"]
        session = begun["orderEditSession"]["id"]
        await store.change(SET, id=session, line=line, quantity=0, restock=True)
        await store.sandbox.ship_units(id.rpartition("/")[2], "TEA-1", 1)
        refused = await store.change(COMMIT, id=session)
        assert refused["order"] is None and refused["userErrors"][0]["message"]
        later = (await store.change(BEGIN, id=id))["orderEditSession"]["id"]
        assert (await store.change(SET, id=later, line=line, quantity=0, restock=True))["userErrors"][0]["field"] == [
            "quantity"
        ]
        assert (await store.change(SET, id=later, line=line, quantity=1, restock=True))["userErrors"] == []


async def test_a_canceled_unit_is_available_again_and_not_to_be_shipped(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        id = await sell(store, 2)
        payload = await refund(store, id, 1, "CANCEL")
        (line,) = payload["refund"]["refundLineItems"]["nodes"]
        assert (line["quantity"], line["restockType"], line["subtotalSet"]["shopMoney"]["amount"]) == (
            1,
            "CANCEL",
            "3.06",
        )
        assert await refund(store, id, 1, "CANCEL") == payload  # the same key: once
        assert await read_order(store, id) == ([2, 1, 1, 1], ["6.12", "3.06", "0.00"])
        assert store.get_counts("TEA-1", "london") == {"available": 11, "committed": 1, "on_hand": 12}
        assert (await refund(store, id, 2, "CANCEL", "other"))["userErrors"][0]["field"][-1] == "quantity"


async def test_a_unit_refunded_without_restocking_is_still_to_be_shipped(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        id = await sell(store, 2)
        money = [{"amount": "3.06", "gateway": "cash", "kind": "REFUND", "orderId": id}]
        assert (await refund(store, id, 1, "NO_RESTOCK", transactions=money))["userErrors"] == []
        assert await read_order(store, id) == ([2, 1, 2, 0], ["6.12", "3.06", "3.06"])
        assert store.get_counts("TEA-1", "london") == {"available": 10, "committed": 2, "on_hand": 12}


async def test_a_returned_unit_is_on_hand_again(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        id = await sell(store, 2)
        assert (await refund(store, id, 1, "RETURN"))["userErrors"][0]["field"][-1] == "quantity"
        await store.sandbox.fulfill_order(id.rpartition("/")[2])
        assert (await refund(store, id, 1, "CANCEL", "b"))["userErrors"][0]["field"][-1] == "quantity"
        assert (await refund(store, id, 1, "RETURN", "c"))["userErrors"] == []
        assert await read_order(store, id) == ([2, 1, 0, 0], ["6.12", "3.06", "0.00"])
        assert store.get_counts("TEA-1", "london") == {"available": 11, "on_hand": 11}


async def read_only_order(web: ShopifyTestbed, id: str) -> OrderRecord:
    """Read an order as the gateway does."""
    record = (await web.read_records("orders"))[id]
    assert isinstance(record, OrderRecord)
    assert record.total_difference is None  # rule O8
    return record


def describe(order: OrderRecord) -> tuple[int | str | None, ...]:
    """Describe the units of the first line: all, handed over, returned, restocked; and amounts of line and order."""
    line, total, refunded = order.lines[0], order.total, order.refunded_total
    units = (line.quantity, line.fulfilled_quantity, line.returned_quantity, line.restocked_quantity)
    assert order.subtotal is not None and order.subtotal == line.total
    assert order.tax_total is not None and sum(tax.amount.minor for tax in order.tax_lines) == order.tax_total.minor
    return (*units, *(None if amount is None else amount.amount for amount in (line.total, total, refunded)))


CASES: Mapping[str, tuple[Any, ...]] = {
    "": (2, 0, 0, 0, "6.12", "6.12", "0.00"),
    "edit:1": (1, 0, 0, 0, "3.06", "3.06", "0.00"),
    "edit:1:lost": (1, 0, 0, 0, "3.06", "3.06", "0.00"),
    "edit:3": (3, 0, 0, 0, "9.18", "9.18", "0.00"),
    "edit:0": (0, 0, 0, 0, "0.00", "0.00", "0.00"),
    "refund:CANCEL": (1, 0, 0, 0, "3.06", "3.06", "0.00"),  # paid twice as much, and half of it given back
    "refund:NO_RESTOCK": (2, 0, 0, 0, "6.12", "6.12", "3.06"),
    "refund:NO_RESTOCK ship:2": (2, 2, 0, 0, "6.12", "6.12", "3.06"),
    "ship:1 edit:1": (1, 1, 0, 0, "3.06", "3.06", "0.00"),
    "ship:1 refund:CANCEL": (1, 1, 0, 0, "3.06", "3.06", "0.00"),
    "ship:2 refund:NO_RESTOCK": (2, 2, 0, 0, "6.12", "6.12", "3.06"),
    "ship:2 refund:RETURN": (2, 2, 1, 1, "6.12", "6.12", "3.06"),
    "ship:1 refund:CANCEL refund:RETURN": (1, 1, 1, 1, "3.06", "3.06", "3.06"),
    "ship:1 refund:RETURN edit:0": (1, 1, 1, 1, "3.06", "3.06", "0.00"),  # as much is still to be given back
    "edit:1 cancel": (2, 0, 0, 0, "6.12", "6.12", "0.00"),
}
"""What is read of an order of two units, by what the store did with it."""


async def test_the_units_of_a_line_are_those_handed_over_or_still_to_be(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        ids = {steps: await web.sandbox.sell("TEA-1", 2, "london") for steps in CASES}
        for steps, id in ids.items():
            for step in steps.split():
                await run_step(web, id, *step.split(":"))
        records = await web.read_records("orders")
    assert {steps: describe(records[id]) for steps, id in ids.items()} == CASES
    assert [steps for steps, id in ids.items() if records[id].total_difference is not None] == []
    canceled = [steps for steps, id in ids.items() if records[id].status is OrderStatus.CANCELLED]
    assert canceled == ["edit:1 cancel"]


async def run_step(web: ShopifyTestbed, id: str, kind: str, what: str = "", lost: str = "") -> None:
    """Run a step: edit to a quantity, ship a quantity, refund a unit in a way, or cancel."""
    if kind == "edit":
        await web.sandbox.edit_order(id, "TEA-1", int(what), restock=not lost)
    elif kind == "ship":
        await web.sandbox.ship_units(id, "TEA-1", int(what))
    elif kind == "refund":
        await web.sandbox.refund_order(id, "TEA-1", 1, what)
    else:
        await web.sandbox.cancel_order(id)


async def test_an_order_of_which_the_rest_was_removed_is_fulfilled_and_returned(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        id = await web.sandbox.sell("TEA-1", 2, "london")
        for step in ("ship:1", "edit:1"):
            await run_step(web, id, *step.split(":"))
        assert (await read_only_order(web, id)).fulfillment_status is OrderFulfillmentStatus.FULFILLED
        await run_step(web, id, "refund", "RETURN")
        assert (await read_only_order(web, id)).return_status is OrderReturnStatus.RETURNED


async def test_a_tip_is_a_line_that_is_never_fulfilled_and_not_removed(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        id = await web.sandbox.sell("TEA-1", 1, "london")

        def add_tip(name: str, answer: Any) -> Any:
            if name == "OrderPage":
                for order in answer["data"]["orders"]["nodes"]:
                    order["lineItems"]["nodes"][0]["nonFulfillableQuantity"] = 1
            return answer

        web.sandbox.behavior.response_override = add_tip
        assert (await read_only_order(web, id)).lines[0].quantity == 1


def list_locations(web: ShopifyTestbed, order: OrderRecord) -> list[dict[str, int]]:
    """List the units of the first line by location: all, and those that came back."""
    names = {number: name for name, number in web.sandbox.locations.items()}
    line = order.lines[0]
    return [{names[one.location]: one.quantity for one in some} for some in (line.locations, line.restocked_locations)]


async def test_what_comes_back_to_another_location_is_restocked_there(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        id = await web.sandbox.sell("TEA-1", 2, "london")
        await web.sandbox.fulfill_order(id)
        await web.sandbox.refund_order(id, "TEA-1", 1, place="leeds")
        order = await read_only_order(web, id)
        assert (order.lines[0].place, list_locations(web, order)) == (
            web.sandbox.locations["london"],
            [{}, {"leeds": 1}],
        )
        assert (order.lines[0].returned_quantity, order.lines[0].restocked_quantity) == (1, 1)
        await web.sandbox.refund_order(id, "TEA-1", 1)
        assert list_locations(web, await read_only_order(web, id)) == [{}, {"leeds": 1, "london": 1}]


async def test_units_of_a_line_have_the_location_that_they_leave_from(tmp_path: Path) -> None:
    async with open_testbed(tmp_path) as web:
        id = await web.sandbox.sell("TEA-1", 4, "london")
        await web.sandbox.move_units(id, "TEA-1", 1, "leeds")
        assert list_locations(web, await read_only_order(web, id))[0] == {"london": 3, "leeds": 1}
        await web.sandbox.ship_units(id, "TEA-1", 1, "london")
        await web.sandbox.edit_order(id, "TEA-1", 2)  # of those that wait in London
        assert list_locations(web, await read_only_order(web, id))[0] == {"london": 1, "leeds": 1}
        await web.sandbox.edit_order(id, "TEA-1", 1)
        assert list_locations(web, await read_only_order(web, id))[0] == {}


async def test_units_have_a_location_however_often_their_fulfillment_order_counts_removed_ones(tmp_path: Path) -> None:
    """Of a fulfillment order only what remains of it counts, and of shipped units where they were shipped."""
    async with open_testbed(tmp_path) as web:
        id = await web.sandbox.sell("TEA-1", 3, "london")
        await web.sandbox.move_units(id, "TEA-1", 1, "leeds")
        await web.sandbox.ship_units(id, "TEA-1", 1, "leeds")
        await web.sandbox.edit_order(id, "TEA-1", 2)
        for entry in web.sandbox.shop.nodes["Order"][int(id)]["fulfillmentOrders"]:
            entry["lineItems"][0]["totalQuantity"] += 1
        assert list_locations(web, await read_only_order(web, id))[0] == {"leeds": 1, "london": 1}
