"""K2, `post = order`: what a follower sells is brought to whoever counts it, as an order of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gateway.sdk import OutcomeUnknownError, Refused, UnavailableError
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import losing, raising, returning
from gateway.settings import SettingsError
from tests.graphql.buying import LOCATIONS, TABLES, stores
from tests.graphql.selling import counter, on_hand, states
from tests.graphql.world import ADMIN, World, opened

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

AS_ORDERS: Mapping[str, Any] = {**LOCATIONS, "london": {**LOCATIONS["london"], "post": {"web": "order"}}}


def tables(*writes: str, **config: Any) -> Mapping[str, Any]:
    till = {"config": {"writes": writes, "ledger": True, "read_your_writes": True, **config}}
    return {**TABLES, "channels": {**TABLES["channels"], "till": till}, "locations": AS_ORDERS}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with opened(database_url, stores(), **tables("adjust", "place", "cancel")) as world:
        yield world


async def later(world: World) -> None:
    world.clock.forward(minutes=10)
    for channel in world.stores:
        await world.gateway.make_due(channel)
    await world.gateway.run_due()


def sold(*quantities: int, **more: Any) -> dict[str, Any]:
    """An order of the web store, of mugs that lie in London."""
    lines = [rows.line(str(n), "w-mug", quantity, place="l-web") for n, quantity in enumerate(quantities)]
    return rows.order("w-9", lines, stock_posted=True, **{"status": "OPEN", **more})


def brought(world: World) -> list[tuple[str, list[int]]]:
    """The orders that stand at the till, and of how much each line."""
    return [
        (row["status"], [line["quantity"] for line in row["lines"]])
        for row in world.stores["till"].rows("orders").values()
        if row.get("client_reference")
    ]


async def mugs(world: World) -> tuple[int, tuple[int, int]]:
    return on_hand(world.stores["till"], "t-mug", "L"), await counter(world, "t-mug", "L")


async def test_a_sale_is_an_order_where_its_goods_are_counted(world: World) -> None:
    world.stores["web"].put("orders", sold(3, 1))
    await later(world)
    await later(world)
    assert brought(world) == [("OPEN", [3, 1])] and await mugs(world) == (36, (36, 0))
    assert [ask.feed for ask in world.stores["till"].calls if ask.method == "send"] == ["PlaceOrder"]


async def test_it_is_one_order_to_whoever_asks(world: World) -> None:
    """The till shows it as its own: it is in no list and in no total, and stands in the order that it is of."""
    query = "{ orders { totalCount nodes { channel { key } channelOrders { state channel { key } externalId } } } }"
    before = (await world.client.data(query, ADMIN))["orders"]["totalCount"]
    world.stores["web"].put("orders", sold(3))
    await later(world)
    await later(world)
    found = (await world.client.data(query, ADMIN))["orders"]
    (order,) = [one for one in found["nodes"] if one["channelOrders"]]
    assert order["channel"]["key"] == "web" and found["totalCount"] == before + 1
    (part,) = order["channelOrders"]
    assert part["state"] == "ACCEPTED" and part["channel"]["key"] == "till" and part["externalId"]


async def test_an_order_that_has_changed_is_canceled_there_and_brought_anew(world: World) -> None:
    world.stores["web"].put("orders", sold(3, 1))
    await later(world)
    world.stores["web"].put("orders", sold(2, 1))
    for _ in range(3):
        await later(world)
    assert brought(world) == [("CANCELLED", [3, 1]), ("OPEN", [2, 1])]
    assert await mugs(world) == (37, (37, 0)) and set(await states(world)) == {"SETTLED"}


async def test_a_canceled_order_is_canceled_there(world: World) -> None:
    world.stores["web"].put("orders", sold(3))
    await later(world)
    canceled = sold(3, status="CANCELLED")
    canceled["lines"][0]["fulfilled"] = 0
    world.stores["web"].put("orders", canceled)
    for _ in range(3):
        await later(world)
    assert brought(world) == [("CANCELLED", [3])] and await mugs(world) == (40, (40, 0))


async def test_a_lost_answer_brings_it_once(world: World) -> None:
    lost = losing(OutcomeUnknownError("the connection broke"))
    world.stores["till"].apply(lost, feed="PlaceOrder", method="send", times=1)
    world.stores["web"].put("orders", sold(3))
    for _ in range(3):
        await later(world)
    assert brought(world) == [("OPEN", [3])] and await mugs(world) == (37, (37, 0))


async def test_what_is_refused_as_an_order_is_told_as_what_it_does_to_the_count(world: World) -> None:
    no = returning([Refused(code="CLOSED", message="no orders today")])
    world.stores["till"].apply(no, feed="PlaceOrder", method="send")
    world.stores["web"].put("orders", sold(3))
    for _ in range(3):
        await later(world)
    assert brought(world) == [] and await mugs(world) == (37, (37, 0))


async def test_what_was_refused_as_an_order_stays_told_as_adjustments(world: World) -> None:
    till = world.stores["till"]
    no = returning([Refused(code="CLOSED", message="no orders today")])
    till.apply(no, feed="PlaceOrder", method="send", times=1)
    world.stores["web"].put("orders", sold(3))
    for _ in range(3):
        await later(world)
    world.stores["web"].put("orders", sold(1))
    for _ in range(3):
        await later(world)
    assert brought(world) == [] and await mugs(world) == (39, (39, 0))


async def test_a_change_that_waits_for_an_order_that_is_refused_comes_to_what_is_sold(world: World) -> None:
    """The till is off while the order is brought and canceled; then it refuses the order, and never had it."""
    till = world.stores["till"]
    till.apply(raising(UnavailableError("the till is off")), method="send")
    world.stores["web"].put("orders", sold(3))
    await later(world)
    world.stores["web"].put("orders", sold(2))
    await later(world)
    till.mend()
    no = returning([Refused(code="CLOSED", message="no orders today")])
    till.apply(no, feed="PlaceOrder", method="send", times=1)
    for _ in range(4):
        await later(world)
    assert brought(world) == [("OPEN", [2])] and await mugs(world) == (38, (38, 0))


async def test_what_cannot_be_told_at_all_is_for_a_person(database_url: str) -> None:
    async with opened(database_url, stores(), **tables("place")) as world:
        no = returning([Refused(code="CLOSED", message="no orders today")])
        world.stores["till"].apply(no, feed="PlaceOrder", method="send")
        world.stores["web"].put("orders", sold(3))
        for _ in range(2):
            await later(world)
        assert await mugs(world) == (40, (40, 3))
        found = (await world.client.data("{ orders { nodes { attention } } }", ADMIN))["orders"]["nodes"]
        assert ["OUTCOME_UNKNOWN"] in [one["attention"] for one in found]


async def test_where_nothing_can_be_canceled_a_change_is_told_as_what_it_does_to_the_count(database_url: str) -> None:
    async with opened(database_url, stores(), **tables("place", "adjust")) as world:
        world.stores["web"].put("orders", sold(3))
        await later(world)
        world.stores["web"].put("orders", sold(1))
        for _ in range(3):
            await later(world)
        assert brought(world) == [("OPEN", [3])] and await mugs(world) == (39, (39, 0))


async def test_an_authority_that_takes_no_orders_is_refused_at_the_start(database_url: str) -> None:
    with pytest.raises(SettingsError, match=r"locations\.london\.post\.web"):
        async with opened(database_url, stores(), **tables("adjust")):
            pass
