"""L1, L3: who syncs a channel, and how much room is left for others that write."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import Gate
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import leases, tables
from gateway.storage.database import Database
from gateway.sync.channel import FEWEST, GAP, MOST, Pace, Turns
from tests.bench.beside import writes
from tests.house import Clock, running
from tests.sync.observed import channel, pass_of, titles

pytestmark = pytest.mark.anyio


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    for n in range(4):
        store.put("products", rows.product(f"{n}", title=f"Old {n}"))
    yield store
    store.mend()


async def test_a_second_process_does_nothing_while_one_holds_the_channel(database_url: str, store: MemoryStore) -> None:
    clock, gate = Clock(), Gate()
    store.apply(gate, method="page", times=1)
    async with (
        running(database_url, {"till": store}, clock, channel()) as one,
        running(database_url, {"till": store}, clock, channel()) as other,
    ):
        working = asyncio.create_task(one.run_due())
        await gate.reached.wait()
        await other.run_due()
        assert len(store.calls) == 1
        gate.open()
        await working
        assert len(await titles(other)) == 4
        assert len(store.calls) == 1


async def test_a_stalled_process_cannot_write_after_another_took_over(database_url: str, store: MemoryStore) -> None:
    """Its page is old by then. What it had read is read again by its successor, and nothing of it is lost."""
    clock, gate = Clock(), Gate(late=True)
    async with (
        running(database_url, {"till": store}, clock, channel(page_size=2)) as stalled,
        running(database_url, {"till": store}, clock, channel(page_size=2)) as successor,
    ):
        store.apply(gate, method="page", times=1)
        working = asyncio.create_task(stalled.run_due())
        await gate.reached.wait()
        clock.forward(seconds=21)
        store.change("products", "0", title="New 0")
        await successor.run_due()
        row = await pass_of(successor)
        gate.open()
        await working
        assert await pass_of(successor) == row
        assert sorted(await titles(successor)) == ["New 0", "Old 1", "Old 2", "Old 3"]


def unfenced(conn: Connection, lease: leases.Lease) -> None:
    """A lease that nobody looks at again."""


async def test_without_the_fence_a_stalled_process_puts_the_pass_back(database_url: str, store: MemoryStore) -> None:
    """The proof that the test above can fail."""
    clock, gate = Clock(), Gate(late=True)
    async with (
        running(database_url, {"till": store}, clock, channel(page_size=2)) as stalled,
        running(database_url, {"till": store}, clock, channel(page_size=2)) as successor,
    ):
        store.apply(gate, method="page", times=1)
        working = asyncio.create_task(stalled.run_due())
        await gate.reached.wait()
        clock.forward(seconds=21)
        await successor.run_due()
        row = await pass_of(successor)
        with patch("gateway.storage.leases.check", unfenced), patch("gateway.sync.schedule.step", one_step()):
            gate.open()
            await working
        assert await pass_of(successor) != row


def one_step() -> object:
    """Nothing more to do after the page that is under way."""

    async def none(*_: object) -> bool:
        return False

    return none


async def test_a_call_that_lasts_longer_than_a_lease_keeps_it(database_url: str, store: MemoryStore) -> None:
    """Else two processes would take a slow channel from each other for ever, and throw away what each has read."""
    clock, gate, lasting = Clock(), Gate(), timedelta(milliseconds=60)
    store.apply(gate, method="page", times=1)
    with patch("gateway.sync.schedule.LASTING", lasting):
        async with (
            running(database_url, {"till": store}, clock, channel()) as one,
            running(database_url, {"till": store}, clock, channel()) as other,
        ):
            working = asyncio.create_task(one.run_due())
            await gate.reached.wait()
            for _ in range(3):
                clock.forward(milliseconds=50)
                async with asyncio.timeout(10):
                    while await other.database.read(expiry) != clock() + lasting:
                        pass
                await other.run_due()
            gate.open()
            await working
            assert len(await titles(one)) == 4
            assert len(store.calls) == 1


def expiry(conn: Connection) -> datetime | None:
    return conn.scalar(sa.select(tables.leases.c.expires_at))


# ------------------------------------------------------------------------------------------------ room for others


async def test_beside_others_a_transaction_is_as_long_as_fits(
    open_database: Callable[[], AbstractAsyncContextManager[Database]],
) -> None:
    async with open_database() as database:
        turns = Turns(database)
        turns.beside_others = True
    pace = Pace(turns)
    assert pace._size("products") <= 2 * FEWEST
    pace.timed("products", 100_000, lambda: None)
    for _ in range(40):
        pace.timed("products", 100_000, lambda: None)
    assert MOST * 0.9 < pace._size("products") <= MOST
    assert pace._size("stock") <= 2 * FEWEST


async def test_before_anybody_waits_much_is_written_at_once_and_afterwards_little(
    database_url: str, store: MemoryStore
) -> None:
    for n in range(100):
        store.put("products", rows.product(f"{n}"))
    clock, counts = Clock(), []
    count = Pace.timed

    def counting(self: Pace, feed: str, size: int, work: object) -> object:
        counts.append(size)
        return count(self, feed, size, work)  # type: ignore[arg-type]

    with patch.object(Pace, "timed", counting):
        async with running(database_url, {"till": store}, clock, channel()) as gateway:
            await gateway.run_due()
            assert counts == [100]
            for n in range(100):
                store.change("products", f"{n}", title="New")
            clock.forward(minutes=5)
            await gateway.run_due()
            assert sum(counts[1:]) == 100
            assert counts[1] < 100


async def test_a_process_that_comes_to_a_ready_gateway_leaves_room_from_its_first_page(
    database_url: str, store: MemoryStore
) -> None:
    """`gateway sync` beside a server that takes orders."""
    clock = Clock()
    async with running(database_url, {"till": store}, clock, channel()) as gateway:
        await gateway.run_due()
    clock.forward(minutes=5)
    async with running(database_url, {"till": store}, clock, channel()) as gateway:
        gate = Gate()
        store.apply(gate, method="page", times=1)
        working = asyncio.create_task(gateway.run_due())
        await gate.reached.wait()
        assert gateway.turns.beside_others
        gate.open()
        await working


async def test_an_order_writer_beside_a_big_sync_is_never_refused(database_url: str) -> None:
    """Another process, as far as the database can tell: it has connections of its own."""
    store, clock = MemoryStore(), Clock()
    for n in range(400):
        store.put("products", rows.product(f"{n}", sku=f"S{n}"))
    async with running(database_url, {"till": store}, clock, channel(page_size=400)) as gateway:
        await gateway.run_due()
        for n in range(400):
            store.change("products", f"{n}", title=f"New {n}")
        clock.forward(minutes=5)
        gateway.turns.gap = GAP
        other = Database(database_url)
        working = asyncio.create_task(gateway.run_due())
        turns = 0
        while not working.done():
            await other.write(take_turn, turns)
            turns += 1
        await working
        await other.close()
        assert turns >= 20, "one between two slices, at least"
        assert len([title for title in await titles(gateway) if title.startswith("New")]) == 400


async def test_the_transactions_of_several_channels_come_one_by_one_with_gaps(database_url: str) -> None:
    stores, clock = {"till": MemoryStore(), "web": MemoryStore()}, Clock()
    for store in stores.values():
        for n in range(60):
            store.put("products", rows.product(f"{n}", sku=f"S{n}"))
    async with running(database_url, stores, clock, {key: channel(page_size=20)["till"] for key in stores}) as gateway:
        await gateway.run_due()
        gateway.turns.gap = GAP
        for store in stores.values():
            for n in range(60):
                store.change("products", f"{n}", title=f"New {n}")
        clock.forward(minutes=5)
        with writes() as spans:
            await gateway.run_due()
        assert len(await titles(gateway)) == 60
        gaps = [after[0] - before[1] for before, after in itertools.pairwise(spans)]
        assert len(gaps) > 6, "a page each, at least"
        assert min(gaps) >= 0.010, "seconds, as rule L1 wants it"


def take_turn(conn: Connection, turn: int) -> None:
    conn.execute(sa.insert(tables.facts).values(name=f"turn {turn}", value=""))
