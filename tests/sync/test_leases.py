"""Leases decide which process syncs a channel, and syncs leave room for other writers (rule L1, rule L3)."""

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

from bench.queries_beside_sync import record_writes
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import Barrier
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from gateway.storage.database import Database
from gateway.storage.sync import leases
from gateway.sync.channel_sync import MAX_BATCH, MIN_BATCH, WRITE_GAP, BatchSizer, WriteThrottle
from tests.gateways import Clock, run_gateway
from tests.sync.observed_records import configure_till, list_titles, pass_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    for n in range(4):
        store.put("products", record_builders.build_product(f"{n}", title=f"Old {n}"))
    yield store
    store.mend()


async def test_a_second_process_does_nothing_while_one_holds_the_channel(database_url: str, store: MemoryStore) -> None:
    clock, barrier = Clock(), Barrier()
    store.apply(barrier, method="page", times=1)
    async with (
        run_gateway(database_url, {"till": store}, clock, configure_till()) as one,
        run_gateway(database_url, {"till": store}, clock, configure_till()) as other,
    ):
        working = asyncio.create_task(one.run_due())
        await barrier.reached.wait()
        await other.run_due()
        assert len(store.calls) == 1
        barrier.open()
        await working
        assert len(await list_titles(other)) == 4
        assert len(store.calls) == 1


async def test_a_stalled_process_cannot_write_after_another_took_over(database_url: str, store: MemoryStore) -> None:
    """Its page is stale by then. Its successor reads the page again, and nothing is lost."""
    clock, barrier = Clock(), Barrier(late=True)
    async with (
        run_gateway(database_url, {"till": store}, clock, configure_till(page_size=2)) as stalled,
        run_gateway(database_url, {"till": store}, clock, configure_till(page_size=2)) as successor,
    ):
        store.apply(barrier, method="page", times=1)
        working = asyncio.create_task(stalled.run_due())
        await barrier.reached.wait()
        clock.forward(seconds=21)
        store.change("products", "0", title="New 0")
        await successor.run_due()
        row = await pass_of(successor)
        barrier.open()
        await working
        assert await pass_of(successor) == row
        assert sorted(await list_titles(successor)) == ["New 0", "Old 1", "Old 2", "Old 3"]


def skip_fencing(conn: Connection, lease: leases.Lease) -> None:
    """Skip the check of the lease."""


async def test_without_the_fence_a_stalled_process_puts_the_pass_back(database_url: str, store: MemoryStore) -> None:
    """Proof that the test above can fail."""
    clock, barrier = Clock(), Barrier(late=True)
    async with (
        run_gateway(database_url, {"till": store}, clock, configure_till(page_size=2)) as stalled,
        run_gateway(database_url, {"till": store}, clock, configure_till(page_size=2)) as successor,
    ):
        store.apply(barrier, method="page", times=1)
        working = asyncio.create_task(stalled.run_due())
        await barrier.reached.wait()
        clock.forward(seconds=21)
        await successor.run_due()
        row = await pass_of(successor)
        with (
            patch("gateway.storage.sync.leases.check_lease", skip_fencing),
            patch("gateway.sync.scheduler.step", stop_after_page()),
        ):
            barrier.open()
            await working
        assert await pass_of(successor) != row


def stop_after_page() -> object:
    """Stop after the current page."""

    async def has_more(*_: object) -> bool:
        return False

    return has_more


async def test_a_call_that_lasts_longer_than_a_lease_keeps_it(database_url: str, store: MemoryStore) -> None:
    """Otherwise two processes would take a slow channel from each other forever and discard what each has read."""
    clock, barrier, lasting = Clock(), Barrier(), timedelta(milliseconds=60)
    store.apply(barrier, method="page", times=1)
    with patch("gateway.sync.scheduler.LEASE_DURATION", lasting):
        async with (
            run_gateway(database_url, {"till": store}, clock, configure_till()) as one,
            run_gateway(database_url, {"till": store}, clock, configure_till()) as other,
        ):
            working = asyncio.create_task(one.run_due())
            await barrier.reached.wait()
            for _ in range(3):
                clock.forward(milliseconds=50)
                async with asyncio.timeout(10):
                    while await other.database.read(select_expiry) != clock() + lasting:
                        pass
                await other.run_due()
            barrier.open()
            await working
            assert len(await list_titles(one)) == 4
            assert len(store.calls) == 1


