"""Mutations by which operators pause, resume and sync channels and replay rejects."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.sdk import UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import Barrier, raise_error
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from tests.graphql.mutation_documents import list_user_error_codes, run_mutation
from tests.graphql.world import ADMIN, STAFF, World, open_small_world, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.writes, pytest.mark.any_database]

STATES = "{ channels { key state } }"
REJECTS = "{ syncRejects { nodes { id externalId resource } } }"
TITLES = "{ products(first: 100) { nodes { title } } }"


async def fetch_states(world: World) -> Mapping[str, str]:
    return {one["key"]: one["state"] for one in (await world.client.fetch_data(STATES))["channels"]}


async def list_titles(world: World) -> list[str]:
    return [node["title"] for node in (await world.client.fetch_data(TITLES, ADMIN))["products"]["nodes"]]


async def fetch_rejects(world: World) -> dict[str, str]:
    return {
        one["externalId"]: one["id"] for one in (await world.client.fetch_data(REJECTS, ADMIN))["syncRejects"]["nodes"]
    }


def pop_calls(world: World, channel: str) -> list[tuple[str, str]]:
    """Return the calls of the channel since the last time, and forget them."""
    calls = [(ask.feed, ask.method) for ask in world.stores[channel].calls]
    world.stores[channel].calls.clear()
    return calls


# ------------------------------------------------------------------------------------------------ pause


async def test_a_paused_channel_is_called_by_no_process_until_it_goes_on(database_url: str) -> None:
    async with open_small_world(database_url) as one, open_small_world(database_url) as other:
        payload = await run_mutation(one, "channelPause", channelKey="till", reason="stocktaking")
        assert payload == {"channel": {"key": "till", "state": "PAUSED"}, "userErrors": []}
        assert await fetch_states(other) == {"till": "PAUSED", "web": "ENABLED"}
        pop_calls(other, "till")
        pop_calls(other, "web")
        for world in (one, other):
            world.clock.forward(days=1)
            await world.gateway.request_sync("till")
        await other.gateway.run_due()
        assert (pop_calls(other, "till"), pop_calls(other, "web") != []) == ([], True)
        await run_mutation(one, "channelResume", key="k2", channelKey="till")
        await other.gateway.run_due()
        assert pop_calls(other, "till") != []
        assert await fetch_states(other) == {"till": "ENABLED", "web": "ENABLED"}


async def test_a_channel_that_is_paused_while_it_is_read_is_left_after_that_page(database_url: str) -> None:
    store, barrier = MemoryStore(), Barrier()
    channels = {"till": {"config": {"page_size": 1}}, "web": {}}
    async with open_world(database_url, {"till": store, "web": MemoryStore()}, channels=channels) as world:
        for n in range(5):
            store.put("products", record_builders.build_product(str(n), title=f"P{n}"))
        await world.gateway.request_sync("till")
        with store.under(barrier, feed="products", method="page"):
            running = asyncio.create_task(world.gateway.run_due())
            await barrier.reached.wait()
            await run_mutation(world, "channelPause", channelKey="till")
            pop_calls(world, "till")
            barrier.open()
            await running
        assert (len(await list_titles(world)), pop_calls(world, "till")) == (1, [])
        await run_mutation(world, "channelResume", key="k2", channelKey="till")
        await world.gateway.run_due()
        assert len(await list_titles(world)) == 5


async def test_what_is_known_of_a_paused_channel_stays_and_no_shopper_makes_it_be_called(world: World) -> None:
    await run_mutation(world, "channelPause", channelKey="till")
    world.clock.forward(minutes=1)
    pop_calls(world, "till")
    query = """query ($ids: [ID!]!) { stocks(variantIds: $ids, channelKey: "till", maxAgeSeconds: 5) {
      available sources { channel { key } fault { code } } } }"""
    found = await world.client.fetch_data('{ productVariants(filter: {skus: "MUG"}) { nodes { id } } }')
    ids = [node["id"] for node in found["productVariants"]["nodes"]]
    (stock,) = (await world.client.fetch_data(query, STAFF, ids=ids))["stocks"]
    assert (stock["available"], pop_calls(world, "till")) == (41, [])
    assert stock["sources"] == [{"channel": {"key": "till"}, "fault": None}]


async def test_a_channel_that_could_not_be_loaded_stays_failed_when_it_is_paused(database_url: str) -> None:
    async with open_small_world(database_url, channels={"till": {}, "web": {"plugin": "nowhere"}}) as world:
        assert (await run_mutation(world, "channelPause", channelKey="web"))["channel"]["state"] == "FAILED"
        payload = await run_mutation(world, "channelSync", key="k2", channelKey="web")
        assert list_user_error_codes(payload) == ["CHANNEL_UNAVAILABLE"]


# ------------------------------------------------------------------------------------------------ sync


async def test_a_channel_is_read_ahead_of_its_time(world: World) -> None:
    world.stores["till"].put("products", record_builders.build_product("new", title="New"))
    await world.gateway.run_due()
    assert "New" not in await list_titles(world)
    assert list_user_error_codes(await run_mutation(world, "channelSync", channelKey="till")) == []
    await world.gateway.run_due()
    assert "New" in await list_titles(world)


async def test_only_what_is_asked_for_is_read(world: World) -> None:
    pop_calls(world, "till")
    for resource, feed in (("STOCK", "stock"), ("PRICES", "products"), ("ORDERS", "orders")):
        assert (
            list_user_error_codes(
                await run_mutation(world, "channelSync", key=resource, channelKey="till", resource=resource)
            )
            == []
        )
        await world.gateway.run_due()
        assert {feed for feed, _ in pop_calls(world, "till")} == {feed}


async def test_a_sweep_finds_what_was_deleted_and_a_delta_does_not(world: World) -> None:
    world.stores["till"].remove("products", "t-lamp")
    for sweep, found in ((False, True), (True, False)):
        await run_mutation(world, "channelSync", key=str(sweep), channelKey="till", resource="PRODUCTS", sweep=sweep)
        await world.gateway.run_due()
        assert ("Lamp" in await list_titles(world)) is found


async def test_a_paused_channel_and_one_that_does_not_have_it_are_not_read(database_url: str) -> None:
    channels: dict[str, Any] = {"till": {"config": {"feeds": ["products", "stock"]}}, "web": {}}
    async with open_small_world(database_url, channels=channels) as world:
        payload = await run_mutation(world, "channelSync", channelKey="till", resource="ORDERS")
        assert (list_user_error_codes(payload), payload["userErrors"][0]["channel"]) == (
            ["NOT_SUPPORTED_BY_CHANNEL"],
            {"key": "till"},
        )
        await run_mutation(world, "channelPause", key="k2", channelKey="till")
        assert list_user_error_codes(await run_mutation(world, "channelSync", key="k3", channelKey="till")) == [
            "NOT_ALLOWED_IN_STATE"
        ]


# ------------------------------------------------------------------------------------------------ rejects


async def test_a_reject_that_was_put_right_is_taken_in_at_once(world: World) -> None:
    reject = (await fetch_rejects(world))["half@L"]
    world.stores["till"].change("stock", "half@L", on_hand=1)
    payload = await run_mutation(world, "syncRejectReplay", rejectId=reject)
    assert (list_user_error_codes(payload), payload["replayed"]) == ([], True)
    half = tables.stock.select().where(tables.stock.c.item == "half")
    counted = await world.gateway.database.read(lambda conn: conn.execute(half).all())
    assert [(row.on_hand, row.known) for row in counted] == [(1, True)]
    assert await run_mutation(world, "syncRejectReplay", rejectId=reject) == payload, "a replay of the replay"


async def test_a_reject_that_is_as_bad_as_it_was_stays_the_same_one(world: World) -> None:
    reject = (await fetch_rejects(world))["half@L"]
    payload = await run_mutation(world, "syncRejectReplay", rejectId=reject)
    assert (list_user_error_codes(payload), payload["replayed"], payload["reject"]["id"]) == ([], True, reject)


async def test_a_channel_that_is_down_reads_it_when_it_is_up_again(world: World) -> None:
    reject, till = (await fetch_rejects(world))["half@L"], world.stores["till"]
    till.change("stock", "half@L", on_hand=1)
    with till.under(raise_error(UnavailableError("gone fishing"))):
        payload = await run_mutation(world, "syncRejectReplay", rejectId=reject)
        assert (list_user_error_codes(payload), payload["replayed"], payload["reject"]["id"]) == ([], False, reject)
    await world.gateway.run_due()
    assert (await fetch_rejects(world))["half@L"] != reject, "its item is unknown: it waits now"


async def test_where_no_single_record_can_be_read_a_complete_pass_reads_it(database_url: str) -> None:
    store = MemoryStore()
    store.put("products", record_builders.build_product("bad", price="-1.00"))
    channels = {"till": {"config": {"live": False}}, "web": {}}
    async with open_world(database_url, {"till": store, "web": MemoryStore()}, channels=channels) as world:
        reject = (await fetch_rejects(world))["bad"]
        pop_calls(world, "till")
        payload = await run_mutation(world, "syncRejectReplay", rejectId=reject)
        assert (list_user_error_codes(payload), payload["replayed"], payload["reject"]["id"]) == ([], False, reject)
        assert pop_calls(world, "till") == []
        await world.gateway.run_due()
        assert {feed for feed, _ in pop_calls(world, "till")} == {"products"}


async def test_a_record_whose_id_no_database_holds_is_not_asked_for_by_it(database_url: str) -> None:
    store = MemoryStore()
    store.put("products", record_builders.build_product("un\0fit", title="Odd"))
    async with open_world(database_url, {"till": store, "web": MemoryStore()}) as world:
        ((_, reject),) = (await fetch_rejects(world)).items()
        pop_calls(world, "till")
        assert list_user_error_codes(await run_mutation(world, "syncRejectReplay", rejectId=reject)) == []
        await world.gateway.run_due()
        assert ("products", "fetch") not in pop_calls(world, "till")
        assert list((await fetch_rejects(world)).values()) == [reject]


async def test_rejects_of_a_paused_channel_are_not_read_again(world: World) -> None:
    reject = (await fetch_rejects(world))["half@L"]
    await run_mutation(world, "channelPause", channelKey="till")
    payload = await run_mutation(world, "syncRejectReplay", key="k2", rejectId=reject)
    assert (list_user_error_codes(payload), payload["replayed"]) == (["NOT_ALLOWED_IN_STATE"], False)
