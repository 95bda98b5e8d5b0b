"""What operators do to channels, through the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.sdk import UnavailableError
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import Gate, raising
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import tables
from tests.graphql.mutating import codes, wish
from tests.graphql.world import ADMIN, STAFF, World, opened, small_world

pytestmark = [pytest.mark.anyio, pytest.mark.writes, pytest.mark.any_database]

STATES = "{ channels { key state } }"
REJECTS = "{ syncRejects { nodes { id externalId resource } } }"
TITLES = "{ products(first: 100) { nodes { title } } }"


async def states(world: World) -> Mapping[str, str]:
    return {one["key"]: one["state"] for one in (await world.client.data(STATES))["channels"]}


async def titles(world: World) -> list[str]:
    return [node["title"] for node in (await world.client.data(TITLES, ADMIN))["products"]["nodes"]]


async def rejects(world: World) -> dict[str, str]:
    return {one["externalId"]: one["id"] for one in (await world.client.data(REJECTS, ADMIN))["syncRejects"]["nodes"]}


def called(world: World, channel: str) -> list[tuple[str, str]]:
    """What the channel has been asked since, forgotten at once."""
    calls = [(ask.feed, ask.method) for ask in world.stores[channel].calls]
    world.stores[channel].calls.clear()
    return calls


# ------------------------------------------------------------------------------------------------ pausing


async def test_a_paused_channel_is_called_by_no_process_until_it_goes_on(database_url: str) -> None:
    async with small_world(database_url) as one, small_world(database_url) as other:
        payload = await wish(one, "channelPause", channelKey="till", reason="stocktaking")
        assert payload == {"channel": {"key": "till", "state": "PAUSED"}, "userErrors": []}
        assert await states(other) == {"till": "PAUSED", "web": "ENABLED"}
        called(other, "till")
        called(other, "web")
        for world in (one, other):
            world.clock.forward(days=1)
            await world.gateway.make_due("till")
        await other.gateway.run_due()
        assert (called(other, "till"), called(other, "web") != []) == ([], True)
        await wish(one, "channelResume", key="k2", channelKey="till")
        await other.gateway.run_due()
        assert called(other, "till") != []
        assert await states(other) == {"till": "ENABLED", "web": "ENABLED"}


async def test_a_channel_that_is_paused_while_it_is_read_is_left_after_that_page(database_url: str) -> None:
    store, gate = MemoryStore(), Gate()
    channels = {"till": {"config": {"page_size": 1}}, "web": {}}
    async with opened(database_url, {"till": store, "web": MemoryStore()}, channels=channels) as world:
        for n in range(5):
            store.put("products", rows.product(str(n), title=f"P{n}"))
        await world.gateway.make_due("till")
        with store.under(gate, feed="products", method="page"):
            running = asyncio.create_task(world.gateway.run_due())
            await gate.reached.wait()
            await wish(world, "channelPause", channelKey="till")
            called(world, "till")
            gate.open()
            await running
        assert (len(await titles(world)), called(world, "till")) == (1, [])
        await wish(world, "channelResume", key="k2", channelKey="till")
        await world.gateway.run_due()
        assert len(await titles(world)) == 5


async def test_what_is_known_of_a_paused_channel_stays_and_no_shopper_makes_it_be_called(world: World) -> None:
    await wish(world, "channelPause", channelKey="till")
    world.clock.forward(minutes=1)
    called(world, "till")
    query = """query ($ids: [ID!]!) { stocks(variantIds: $ids, channelKey: "till", maxAgeSeconds: 5) {
      available sources { channel { key } fault { code } } } }"""
    found = await world.client.data('{ productVariants(filter: {skus: "MUG"}) { nodes { id } } }')
    ids = [node["id"] for node in found["productVariants"]["nodes"]]
    (stock,) = (await world.client.data(query, STAFF, ids=ids))["stocks"]
    assert (stock["available"], called(world, "till")) == (41, [])
    assert stock["sources"] == [{"channel": {"key": "till"}, "fault": None}]


async def test_a_channel_that_could_not_be_loaded_stays_failed_when_it_is_paused(database_url: str) -> None:
    async with small_world(database_url, channels={"till": {}, "web": {"plugin": "nowhere"}}) as world:
        assert (await wish(world, "channelPause", channelKey="web"))["channel"]["state"] == "FAILED"
        payload = await wish(world, "channelSync", key="k2", channelKey="web")
        assert codes(payload) == ["CHANNEL_UNAVAILABLE"]


# ------------------------------------------------------------------------------------------------ syncing


async def test_a_channel_is_read_ahead_of_its_time(world: World) -> None:
    world.stores["till"].put("products", rows.product("new", title="New"))
    await world.gateway.run_due()
    assert "New" not in await titles(world)
    assert codes(await wish(world, "channelSync", channelKey="till")) == []
    await world.gateway.run_due()
    assert "New" in await titles(world)


async def test_only_what_is_asked_for_is_read(world: World) -> None:
    called(world, "till")
    for resource, feed in (("STOCK", "stock"), ("PRICES", "products"), ("ORDERS", "orders")):
        assert codes(await wish(world, "channelSync", key=resource, channelKey="till", resource=resource)) == []
        await world.gateway.run_due()
        assert {feed for feed, _ in called(world, "till")} == {feed}


async def test_a_sweep_finds_what_was_deleted_and_a_delta_does_not(world: World) -> None:
    world.stores["till"].remove("products", "t-lamp")
    for sweep, found in ((False, True), (True, False)):
        await wish(world, "channelSync", key=str(sweep), channelKey="till", resource="PRODUCTS", sweep=sweep)
        await world.gateway.run_due()
        assert ("Lamp" in await titles(world)) is found


async def test_a_paused_channel_and_one_that_does_not_have_it_are_not_read(database_url: str) -> None:
    channels: dict[str, Any] = {"till": {"config": {"feeds": ["products", "stock"]}}, "web": {}}
    async with small_world(database_url, channels=channels) as world:
        payload = await wish(world, "channelSync", channelKey="till", resource="ORDERS")
        assert (codes(payload), payload["userErrors"][0]["channel"]) == (["NOT_SUPPORTED_BY_CHANNEL"], {"key": "till"})
        await wish(world, "channelPause", key="k2", channelKey="till")
        assert codes(await wish(world, "channelSync", key="k3", channelKey="till")) == ["NOT_ALLOWED_IN_STATE"]


# ------------------------------------------------------------------------------------------------ rejects


async def test_a_reject_that_was_put_right_is_taken_in_at_once(world: World) -> None:
    reject = (await rejects(world))["half@L"]
    world.stores["till"].change("stock", "half@L", on_hand=1)
    payload = await wish(world, "syncRejectReplay", rejectId=reject)
    assert (codes(payload), payload["replayed"]) == ([], True)
    half = tables.stock.select().where(tables.stock.c.item == "half")
    counted = await world.gateway.database.read(lambda conn: conn.execute(half).all())
    assert [(row.on_hand, row.known) for row in counted] == [(1, True)]
    assert await wish(world, "syncRejectReplay", rejectId=reject) == payload, "a replay of the replay"


async def test_a_reject_that_is_as_bad_as_it_was_stays_the_same_one(world: World) -> None:
    reject = (await rejects(world))["half@L"]
    payload = await wish(world, "syncRejectReplay", rejectId=reject)
    assert (codes(payload), payload["replayed"], payload["reject"]["id"]) == ([], True, reject)


async def test_a_channel_that_is_down_reads_it_when_it_is_up_again(world: World) -> None:
    reject, till = (await rejects(world))["half@L"], world.stores["till"]
    till.change("stock", "half@L", on_hand=1)
    with till.under(raising(UnavailableError("gone fishing"))):
        payload = await wish(world, "syncRejectReplay", rejectId=reject)
        assert (codes(payload), payload["replayed"], payload["reject"]["id"]) == ([], False, reject)
    await world.gateway.run_due()
    assert (await rejects(world))["half@L"] != reject, "its item is unknown: it waits now"


async def test_where_no_single_record_can_be_read_a_complete_pass_reads_it(database_url: str) -> None:
    store = MemoryStore()
    store.put("products", rows.product("bad", price="-1.00"))
    channels = {"till": {"config": {"live": False}}, "web": {}}
    async with opened(database_url, {"till": store, "web": MemoryStore()}, channels=channels) as world:
        reject = (await rejects(world))["bad"]
        called(world, "till")
        payload = await wish(world, "syncRejectReplay", rejectId=reject)
        assert (codes(payload), payload["replayed"], payload["reject"]["id"]) == ([], False, reject)
        assert called(world, "till") == []
        await world.gateway.run_due()
        assert {feed for feed, _ in called(world, "till")} == {"products"}


async def test_a_record_whose_id_no_database_holds_is_not_asked_for_by_it(database_url: str) -> None:
    store = MemoryStore()
    store.put("products", rows.product("un\0fit", title="Odd"))
    async with opened(database_url, {"till": store, "web": MemoryStore()}) as world:
        ((_, reject),) = (await rejects(world)).items()
        called(world, "till")
        assert codes(await wish(world, "syncRejectReplay", rejectId=reject)) == []
        await world.gateway.run_due()
        assert ("products", "fetch") not in called(world, "till")
        assert list((await rejects(world)).values()) == [reject]


async def test_rejects_of_a_paused_channel_are_not_read_again(world: World) -> None:
    reject = (await rejects(world))["half@L"]
    await wish(world, "channelPause", channelKey="till")
    payload = await wish(world, "syncRejectReplay", key="k2", rejectId=reject)
    assert (codes(payload), payload["replayed"]) == (["NOT_ALLOWED_IN_STATE"], False)
