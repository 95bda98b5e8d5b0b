"""What a copy of an order shows needs attention in its original (rules O4, O8, O9): the copy itself is in no list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.commerce.fulfillment import shipping
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.record_builders import build_amounts
from gateway.storage import consistency
from tests.commerce.test_order_totals import read_attention, sync
from tests.graphql.shopper import TRUSTING, Shopper, build_stores, run_as_staff
from tests.graphql.world import ADMIN, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ORDER = """query ($id: ID!) { order(by: {id: $id}) {
  number version status fulfillmentStatus attention
} }"""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **TRUSTING) as world:
        yield world


async def place_order(world: World) -> tuple[str, str]:
    """Place an order that the web store ships. Returns its ID, and the ID of the web store's copy."""
    shopper = Shopper(world)
    await shopper.fill("web", MUG=2)
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
    for _ in range(2):
        await sync(world)
    (copy,) = [row for row in world.stores["web"].rows("orders").values() if row.get("client_reference")]
    return order["id"], copy["id"]


async def read_order(world: World, id: str) -> Any:
    return (await world.client.fetch_data(ORDER, ADMIN, id=id))["order"]


async def change_lines(world: World, copy: str, **line: Any) -> None:
    """Change the first line of the copy, and read it."""
    first, *others = world.stores["web"].rows("orders")[copy]["lines"]
    world.stores["web"].change("orders", copy, lines=[first | line, *others])
    await sync(world)


async def add_broken_line(world: World, copy: str) -> None:
    """Add a line that cannot be read."""
    broken = record_builders.build_line("extra", "w-mug", 0.35)
    world.stores["web"].change("orders", copy, lines=[*world.stores["web"].rows("orders")[copy]["lines"], broken])
    await sync(world)


async def test_a_line_that_cannot_be_read_needs_attention_in_the_order_that_was_placed(world: World) -> None:
    order, copy = await place_order(world)
    before = await read_order(world, order)
    await add_broken_line(world, copy)
    shown = await read_order(world, order)
    assert shown["attention"] == ["INCOMPLETE"]
    assert shown["version"] > before["version"], "clients that follow changes read it again"
    (task,) = await world.gateway.database.read(consistency.list_tasks)
    assert (task.number, task.kind) == (before["number"], "INCOMPLETE")
    assert task.note.startswith("web: line extra: ")
    lines = world.stores["web"].rows("orders")[copy]["lines"][:-1]
    world.stores["web"].change("orders", copy, lines=lines)
    await sync(world)
    assert await read_attention(world, order) == []


async def test_amounts_of_a_copy_that_do_not_add_up_need_attention_once(world: World) -> None:
    """The total is not that of the order, either."""
    order, copy = await place_order(world)
    world.stores["web"].change("orders", copy, amounts=build_amounts("1.00", "99.00"))
    await sync(world)
    assert await read_attention(world, order) == ["TOTAL_DIFFERS"]


async def test_a_line_of_a_connectors_copy_needs_attention_in_the_order_of_its_channel(world: World) -> None:
    line = record_builders.build_line("1", "w-mug", 1)
    world.stores["web"].put("orders", record_builders.build_order("w-9", [line]))
    await sync(world)
    broken = record_builders.build_line("1", "t-mug", 0.5)
    world.stores["till"].put("orders", record_builders.build_order("t-9", [broken], client_reference="w-9"))
    await sync(world, "till")
    query = "{ orders(first: 50) { nodes { externalId attention } } }"
    nodes = (await world.client.fetch_data(query, ADMIN))["orders"]["nodes"]
    assert {"externalId": "w-9", "attention": ["INCOMPLETE"]} in nodes
    assert "t-9" not in {node["externalId"] for node in nodes}


@pytest.mark.parametrize("cancels", ["channel", "client"])
async def test_a_canceled_order_has_no_total_that_differs(world: World, cancels: str) -> None:
    order, copy = await place_order(world)
    amounts = world.stores["web"].rows("orders")[copy]["amounts"]
    charges = [["OTHER", "Surcharge", "85.50"]]
    world.stores["web"].change("orders", copy, amounts={**amounts, "total": "99.00", "charges": charges})
    await sync(world)
    assert await read_attention(world, order) == ["TOTAL_DIFFERS"]
    if cancels == "channel":
        world.stores["web"].change("orders", copy, status="CANCELLED")
    else:
        await run_as_staff(world, "orderCancel", orderId=order, version=(await read_order(world, order))["version"])
    for _ in range(3):
        await sync(world)
    shown = await read_order(world, order)
    assert shown["status"] == "CANCELLED" and "TOTAL_DIFFERS" not in shown["attention"]


async def test_an_order_is_not_shipped_while_a_line_cannot_be_read(world: World) -> None:
    order, copy = await place_order(world)
    await add_broken_line(world, copy)
    await change_lines(world, copy, fulfilled=2)
    shown = await read_order(world, order)
    assert (shown["status"], shown["fulfillmentStatus"]) == ("OPEN", "UNFULFILLED")
    world.stores["web"].change("orders", copy, lines=world.stores["web"].rows("orders")[copy]["lines"][:-1])
    await sync(world)
    shown = await read_order(world, order)
    assert (shown["status"], shown["fulfillmentStatus"]) == ("COMPLETED", "FULFILLED")


async def test_the_proof_that_it_would_be_shipped_otherwise(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    apply = shipping.apply_channel_shipment

    def forget_lines(conn: Any, order: Any, part: Any, record: Any, now: Any) -> None:
        object.__setattr__(record, "rejected_lines", ())
        apply(conn, order, part, record, now)

    monkeypatch.setattr(shipping, "apply_channel_shipment", forget_lines)
    order, copy = await place_order(world)
    await add_broken_line(world, copy)
    await change_lines(world, copy, fulfilled=2)
    assert (await read_order(world, order))["status"] == "COMPLETED"
