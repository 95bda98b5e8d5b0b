"""K8: more is sold of something than there is. Nothing fails, and whoever can be served is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from gateway.commerce import shortage
from gateway.runtime import Gateway
from gateway.sdk import Accepted
from gateway.sdk.testing.faults import returning
from gateway.sync.doctor import examine
from tests.graphql.buying import LOCATIONS, TABLES, Shopper, staff, stores
from tests.graphql.selling import WRITES, counter, on_hand, states, variant_id
from tests.graphql.world import ADMIN, World, opened

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

SENDING: Mapping[str, Any] = {
    **TABLES,
    "locations": {
        **LOCATIONS,
        "london": {**LOCATIONS["london"], "fulfillment_methods": ["IN_STORE", "PICKUP", "SHIPPING"]},
    },
}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with opened(database_url, stores(), **SENDING) as world:
        yield world


async def later(world: World) -> None:
    world.clock.forward(minutes=10)
    for channel in world.stores:
        await world.gateway.make_due(channel)
    await world.gateway.run_due()


async def counted(world: World, on_hand: int) -> None:
    """The depot turns out to have so many mugs."""
    world.stores["web"].change("stock", "w-mug@D", on_hand=on_hand)
    await later(world)
    await later(world)


async def bought(world: World, quantity: int = 1, location: str = "depot") -> str:
    """Somebody has mugs sent from there; the order."""
    shopper = Shopper(world)
    await shopper.fill("web", MUG=quantity)
    payload = await shopper.buy(await shopper.option("SHIPPING", location))
    assert payload["userErrors"] == []
    await later(world)
    order: str = payload["order"]["id"]
    return order


async def paid(world: World, order: str) -> None:
    query = "query ($id: ID!) { order(by: { id: $id }) { version total { amount currencyCode } } }"
    found = (await world.client.data(query, ADMIN, id=order))["order"]
    payload = await staff(
        world, "orderPaymentRecord", orderId=order, payment={"kind": "PROVIDER", "amount": found["total"]}
    )
    assert payload["userErrors"] == []


async def seen(world: World, order: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Where it comes from and how far that is; and what people have to look at."""
    query = """query ($id: ID!) { order(by: { id: $id }) { attention
        fulfillments { status location { key } } } }"""
    found = (await world.client.data(query, ADMIN, id=order))["order"]
    return [(one["location"]["key"], one["status"]) for one in found["fulfillments"]], found["attention"]


async def test_the_newest_holds_are_let_go_of_first(world: World) -> None:
    mug = await variant_id(world, "MUG")
    for quantity in (2, 1, 2):
        line = {"variantId": mug, "locationKey": "depot", "quantity": quantity}
        assert (await staff(world, "stockReserve", lines=[line], holdSeconds=3600))["userErrors"] == []
        world.clock.forward(seconds=1)
    await counted(world, 3)
    assert await counter(world, "w-mug", "D") == (3, 3)
    assert await states(world) == ["HELD", "HELD", "RELEASED"]


async def test_an_order_that_cannot_be_served_there_comes_from_elsewhere(world: World) -> None:
    order = await bought(world, 2)
    await counted(world, -1)
    found, attention = await seen(world, order)
    assert sorted(found) == [("depot", "CANCELLED"), ("london", "ACCEPTED")] and attention == []
    await later(world)
    assert on_hand(world.stores["till"], "t-mug", "L") == 38 and on_hand(world.stores["web"], "w-mug", "D") == 1


async def test_what_a_channel_has_sold_for_good_does_not_come_from_elsewhere_as_well(database_url: str) -> None:
    writes = {**WRITES, "web": {"config": {"writes": ["adjust", "set", "place", "ship"], "read_your_writes": True}}}
    async with opened(database_url, stores(), **{**SENDING, "channels": writes}) as world:
        order = await bought(world, 2)
        await counted(world, -1)
        await later(world)
        assert await seen(world, order) == ([("depot", "ACCEPTED")], ["STOCK_SHORT"])
        assert on_hand(world.stores["till"], "t-mug", "L") == 40 and on_hand(world.stores["web"], "w-mug", "D") == -1


async def test_what_is_subtracted_twice_for_a_moment_is_no_shortage(world: World) -> None:
    """The store shows its order in its count; that the count contains it is proved later (rule K3)."""
    slow = returning([Accepted(ticket="1", look_after=world.clock() + timedelta(days=1))])
    world.stores["web"].apply(slow, feed="PlaceOrder", method="send", times=1)
    order = await bought(world, 3)
    await counted(world, 2)
    assert await counter(world, "w-mug", "D") == (2, 3)
    assert await seen(world, order) == ([("depot", "PENDING")], [])


async def test_whoever_paid_first_keeps_what_there_is(world: World) -> None:
    first, second, unpaid = [await bought(world) for _ in range(3)]
    await paid(world, first)
    await paid(world, second)
    await counted(world, -2)
    assert [(await seen(world, order))[0][0] for order in (first, second, unpaid)] == [
        ("depot", "ACCEPTED"),
        ("depot", "CANCELLED"),
        ("depot", "CANCELLED"),
    ]


async def test_what_nobody_else_has_is_a_task_with_a_deadline(world: World) -> None:
    order = await bought(world, 2)
    for place in ("L", "M"):
        world.stores["till"].change("stock", f"t-mug@{place}", on_hand=0)
    await counted(world, -1)
    found, attention = await seen(world, order)
    assert found == [("depot", "ACCEPTED")] and attention == ["STOCK_SHORT"]
    (line,) = [line for line in (await _doctor(world)).shortages if "STOCK_SHORT" in line]
    assert "2 of it were sold in Depot" in line and "until" in line


async def test_the_task_is_over_once_there_is_enough_again(world: World) -> None:
    order = await bought(world, 2)
    for place in ("L", "M"):
        world.stores["till"].change("stock", f"t-mug@{place}", on_hand=0)
    await counted(world, -1)
    await counted(world, 7)
    assert (await seen(world, order))[1] == []


async def test_without_the_rule_nobody_would_look(world: World) -> None:
    with patch.object(shortage, "relieve", lambda *_: 0):
        order = await bought(world, 2)
        await counted(world, -1)
        assert await seen(world, order) == ([("depot", "ACCEPTED")], [])


async def _doctor(world: World) -> Any:
    gateway: Gateway = world.gateway
    return await examine(gateway.database, gateway.syncing.values(), gateway.rules.ground)
