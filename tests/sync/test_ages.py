"""S9, S10: how old what is known is, and since when there is enough of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.runtime import Gateway
from gateway.sdk import UnavailableError
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import Gate, raising, without
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import ages, health, tables
from tests.house import START, Clock, running
from tests.sync.observed import channel, pass_of, titles

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    for n in range(3):
        store.put("products", rows.product(f"{n}"))
    yield store
    store.mend()


def ages_of_listings(conn: Connection) -> dict[str, object]:
    listing = tables.listings
    statement = sa.select(listing.c.external_id, ages.observed_at()).select_from(listing)
    return {row[0]: row[1] for row in conn.execute(ages.with_age(statement, listing.c.channel_product_id))}


async def minutes_old(gateway: Gateway) -> dict[str, int]:
    """How old each listing is, in minutes since the start."""
    found = await gateway.database.read(ages_of_listings)
    return {id_: round((at - START).total_seconds() / 60) for id_, at in found.items()}  # type: ignore[operator]


async def test_a_feed_is_as_of_the_begin_of_its_last_complete_pass(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with running(database_url, {"till": store}, clock, channel(page_size=2)) as gateway:

        async def slow(ask: object, answer: object) -> object:
            clock.forward(minutes=1)
            return await answer()  # type: ignore[operator]

        with store.under(slow, method="page"):
            await gateway.run_due()
        assert clock() > START
        assert (await pass_of(gateway)).complete_as_of == START
        assert await minutes_old(gateway) == {"0": 0, "1": 0, "2": 1}, "a row by its own last read, where that is later"


async def test_what_a_complete_pass_did_not_have_to_name_is_as_old_as_the_pass(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with running(database_url, {"till": store}, clock, channel()) as gateway:
        await gateway.run_due()
        clock.forward(minutes=10)
        await gateway.run_due()
        assert await minutes_old(gateway) == {"0": 10, "1": 10, "2": 10}


async def test_a_rejected_record_is_as_old_as_its_own_last_read(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with running(database_url, {"till": store}, clock, channel()) as gateway:
        await gateway.run_due()
        store.change("products", "1", title="T" * 5000)
        clock.forward(minutes=10)
        await gateway.run_due()
        clock.forward(minutes=10)
        await gateway.run_due()
        assert await minutes_old(gateway) == {"0": 20, "1": 10, "2": 20}


async def test_a_channel_that_is_down_makes_nothing_younger(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    async with running(database_url, {"till": store}, clock, channel()) as gateway:
        await gateway.run_due()
        store.apply(raising(UnavailableError("down")))
        for _ in range(5):
            clock.forward(minutes=10)
            await gateway.run_due()
        assert set((await minutes_old(gateway)).values()) == {0}
        assert len(await titles(gateway)) == 3
        store.mend()
        clock.forward(minutes=1)
        await gateway.run_due()
        assert set((await minutes_old(gateway)).values()) == {51}


async def test_a_sweep_that_did_not_count_makes_nothing_younger(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    for n in range(50):
        store.put("products", rows.product(f"{n}"))
    async with running(database_url, {"till": store}, clock, channel(deltas=False)) as gateway:
        await gateway.run_due()
        with store.under(without(*(f"{n}" for n in range(40))), method="page"):
            clock.forward(minutes=10)
            await gateway.run_due()
        assert (await pass_of(gateway)).complete_as_of == START
        found = await minutes_old(gateway)
        assert (found["0"], found["45"]) == (0, 10)


async def test_the_gateway_is_ready_once_every_required_channel_was_read_completely(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    stores = {"till": store, "web": MemoryStore(), "extra": MemoryStore()}
    plain = channel("products", "orders")["till"]
    able = {"till": plain | {"required": True}, "web": plain | {"required": True}, "extra": plain}
    down = raising(UnavailableError("down"))
    stores["extra"].apply(down)
    stores["web"].apply(down, feed="orders")
    async with running(database_url, stores, clock, able) as gateway:
        await gateway.run_due()
        assert not await gateway.ready()
        stores["web"].mend()
        clock.forward(minutes=1)
        await gateway.run_due()
        assert await gateway.ready()
        assert await gateway.database.read(health.ready_at) == clock().isoformat()


async def test_a_restart_with_a_channel_down_is_ready_at_once(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    able = {"till": channel()["till"] | {"required": True}}
    async with running(database_url, {"till": store}, clock, able) as gateway:
        await gateway.run_due()
    gate = Gate()
    store.apply(gate)
    async with running(database_url, {"till": store}, clock, able) as gateway:
        assert await gateway.ready()
        assert len(await titles(gateway)) == 3
    gate.open()


async def test_a_first_pass_that_is_not_complete_is_not_ready(
    database_url: str, store: MemoryStore, clock: Clock
) -> None:
    able = {"till": channel(page_size=1)["till"] | {"required": True}}
    async with running(database_url, {"till": store}, clock, able) as gateway:
        store.apply(raising(UnavailableError("down")), method="page")
        await gateway.run_due()
        assert not await gateway.ready()
        assert await gateway.database.read(health.unsynced, ["till"]) == {"till"}