def select_expiry(conn: Connection) -> datetime | None:
    return conn.scalar(sa.select(tables.leases.c.expires_at))


# ------------------------------------------------------------------------------------------------ room for others


async def test_beside_others_a_transaction_is_as_long_as_fits(
    open_database: Callable[[], AbstractAsyncContextManager[Database]],
) -> None:
    async with open_database() as database:
        throttle = WriteThrottle(database)
        throttle.is_throttled = True
    batch_sizer = BatchSizer(throttle)
    assert batch_sizer._get_size("products") <= 2 * MIN_BATCH
    batch_sizer.time_batch("products", 100_000, lambda: None)
    for _ in range(40):
        batch_sizer.time_batch("products", 100_000, lambda: None)
    assert MAX_BATCH * 0.9 < batch_sizer._get_size("products") <= MAX_BATCH
    assert batch_sizer._get_size("stock") <= 2 * MIN_BATCH


async def test_batches_are_large_until_another_writer_waits_and_small_afterwards(
    database_url: str, store: MemoryStore
) -> None:
    for n in range(100):
        store.put("products", record_builders.build_product(f"{n}"))
    clock, counts = Clock(), []
    count = BatchSizer.time_batch

    def count_pages(self: BatchSizer, feed: str, size: int, work: object) -> object:
        counts.append(size)
        return count(self, feed, size, work)  # type: ignore[arg-type]

    with patch.object(BatchSizer, "time_batch", count_pages):
        async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
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
    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        await gateway.run_due()
    clock.forward(minutes=5)
    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        barrier = Barrier()
        store.apply(barrier, method="page", times=1)
        working = asyncio.create_task(gateway.run_due())
        await barrier.reached.wait()
        assert gateway.write_throttle.is_throttled
        barrier.open()
        await working


async def test_an_order_writer_beside_a_big_sync_is_never_refused(database_url: str) -> None:
    """The other database has connections of its own, like another process."""
    store, clock = MemoryStore(), Clock()
    for n in range(400):
        store.put("products", record_builders.build_product(f"{n}", sku=f"S{n}"))
    async with run_gateway(database_url, {"till": store}, clock, configure_till(page_size=400)) as gateway:
        await gateway.run_due()
        for n in range(400):
            store.change("products", f"{n}", title=f"New {n}")
        clock.forward(minutes=5)
        gateway.write_throttle.gap = WRITE_GAP
        other = Database(database_url)
        working = asyncio.create_task(gateway.run_due())
        round_ = 0
        while not working.done():
            await other.write(write_fact, round_)
            round_ += 1
        await working
        await other.close()
        assert round_ >= 20, "one between two slices, at least"
        assert len([title for title in await list_titles(gateway) if title.startswith("New")]) == 400


async def test_the_transactions_of_several_channels_come_one_by_one_with_gaps(database_url: str) -> None:
    stores, clock = {"till": MemoryStore(), "web": MemoryStore()}, Clock()
    for store in stores.values():
        for n in range(60):
            store.put("products", record_builders.build_product(f"{n}", sku=f"S{n}"))
    async with run_gateway(
        database_url, stores, clock, {key: configure_till(page_size=20)["till"] for key in stores}
    ) as gateway:
        await gateway.run_due()
        gateway.write_throttle.gap = WRITE_GAP
        for store in stores.values():
            for n in range(60):
                store.change("products", f"{n}", title=f"New {n}")
        clock.forward(minutes=5)
        with record_writes() as spans:
            await gateway.run_due()
        assert len(await list_titles(gateway)) == 60
        gaps = [after[0] - before[1] for before, after in itertools.pairwise(spans)]
        assert len(gaps) > 6, "a page each, at least"
        assert min(gaps) >= 0.010, "seconds, as rule L1 wants it"


def write_fact(conn: Connection, number: int) -> None:
    conn.execute(sa.insert(tables.facts).values(name=f"fact {number}", value=""))
