"""The age of data, and the time since which it is complete (rule S9, rule S10)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.runtime.gateway import Gateway
from gateway.sdk import UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import Barrier, omit_records, raise_error
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from gateway.storage.reads import freshness
from gateway.storage.sync import channel_health
from tests.gateways import START, Clock, run_gateway
from tests.sync.observed_records import configure_till, list_titles, pass_of

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    for n in range(3):
        store.put("products", record_builders.build_product(f"{n}"))
    yield store
    store.mend()


def select_ages(conn: Connection) -> dict[str, object]:
    listing = tables.listings
    statement = sa.select(listing.c.external_id, freshness.select_observed_at()).select_from(listing)
    return {row[0]: row[1] for row in conn.execute(freshness.join_age(statement, listing.c.channel_product_id))}


async def list_ages(gateway: Gateway) -> dict[str, int]:
    """List the age of each listing in minutes since the start."""
    found = await gateway.database.read(select_ages)
    return {id_: round((at - START).total_seconds() / 60) for id_, at in found.items()}  # type: ignore[operator]


async def test_a_feed_is_as_of_the_begin_of_its_last_complete_pass(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with run_gateway(database_url, {"till": store}, clock, configure_till(page_size=2)) as gateway:

        async def answer_slowly(ask: object, answer: object) -> object:
            clock.forward(minutes=1)
            return await answer()  # type: ignore[operator]

        with store.under(answer_slowly, method="page"):
            await gateway.run_due()
        assert clock() > START
        assert (await pass_of(gateway)).complete_as_of == START
        assert await list_ages(gateway) == {"0": 0, "1": 0, "2": 1}, "a row by its own last read, where that is later"


async def test_what_a_complete_pass_did_not_have_to_name_is_as_old_as_the_pass(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        await gateway.run_due()
        clock.forward(minutes=10)
        await gateway.run_due()
        assert await list_ages(gateway) == {"0": 10, "1": 10, "2": 10}


async def test_a_rejected_record_is_as_old_as_its_own_last_read(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        await gateway.run_due()
        store.change("products", "1", title="T" * 5000)
        clock.forward(minutes=10)
        await gateway.run_due()
        clock.forward(minutes=10)
        await gateway.run_due()
        assert await list_ages(gateway) == {"0": 20, "1": 10, "2": 20}


async def test_a_channel_that_is_down_makes_nothing_younger(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        await gateway.run_due()
        store.apply(raise_error(UnavailableError("down")))
        for _ in range(5):
            clock.forward(minutes=10)
            await gateway.run_due()
        assert set((await list_ages(gateway)).values()) == {0}
        assert len(await list_titles(gateway)) == 3
        store.mend()
        clock.forward(minutes=1)
        await gateway.run_due()
        assert set((await list_ages(gateway)).values()) == {51}


async def test_a_sweep_that_did_not_count_makes_nothing_younger(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    for n in range(50):
        store.put("products", record_builders.build_product(f"{n}"))
    async with run_gateway(database_url, {"till": store}, clock, configure_till(deltas=False)) as gateway:
        await gateway.run_due()
        with store.under(omit_records(*(f"{n}" for n in range(40))), method="page"):
            clock.forward(minutes=10)
            await gateway.run_due()
        assert (await pass_of(gateway)).complete_as_of == START
        found = await list_ages(gateway)
        assert (found["0"], found["45"]) == (0, 10)


async def test_the_gateway_is_ready_once_every_required_channel_was_read_completely(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    stores = {"till": store, "web": MemoryStore(), "extra": MemoryStore()}
    plain = configure_till("products", "orders")["till"]
    able = {"till": plain | {"required": True}, "web": plain | {"required": True}, "extra": plain}
    down = raise_error(UnavailableError("down"))
    stores["extra"].apply(down)
    stores["web"].apply(down, feed="orders")
    async with run_gateway(database_url, stores, clock, able) as gateway:
        await gateway.run_due()
        assert not await gateway.check_ready()
        stores["web"].mend()
        clock.forward(minutes=1)
        await gateway.run_due()
        assert await gateway.check_ready()
        assert await gateway.database.read(channel_health.get_ready_at) == clock().isoformat()


async def test_a_restart_with_a_channel_down_is_ready_at_once(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    able = {"till": configure_till()["till"] | {"required": True}}
    async with run_gateway(database_url, {"till": store}, clock, able) as gateway:
        await gateway.run_due()
    barrier = Barrier()
    store.apply(barrier)
    async with run_gateway(database_url, {"till": store}, clock, able) as gateway:
        assert await gateway.check_ready()
        assert len(await list_titles(gateway)) == 3
    barrier.open()


async def test_a_first_pass_that_is_not_complete_is_not_ready(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    able = {"till": configure_till(page_size=1)["till"] | {"required": True}}
    async with run_gateway(database_url, {"till": store}, clock, able) as gateway:
        store.apply(raise_error(UnavailableError("down")), method="page")
        await gateway.run_due()
        assert not await gateway.check_ready()
        assert await gateway.database.read(channel_health.find_unsynced, ["till"]) == {"till"}
