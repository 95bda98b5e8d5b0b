"""A location that its channel has deactivated stops selling at the next pass over stock (rule S12)."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import sqlalchemy as sa

from gateway.commerce.inventory import unlisted_locations
from gateway.runtime.gateway import Gateway
from gateway.sdk import Place
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from gateway.storage.database import Connection
from gateway.sync import listed_locations
from tests.gateways import Clock, run_gateway

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

LOCATIONS = {
    key: {"name": key, "kind": "STORE", "authority": "till", "channels": {"till": id_}}
    for key, id_ in (("london", "L"), ("leeds", "M"))
}
RARELY = {"till": {"sweep_every": "30d"}}
LONDON, LEEDS = Place("L", "London"), Place("M", "Leeds")


def build_store(count: int = 3) -> MemoryStore:
    store = MemoryStore([LONDON, LEEDS])
    for n in range(count):
        store.put("products", record_builders.build_product(f"p{n}"))
        for location in ("L", "M"):
            store.put("stock", record_builders.build_stock(f"p{n}", location, 10))
    return store


def count_known(conn: Connection) -> dict[str, int]:
    stock = tables.stock
    known = sa.select(stock.c.place, sa.func.count()).where(stock.c.known).group_by(stock.c.place)
    return {row[0]: row[1] for row in conn.execute(known)}


async def run_next_pass(gateway: Gateway, clock: Clock) -> dict[str, int]:
    """Run the next pass of each feed, which is not a sweep. Returns the number of known counts by location."""
    clock.forward(minutes=5)
    await gateway.run_due()
    return await gateway.database.read(count_known)


async def test_counts_of_a_deactivated_location_are_unknown_at_the_next_pass(database_url: str) -> None:
    store, clock = build_store(), Clock()
    async with run_gateway(database_url, {"till": store}, clock, RARELY, locations=LOCATIONS) as gateway:
        assert await run_next_pass(gateway, clock) == {"L": 3, "M": 3}
        store.places = [LONDON]
        with patch.object(listed_locations, "SLICE", 2):
            assert await run_next_pass(gateway, clock) == {"L": 3}
        assert await run_next_pass(gateway, clock) == {"L": 3}


async def test_a_location_sells_again_after_it_is_activated(database_url: str) -> None:
    store, clock = build_store(), Clock()
    async with run_gateway(database_url, {"till": store}, clock, RARELY, locations=LOCATIONS) as gateway:
        await run_next_pass(gateway, clock)
        store.places = [LONDON]
        await run_next_pass(gateway, clock)
    async with run_gateway(database_url, {"till": store}, clock, RARELY, locations=LOCATIONS) as gateway:
        store.places = [LONDON, LEEDS]
        await run_next_pass(gateway, clock)
        assert await run_next_pass(gateway, clock) == {"L": 3, "M": 3}


async def test_a_location_that_another_process_saw_active_stops_selling(database_url: str) -> None:
    """Two gateways take turns. What each has read at an earlier pass of its own does not matter."""
    store, clock = build_store(), Clock()
    stores = {"till": store}
    async with (
        run_gateway(database_url, stores, clock, RARELY, locations=LOCATIONS) as one,
        run_gateway(database_url, stores, clock, RARELY, locations=LOCATIONS) as other,
    ):
        assert await run_next_pass(one, clock) == {"L": 3, "M": 3}
        for _ in range(2):
            store.places = [LONDON]
            assert await run_next_pass(other, clock) == {"L": 3}
            store.places = [LONDON, LEEDS]
            await run_next_pass(one, clock)
            assert await run_next_pass(one, clock) == {"L": 3, "M": 3}


async def test_a_count_that_is_read_again_after_its_location_was_deactivated_is_hidden_again(database_url: str) -> None:
    store, clock = build_store(), Clock()
    async with run_gateway(database_url, {"till": store}, clock, RARELY, locations=LOCATIONS) as gateway:
        await run_next_pass(gateway, clock)
        store.places = [LONDON]
        assert await run_next_pass(gateway, clock) == {"L": 3}
        store.put("stock", record_builders.build_stock("p1", "M", 7))
        assert await run_next_pass(gateway, clock) == {"L": 3, "M": 1}
        assert await run_next_pass(gateway, clock) == {"L": 3}


async def test_a_pass_that_finds_all_as_listed_writes_nothing_about_it(database_url: str) -> None:
    store, clock = build_store(), Clock()
    async with run_gateway(database_url, {"till": store}, clock, RARELY, locations=LOCATIONS) as gateway:
        await run_next_pass(gateway, clock)
        store.places = [LONDON]
        await run_next_pass(gateway, clock)
        unused = patch.object(unlisted_locations, "hide_counts", side_effect=AssertionError)
        with unused, patch.object(unlisted_locations, "request_counts", side_effect=AssertionError):
            assert await run_next_pass(gateway, clock) == {"L": 3}


async def test_a_channel_that_does_not_list_its_locations_keeps_its_counts(database_url: str) -> None:
    store, clock = build_store(), Clock()
    store.places = []
    async with run_gateway(database_url, {"till": store}, clock, RARELY, locations=LOCATIONS) as gateway:
        assert await run_next_pass(gateway, clock) == {"L": 3, "M": 3}


async def test_a_location_that_the_configuration_does_not_map_is_left_alone(database_url: str) -> None:
    store, clock = build_store(), Clock()
    store.places = [LONDON]
    mapped = {"london": LOCATIONS["london"]}
    async with run_gateway(database_url, {"till": store}, clock, RARELY, locations=mapped) as gateway:
        assert await run_next_pass(gateway, clock) == {"L": 3, "M": 3}


async def test_the_proof_without_the_rule_a_deactivated_location_keeps_selling(database_url: str) -> None:
    store, clock = build_store(), Clock()
    with patch.object(unlisted_locations, "hide_counts", lambda *_: 0):
        async with run_gateway(database_url, {"till": store}, clock, RARELY, locations=LOCATIONS) as gateway:
            await run_next_pass(gateway, clock)
            store.places = [LONDON]
            for _ in range(3):
                assert await run_next_pass(gateway, clock) == {"L": 3, "M": 3}
