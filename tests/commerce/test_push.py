"""Followers offer the quantities that may be sold, and no unit is sold twice (rule K5, rule K6)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from unittest.mock import patch

import pytest

from gateway.commerce.context import SellingContext
from gateway.commerce.push import followers, planner
from gateway.sdk import OutcomeUnknownError, Refused, UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import lose_answer, raise_error, return_value
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.writes import pushes
from gateway.sync.outbox_worker import MAX_LOOKUPS
from tests.graphql.mutation_documents import run_mutation
from tests.graphql.shopper import TABLES, build_stores
from tests.graphql.world import ADMIN, World, open_world
from tests.graphql.writable_channels import read_counter, select_variant_id

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

SLOW: Mapping[str, Any] = {
    **TABLES,
    "channels": {
        **TABLES["channels"],
        "web": {"config": {**TABLES["channels"]["web"]["config"], "order_latency": 1800}},
    },
}


def build_channels() -> dict[str, MemoryStore]:
    """Build the usual stores; the web store offers ten mugs of the shop in London."""
    found = build_stores()
    found["web"].put("stock", record_builders.build_stock("w-mug", "l-web", 10))
    return found


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_channels(), **TABLES) as world:
        yield world


async def arm(world: World) -> None:
    """Arm the pushes to the web store, as an operator does."""
    await world.gateway.database.write(
        followers.arm_follower, "web", SellingContext(world.gateway.selling, world.gateway.now())
    )
    await world.gateway.run_due()


async def advance(world: World, **amount: float) -> None:
    world.clock.forward(**(amount or {"minutes": 10}))
    for channel in world.stores:
        await world.gateway.request_sync(channel)
    await world.gateway.run_due()


def get_offered(world: World, item: str = "w-mug") -> int:
    row = world.stores["web"].one("stock", f"{item}@l-web")
    assert row is not None
    return int(row["on_hand"])


def list_sent_quantities(world: World) -> list[int]:
    """List the quantities that the web store received, in order."""
    asks = [ask for ask in world.stores["web"].calls if ask.feed == "SetStock" and ask.method == "send"]
    return [command.quantity for ask in asks for command in ask.commands]  # type: ignore[attr-defined]


async def read_state(world: World) -> str:
    query = """query ($id: ID!) { node(id: $id) { ... on ProductVariant { listings {
        channel { key } pushes { state wantedQuantity publishedQuantity fault { code } } } } } }"""
    found = await world.client.fetch_data(query, ADMIN, id=await select_variant_id(world, "MUG"))
    (push,) = [one for listing in found["node"]["listings"] for one in listing["pushes"]]
    return str(push["state"])


async def test_nothing_is_sent_before_an_operator_has_armed_the_channel(world: World) -> None:
    await advance(world)
    assert list_sent_quantities(world) == [] and await read_state(world) == "SUPPRESSED"


async def test_an_armed_follower_offers_what_its_place_has(world: World) -> None:
    await arm(world)
    assert get_offered(world) == 40 and list_sent_quantities(world) == [40]
    await advance(world)
    assert await read_state(world) == "IN_SYNC" and list_sent_quantities(world) == [40]


async def test_a_sale_at_the_till_is_pushed_to_the_store(world: World) -> None:
    await arm(world)
    world.stores["till"].change("stock", "t-mug@L", on_hand=31)
    await advance(world)
    assert get_offered(world) == 31


async def test_a_held_unit_is_not_offered(world: World) -> None:
    await arm(world)
    line = {"variantId": await select_variant_id(world, "MUG"), "locationKey": "london", "quantity": 4}
    await run_mutation(world, "stockReserve", lines=[line], holdSeconds=3600)
    await world.gateway.run_due()
    assert get_offered(world) == 36


async def test_what_the_follower_reports_never_becomes_the_count(world: World) -> None:
    """The echo of a push changes nothing."""
    await arm(world)
    world.stores["web"].change("stock", "w-mug@l-web", on_hand=99)
    await advance(world)
    assert await read_counter(world, "t-mug", "L") == (40, 0)
    await advance(world)
    assert get_offered(world) == 40


async def test_the_quantity_is_computed_when_it_is_sent(world: World) -> None:
    """Changes while a channel is unreachable lead to one push afterwards, of the then current quantity."""
    web, till = world.stores["web"], world.stores["till"]
    web.apply(raise_error(UnavailableError("the store is off")), feed="SetStock")
    await arm(world)
    for on_hand in (35, 30, 25):
        till.change("stock", "t-mug@L", on_hand=on_hand)
        await advance(world)
    web.mend()
    web.calls.clear()
    await advance(world)
    assert list_sent_quantities(world) == [25] and get_offered(world) == 25


async def test_what_must_not_be_offered_goes_first_and_what_may_be_again_last(world: World) -> None:
    web, till = world.stores["web"], world.stores["till"]
    for n, (before, after) in enumerate([(1, 5), (9, 3), (4, 0)]):
        till.put("products", record_builders.build_product(f"t-{n}", sku=f"SKU-{n}"))
        web.put("products", record_builders.build_product(f"w-{n}", sku=f"SKU-{n}"))
        till.put("stock", record_builders.build_stock(f"t-{n}", "L", after))
        web.put("stock", record_builders.build_stock(f"w-{n}", "l-web", before))
    web.change("stock", "w-mug@l-web", on_hand=40)
    await advance(world)
    await advance(world)
    await arm(world)
    assert list_sent_quantities(world) == [0, 3, 5]


async def test_a_two_pack_is_offered_as_often_as_there_are_two(world: World) -> None:
    pack = record_builders.build_variant("w-pack", gtin="04006381333931", units=2)
    world.stores["web"].put("products", {"id": "w-pack", "title": "Two mugs", "variants": [pack]})
    world.stores["web"].put("stock", record_builders.build_stock("w-pack", "l-web", 2))
    world.stores["till"].change("stock", "t-mug@L", on_hand=7)
    await advance(world)
    await arm(world)
    assert sorted(list_sent_quantities(world)) == [3, 7]
    assert get_offered(world, "w-pack") == 6 and get_offered(world) == 7  # the records count mugs
    await advance(world, hours=1)
    assert sorted(list_sent_quantities(world)) == [3, 7]


async def test_a_count_that_is_not_known_is_not_pushed(world: World) -> None:
    await arm(world)
    world.stores["till"].change("stock", "t-mug@L", on_hand=0.5)  # half a mug: the record is rejected
    await advance(world)
    assert get_offered(world) == 40


async def test_a_push_whose_answer_was_lost_ends_as_one(world: World) -> None:
    lost = lose_answer(OutcomeUnknownError("the connection broke"))
    world.stores["web"].apply(lost, feed="SetStock", method="send", times=1)
    await arm(world)
    await advance(world)
    await advance(world)
    assert get_offered(world) == 40 and await read_state(world) == "IN_SYNC"


async def test_a_push_whose_outcome_cannot_be_found_is_computed_again(world: World) -> None:
    babble = raise_error(OutcomeUnknownError("it talks nonsense"))
    world.stores["web"].apply(babble, feed="SetStock", method="send", times=MAX_LOOKUPS)
    await arm(world)
    for _ in range(MAX_LOOKUPS):
        await advance(world)
    assert get_offered(world) == 40 and await read_state(world) == "IN_SYNC"


async def test_a_push_that_is_refused_is_computed_again(world: World) -> None:
    no = return_value([Refused(code="CHANGED", message="it was another one")])
    world.stores["web"].apply(no, feed="SetStock", method="send", times=1)
    await arm(world)
    assert get_offered(world) == 10
    await advance(world)
    assert get_offered(world) == 40
    dead = await world.client.fetch_data("{ outboxEntries(states: [DEAD]) { nodes { operation } } }", ADMIN)
    assert dead["outboxEntries"]["nodes"] == []


async def test_a_tenth_of_the_offers_going_to_nothing_stops_the_pushes(world: World) -> None:
    """A till that suddenly counts nothing is a fault and no reason to close the store."""
    till, web = world.stores["till"], world.stores["web"]
    for n in range(60):
        till.put("products", record_builders.build_product(f"t-{n}", sku=f"MANY-{n}"))
        web.put("products", record_builders.build_product(f"w-{n}", sku=f"MANY-{n}"))
        till.put("stock", record_builders.build_stock(f"t-{n}", "L", 5))
        web.put("stock", record_builders.build_stock(f"w-{n}", "l-web", 5))
    await advance(world)
    await advance(world)
    await arm(world)
    for n in range(40):
        till.change("stock", f"t-{n}@L", on_hand=0)
    await advance(world)
    assert [get_offered(world, f"w-{n}") for n in range(40)] == [5] * 40
    stopped = await world.gateway.database.read(pushes.get_arming, "web")
    assert stopped.fault is not None and "40 of 61" in stopped.fault
    with patch.object(planner, "MASS_ZERO_MINIMUM", 100):  # an operator has confirmed the counts
        await arm(world)
    assert [get_offered(world, f"w-{n}") for n in range(40)] == [0] * 40


async def test_what_vanished_from_a_slow_followers_count_is_held_until_its_order_comes(database_url: str) -> None:
    """The store sold three and has not reported it yet. With a push of 40 it would sell them twice."""
    async with open_world(database_url, build_channels(), **SLOW) as world:
        web, till = world.stores["web"], world.stores["till"]
        await arm(world)
        await advance(world)
        web.change("stock", "w-mug@l-web", on_hand=37)
        till.change("stock", "t-mug@L", on_hand=39)  # one more is sold in the shop, which causes a push
        await advance(world)
        await advance(world)
        assert get_offered(world) == 36 and await read_counter(world, "t-mug", "L") == (39, 3)
        web.put(
            "orders",
            record_builders.build_order(
                "w-9", [record_builders.build_line("1", "w-mug", 3, place="l-web")], stock_posted=True
            ),
        )
        await advance(world)
        await advance(world)
        assert await read_counter(world, "t-mug", "L") == (36, 0) and get_offered(world) == 36


async def test_the_proof_without_the_drift_hold_the_units_would_be_offered_again(database_url: str) -> None:
    with patch.object(planner, "hold_drift", lambda *_: 0):
        async with open_world(database_url, build_channels(), **SLOW) as world:
            await arm(world)
            await advance(world)
            world.stores["web"].change("stock", "w-mug@l-web", on_hand=37)
            world.stores["till"].change("stock", "t-mug@L", on_hand=39)
            await advance(world)
            await advance(world)
            assert get_offered(world) == 39


async def test_units_that_vanished_without_an_order_are_offered_again_after_a_while(database_url: str) -> None:
    async with open_world(database_url, build_channels(), **SLOW) as world:
        await arm(world)
        await advance(world)
        world.stores["web"].change("stock", "w-mug@l-web", on_hand=37)
        world.stores["till"].change("stock", "t-mug@L", on_hand=39)
        await advance(world)
        await advance(world, minutes=31)
        await advance(world)
        assert await read_counter(world, "t-mug", "L") == (39, 0) and get_offered(world) == 39


# ------------------------------------------------------------------------------------------------ the last units


def _build_low_stock(on_hand: int, **channel: Any) -> tuple[dict[str, MemoryStore], Mapping[str, Any]]:
    """Build stores where London has few mugs; the web store reports its orders half an hour later and offers no mug
    yet.
    """
    found = build_channels()
    found["till"].put("stock", record_builders.build_stock("t-mug", "L", on_hand))
    found["web"].put("stock", record_builders.build_stock("w-mug", "l-web", 0))
    web = {**SLOW["channels"]["web"], **channel}
    return found, {**SLOW, "channels": {**SLOW["channels"], "web": web}}


async def _sell_in_store(world: World, number: int) -> None:
    """Sell a unit in the store, if it shows one; the store reports it later."""
    world.stores["web"].change("stock", "w-mug@l-web", on_hand=get_offered(world) - number)


async def _report_sale(world: World, number: int, order: str = "w-9") -> None:
    line = record_builders.build_line("1", "w-mug", number, place="l-web")
    world.stores["web"].put("orders", record_builders.build_order(order, [line], stock_posted=True))
    await advance(world)


async def test_a_slow_follower_offers_a_share_of_the_last_units_that_no_other_channel_can_sell(
    database_url: str,
) -> None:
    shops, tables = _build_low_stock(3)
    async with open_world(database_url, shops, **tables) as world:
        await arm(world)
        assert get_offered(world) == 2 and await read_counter(world, "t-mug", "L") == (3, 2)
        line = {"variantId": await select_variant_id(world, "MUG"), "locationKey": "london", "quantity": 2}
        payload = await run_mutation(world, "stockReserve", lines=[line], holdSeconds=3600)
        assert [error["availableQuantity"] for error in payload["userErrors"]] == [1]


async def test_last_units_that_it_sold_and_reported_late_were_reserved_for_it(database_url: str) -> None:
    shops, tables = _build_low_stock(3)
    async with open_world(database_url, shops, **tables) as world:
        await arm(world)
        await _sell_in_store(world, 2)
        line = {"variantId": await select_variant_id(world, "MUG"), "locationKey": "london", "quantity": 1}
        assert (await run_mutation(world, "stockReserve", lines=[line], holdSeconds=3600))["userErrors"] == []
        await advance(world, minutes=5)
        assert await read_counter(world, "t-mug", "L") == (3, 3) and get_offered(world) == 0
        await _report_sale(world, 2)
        await advance(world)
        assert await read_counter(world, "t-mug", "L") == (1, 1) and get_offered(world) == 0


async def test_the_proof_if_all_followers_offered_the_last_units_two_would_sell_the_same(database_url: str) -> None:
    shops, tables = _build_low_stock(3, set_aside_up_to=0)
    async with open_world(database_url, shops, **tables) as world:
        await arm(world)
        await _sell_in_store(world, 3)
        line = {"variantId": await select_variant_id(world, "MUG"), "locationKey": "london", "quantity": 3}
        assert (await run_mutation(world, "stockReserve", lines=[line], holdSeconds=3600))["userErrors"] == []


async def test_it_is_offered_no_more_of_the_last_units_before_it_shows_none(database_url: str) -> None:
    shops, tables = _build_low_stock(3)
    async with open_world(database_url, shops, **tables) as world:
        await arm(world)
        world.stores["web"].calls.clear()
        await _sell_in_store(world, 1)
        await _report_sale(world, 1)
        await advance(world)
        assert list_sent_quantities(world) == [] and get_offered(world) == 1
        assert await read_counter(world, "t-mug", "L") == (2, 1)
        await _sell_in_store(world, 1)
        await _report_sale(world, 1, "w-10")
        await advance(world)
        assert list_sent_quantities(world) == [1] and await read_counter(world, "t-mug", "L") == (1, 1)


async def test_when_there_are_many_units_again_all_followers_offer_all_of_them(database_url: str) -> None:
    shops, tables = _build_low_stock(3)
    async with open_world(database_url, shops, **tables) as world:
        await arm(world)
        world.stores["till"].change("stock", "t-mug@L", on_hand=9)
        await advance(world)
        assert get_offered(world) == 9 and await read_counter(world, "t-mug", "L") == (9, 0)


async def test_the_last_units_that_are_sold_at_the_till_are_taken_back(database_url: str) -> None:
    shops, tables = _build_low_stock(3)
    async with open_world(database_url, shops, **tables) as world:
        await arm(world)
        world.stores["till"].change("stock", "t-mug@L", on_hand=1)
        await advance(world)
        await advance(world)
        assert get_offered(world) == 1 and await read_counter(world, "t-mug", "L") == (1, 1)


async def test_how_many_are_the_last_can_be_said(database_url: str) -> None:
    shops, tables = _build_low_stock(3, set_aside_up_to=0)
    async with open_world(database_url, shops, **tables) as world:
        await arm(world)
        assert get_offered(world) == 3 and await read_counter(world, "t-mug", "L") == (3, 0)


async def test_units_set_aside_for_a_removed_listing_are_shared_again(database_url: str) -> None:
    shops, tables = _build_low_stock(3)
    async with open_world(database_url, shops, **tables) as world:
        await arm(world)
        world.stores["web"].remove("products", "w-mug")
        await world.gateway.request_sync("web", sweep=True)
        await world.gateway.run_due()
        await world.gateway.purge_expired()
        assert await read_counter(world, "t-mug", "L") == (3, 0)
