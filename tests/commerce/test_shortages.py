"""More units are sold than exist: nothing fails, and every order that can be fulfilled is (rule K8)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from gateway.commerce.fulfillment import shortages
from gateway.runtime.gateway import Gateway
from gateway.sdk import Accepted
from gateway.sdk.testing.fault_injection import return_value
from gateway.sync.consistency_check import check_consistency
from tests.graphql.shopper import LOCATIONS, TRUSTING, Shopper, build_stores, run_as_staff
from tests.graphql.world import ADMIN, World, open_world
from tests.graphql.writable_channels import (
    WRITES,
    list_reservation_states,
    read_counter,
    read_on_hand,
    select_variant_id,
)

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

SENDING: Mapping[str, Any] = {
    **TRUSTING,
    "locations": {
        **LOCATIONS,
        "london": {**LOCATIONS["london"], "fulfillment_methods": ["IN_STORE", "PICKUP", "SHIPPING"]},
    },
}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **SENDING) as world:
        yield world


async def advance(world: World) -> None:
    world.clock.forward(minutes=10)
    for channel in world.stores:
        await world.gateway.request_sync(channel)
    await world.gateway.run_due()


async def count_depot(world: World, on_hand: int) -> None:
    """Set the count of mugs in the depot."""
    world.stores["web"].change("stock", "w-mug@D", on_hand=on_hand)
    await advance(world)
    await advance(world)


async def submit_order(world: World, quantity: int = 1, location: str = "depot") -> str:
    """Order mugs for shipping from this location; return the id of the order."""
    shopper = Shopper(world)
    await shopper.fill("web", MUG=quantity)
    payload = await shopper.submit(await shopper.find_option("SHIPPING", location))
    assert payload["userErrors"] == []
    await advance(world)
    order: str = payload["order"]["id"]
    return order


async def record_payment(world: World, order: str) -> None:
    query = "query ($id: ID!) { order(by: { id: $id }) { version total { amount currencyCode } } }"
    found = (await world.client.fetch_data(query, ADMIN, id=order))["order"]
    payload = await run_as_staff(
        world, "orderPaymentRecord", orderId=order, payment={"kind": "PROVIDER", "amount": found["total"]}
    )
    assert payload["userErrors"] == []


async def read_order(world: World, order: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Read the fulfillments of an order, with status and location, and its operator tasks."""
    query = """query ($id: ID!) { order(by: { id: $id }) { attention
        fulfillments { status location { key } } } }"""
    found = (await world.client.fetch_data(query, ADMIN, id=order))["order"]
    return [(one["location"]["key"], one["status"]) for one in found["fulfillments"]], found["attention"]


async def test_the_newest_holds_are_let_go_of_first(world: World) -> None:
    mug = await select_variant_id(world, "MUG")
    for quantity in (2, 1, 2):
        line = {"variantId": mug, "locationKey": "depot", "quantity": quantity}
        assert (await run_as_staff(world, "stockReserve", lines=[line], holdSeconds=3600))["userErrors"] == []
        world.clock.forward(seconds=1)
    await count_depot(world, 3)
    assert await read_counter(world, "w-mug", "D") == (3, 3)
    assert await list_reservation_states(world) == ["HELD", "HELD", "RELEASED"]


async def test_an_order_that_cannot_be_served_there_comes_from_elsewhere(world: World) -> None:
    order = await submit_order(world, 2)
    await count_depot(world, -1)
    found, attention = await read_order(world, order)
    assert sorted(found) == [("depot", "CANCELLED"), ("london", "ACCEPTED")] and attention == []
    await advance(world)
    assert (
        read_on_hand(world.stores["till"], "t-mug", "L") == 38 and read_on_hand(world.stores["web"], "w-mug", "D") == 1
    )


async def test_what_a_channel_has_sold_for_good_does_not_come_from_elsewhere_as_well(database_url: str) -> None:
    writes = {**WRITES, "web": {"config": {"writes": ["adjust", "set", "place", "ship"], "read_your_writes": True}}}
    async with open_world(database_url, build_stores(), **{**SENDING, "channels": writes}) as world:
        order = await submit_order(world, 2)
        await count_depot(world, -1)
        await advance(world)
        assert await read_order(world, order) == ([("depot", "ACCEPTED")], ["STOCK_SHORT"])
        assert (
            read_on_hand(world.stores["till"], "t-mug", "L") == 40
            and read_on_hand(world.stores["web"], "w-mug", "D") == -1
        )


async def test_what_is_subtracted_twice_for_a_moment_is_no_shortage(world: World) -> None:
    """The store's count contains its order; the proof comes later (rule K3)."""
    slow = return_value([Accepted(ticket="1", look_after=world.clock() + timedelta(days=1))])
    world.stores["web"].apply(slow, feed="PlaceOrder", method="send", times=1)
    order = await submit_order(world, 3)
    await count_depot(world, 2)
    assert await read_counter(world, "w-mug", "D") == (2, 3)
    assert await read_order(world, order) == ([("depot", "PENDING")], [])


async def test_the_order_that_was_paid_first_keeps_the_units(world: World) -> None:
    first, second, unpaid = [await submit_order(world) for _ in range(3)]
    await record_payment(world, first)
    await record_payment(world, second)
    await count_depot(world, -2)
    assert [(await read_order(world, order))[0][0] for order in (first, second, unpaid)] == [
        ("depot", "ACCEPTED"),
        ("depot", "CANCELLED"),
        ("depot", "CANCELLED"),
    ]


async def test_units_that_no_other_location_has_are_a_task_with_a_deadline(world: World) -> None:
    order = await submit_order(world, 2)
    for location in ("L", "M"):
        world.stores["till"].change("stock", f"t-mug@{location}", on_hand=0)
    await count_depot(world, -1)
    found, attention = await read_order(world, order)
    assert found == [("depot", "ACCEPTED")] and attention == ["STOCK_SHORT"]
    (line,) = [line for line in (await _run_check(world)).shortages if "STOCK_SHORT" in line]
    assert "2 units sold in Depot are not in stock" in line and "until" in line


async def test_the_task_is_over_once_there_is_enough_again(world: World) -> None:
    order = await submit_order(world, 2)
    for location in ("L", "M"):
        world.stores["till"].change("stock", f"t-mug@{location}", on_hand=0)
    await count_depot(world, -1)
    await count_depot(world, 7)
    assert (await read_order(world, order))[1] == []


async def test_the_proof_without_the_rule_a_shortage_would_go_unnoticed(world: World) -> None:
    with patch.object(shortages, "resolve_shortages", lambda *_: 0):
        order = await submit_order(world, 2)
        await count_depot(world, -1)
        assert await read_order(world, order) == ([("depot", "ACCEPTED")], [])


async def _run_check(world: World) -> Any:
    gateway: Gateway = world.gateway
    return await check_consistency(gateway.database, gateway.channel_syncs.values(), gateway.rules.topology)
