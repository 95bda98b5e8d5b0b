"""Forwarding of a follower's sale to the authority as an order (rule K2, `post = order`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gateway.sdk import OutcomeUnknownError, Refused, UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import lose_answer, raise_error, return_value
from gateway.settings.problems import SettingsError
from tests.graphql.shopper import LOCATIONS, TABLES, build_stores
from tests.graphql.world import ADMIN, World, open_world
from tests.graphql.writable_channels import list_reservation_states, read_counter, read_on_hand

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

AS_ORDERS: Mapping[str, Any] = {**LOCATIONS, "london": {**LOCATIONS["london"], "post": {"web": "order"}}}


def build_tables(*writes: str, **config: Any) -> Mapping[str, Any]:
    till = {"config": {"writes": writes, "ledger": True, "read_your_writes": True, **config}}
    return {**TABLES, "channels": {**TABLES["channels"], "till": till}, "locations": AS_ORDERS}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **build_tables("adjust", "place", "cancel")) as world:
        yield world


async def advance(world: World) -> None:
    world.clock.forward(minutes=10)
    for channel in world.stores:
        await world.gateway.request_sync(channel)
    await world.gateway.run_due()


def build_sale(*quantities: int, **more: Any) -> dict[str, Any]:
    """Build an order of the web store for mugs from London."""
    lines = [
        record_builders.build_line(str(n), "w-mug", quantity, place="l-web") for n, quantity in enumerate(quantities)
    ]
    return record_builders.build_order("w-9", lines, stock_posted=True, **{"status": "OPEN", **more})


def list_forwarded_orders(world: World) -> list[tuple[str, list[int]]]:
    """List the orders at the till: status and quantities of the lines."""
    return [
        (row["status"], [line["quantity"] for line in row["lines"]])
        for row in world.stores["till"].rows("orders").values()
        if row.get("client_reference")
    ]


async def count_mugs(world: World) -> tuple[int, tuple[int, int]]:
    return read_on_hand(world.stores["till"], "t-mug", "L"), await read_counter(world, "t-mug", "L")


async def test_a_sale_is_an_order_where_its_goods_are_counted(world: World) -> None:
    world.stores["web"].put("orders", build_sale(3, 1))
    await advance(world)
    await advance(world)
    assert list_forwarded_orders(world) == [("OPEN", [3, 1])] and await count_mugs(world) == (36, (36, 0))
    assert [ask.feed for ask in world.stores["till"].calls if ask.method == "send"] == ["PlaceOrder"]


async def test_a_forwarded_order_is_one_order_to_every_client(world: World) -> None:
    """The till lists the forwarded order as its own; the gateway shows it in no list and no total, only in the original
    order.
    """
    query = "{ orders { totalCount nodes { channel { key } channelOrders { state channel { key } externalId } } } }"
    before = (await world.client.fetch_data(query, ADMIN))["orders"]["totalCount"]
    world.stores["web"].put("orders", build_sale(3))
    await advance(world)
    await advance(world)
    found = (await world.client.fetch_data(query, ADMIN))["orders"]
    (order,) = [one for one in found["nodes"] if one["channelOrders"]]
    assert order["channel"]["key"] == "web" and found["totalCount"] == before + 1
    (part,) = order["channelOrders"]
    assert part["state"] == "ACCEPTED" and part["channel"]["key"] == "till" and part["externalId"]


async def test_an_order_that_has_changed_is_canceled_there_and_forwarded_again(world: World) -> None:
    world.stores["web"].put("orders", build_sale(3, 1))
    await advance(world)
    world.stores["web"].put("orders", build_sale(2, 1))
    for _ in range(3):
        await advance(world)
    assert list_forwarded_orders(world) == [("CANCELLED", [3, 1]), ("OPEN", [2, 1])]
    assert await count_mugs(world) == (37, (37, 0)) and set(await list_reservation_states(world)) == {"SETTLED"}


async def test_units_that_came_back_are_sent_as_a_stock_adjustment(world: World) -> None:
    """What was handed over is not canceled: the forwarded order stays, and the units are added."""
    world.stores["web"].put("orders", build_sale(3))
    await advance(world)
    returned = build_sale(3)
    returned["lines"][0] |= {"returned": 1, "restocked": 1}
    world.stores["web"].put("orders", returned)
    for _ in range(3):
        await advance(world)
    assert list_forwarded_orders(world) == [("OPEN", [3])] and await count_mugs(world) == (38, (38, 0))


async def test_a_canceled_order_is_canceled_there(world: World) -> None:
    world.stores["web"].put("orders", build_sale(3))
    await advance(world)
    canceled = build_sale(3, status="CANCELLED")
    canceled["lines"][0]["fulfilled"] = 0
    world.stores["web"].put("orders", canceled)
    for _ in range(3):
        await advance(world)
    assert list_forwarded_orders(world) == [("CANCELLED", [3])] and await count_mugs(world) == (40, (40, 0))


async def test_a_lost_answer_brings_it_once(world: World) -> None:
    lost = lose_answer(OutcomeUnknownError("the connection broke"))
    world.stores["till"].apply(lost, feed="PlaceOrder", method="send", times=1)
    world.stores["web"].put("orders", build_sale(3))
    for _ in range(3):
        await advance(world)
    assert list_forwarded_orders(world) == [("OPEN", [3])] and await count_mugs(world) == (37, (37, 0))


async def test_a_sale_that_is_refused_as_an_order_is_sent_as_a_stock_adjustment(world: World) -> None:
    no = return_value([Refused(code="CLOSED", message="no orders today")])
    world.stores["till"].apply(no, feed="PlaceOrder", method="send")
    world.stores["web"].put("orders", build_sale(3))
    for _ in range(3):
        await advance(world)
    assert list_forwarded_orders(world) == [] and await count_mugs(world) == (37, (37, 0))


async def test_a_sale_that_was_refused_as_an_order_stays_forwarded_as_adjustments(world: World) -> None:
    till = world.stores["till"]
    no = return_value([Refused(code="CLOSED", message="no orders today")])
    till.apply(no, feed="PlaceOrder", method="send", times=1)
    world.stores["web"].put("orders", build_sale(3))
    for _ in range(3):
        await advance(world)
    world.stores["web"].put("orders", build_sale(1))
    for _ in range(3):
        await advance(world)
    assert list_forwarded_orders(world) == [] and await count_mugs(world) == (39, (39, 0))


async def test_a_change_that_waits_for_an_order_that_is_refused_comes_to_what_is_sold(world: World) -> None:
    """The till is down while the order is forwarded and canceled; then it refuses the order, and never had it."""
    till = world.stores["till"]
    till.apply(raise_error(UnavailableError("the till is off")), method="send")
    world.stores["web"].put("orders", build_sale(3))
    await advance(world)
    world.stores["web"].put("orders", build_sale(2))
    await advance(world)
    till.mend()
    no = return_value([Refused(code="CLOSED", message="no orders today")])
    till.apply(no, feed="PlaceOrder", method="send", times=1)
    for _ in range(4):
        await advance(world)
    assert list_forwarded_orders(world) == [("OPEN", [2])] and await count_mugs(world) == (38, (38, 0))


async def test_a_sale_that_cannot_be_forwarded_at_all_needs_an_operator(database_url: str) -> None:
    async with open_world(database_url, build_stores(), **build_tables("place")) as world:
        no = return_value([Refused(code="CLOSED", message="no orders today")])
        world.stores["till"].apply(no, feed="PlaceOrder", method="send")
        world.stores["web"].put("orders", build_sale(3))
        for _ in range(2):
            await advance(world)
        assert await count_mugs(world) == (40, (40, 3))
        found = (await world.client.fetch_data("{ orders { nodes { attention } } }", ADMIN))["orders"]["nodes"]
        assert ["OUTCOME_UNKNOWN"] in [one["attention"] for one in found]


async def test_where_orders_cannot_be_canceled_a_change_is_sent_as_a_stock_adjustment(database_url: str) -> None:
    async with open_world(database_url, build_stores(), **build_tables("place", "adjust")) as world:
        world.stores["web"].put("orders", build_sale(3))
        await advance(world)
        world.stores["web"].put("orders", build_sale(1))
        for _ in range(3):
            await advance(world)
        assert list_forwarded_orders(world) == [("OPEN", [3])] and await count_mugs(world) == (39, (39, 0))


async def test_an_authority_that_takes_no_orders_is_refused_at_the_start(database_url: str) -> None:
    with pytest.raises(SettingsError, match=r"locations\.london\.post\.web"):
        async with open_world(database_url, build_stores(), **build_tables("adjust")):
            pass
