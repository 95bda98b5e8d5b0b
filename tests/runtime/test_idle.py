"""An idle gateway asks its database for almost nothing, and yet notices what there is to do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from gateway.runtime import background_tasks
from gateway.runtime.gateway import Gateway, get_utc_now
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import change_log
from gateway.storage.database import Connection
from tests.conditions import wait_for
from tests.gateways import Clock, run_gateway

pytestmark = pytest.mark.anyio

CHANNELS = 50
RARELY: Mapping[str, Any] = {"every": dict.fromkeys(("products", "stock", "customers", "orders"), "1d")}


@contextlib.asynccontextmanager
async def run_in_background(url: str, stores: Mapping[str, MemoryStore], clock: Any) -> AsyncIterator[Gateway]:
    """Run a gateway that has read all channels, with its background tasks."""
    async with run_gateway(url, stores, clock, dict.fromkeys(stores, RARELY)) as gateway:
        await gateway.run_due()
        running = asyncio.create_task(gateway.background.run())
        try:
            yield gateway
        finally:
            running.cancel()
            await asyncio.wait([running])


@contextlib.contextmanager
def record_statements() -> Iterator[list[str]]:
    statements: list[str] = []

    def record(_conn: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    sa.event.listen(Engine, "before_cursor_execute", record)
    yield statements
    sa.event.remove(Engine, "before_cursor_execute", record)


def build_store() -> MemoryStore:
    store = MemoryStore()
    store.put("products", record_builders.build_product("mug", sku="MUG"))
    store.put("stock", record_builders.build_stock("mug", "shop", 40))
    return store


async def wait_until_quiet(statements: list[str]) -> None:
    """Wait until the channels are asked for nothing, for longer than a loop pauses after a failure."""

    async def is_quiet() -> bool:
        if not any(map(_is_first_heartbeat, statements)):  # the background tasks have not begun
            return False
        before = len(statements)
        await asyncio.sleep(1.2 * background_tasks.RETRY_AFTER_FAILURE)
        return len([one for one in statements[before:] if "data_version" not in one]) < CHANNELS

    await wait_for(is_quiet, 90)


@pytest.mark.long
async def test_an_idle_gateway_runs_few_statements_and_locks_nothing(database_url: str) -> None:
    stores = {f"channel-{number}": build_store() for number in range(CHANNELS)}
    with record_statements() as statements:
        async with run_in_background(database_url, stores, get_utc_now):
            await wait_until_quiet(statements)
            statements.clear()
            await asyncio.sleep(2 * background_tasks.IDLE_INTERVAL)
            found = [one for one in statements if "data_version" not in one]
    assert 0 < len(found) / (2 * background_tasks.IDLE_INTERVAL) < 5
    assert sum("INSERT INTO leases" in one for one in found) <= 1  # a heartbeat
    for statement in [one for one in found if not _is_heartbeat(one)]:
        assert statement.lstrip().startswith("SELECT") and "FOR UPDATE" not in statement, statement


def _is_first_heartbeat(statement: str) -> bool:
    """Whether the statement locks the channels that a process serves."""
    return "FROM channels" in statement and " IN (" in statement


def _is_heartbeat(statement: str) -> bool:
    """Whether a statement belongs to the one write of an idle gateway, or to the checkpoint after it."""
    return "leases" in statement or statement == "BEGIN IMMEDIATE" or "wal_checkpoint" in statement


async def test_work_that_another_process_leaves_is_noticed(database_url: str) -> None:
    clock, store = Clock(), build_store()
    async with run_in_background(database_url, {"till": store}, clock) as gateway:
        before = count_pages(store)
        clock.forward(minutes=5)
        async with run_gateway(database_url, {"till": store}, clock, {"till": RARELY}) as other:
            await other.request_sync("till")

        async def is_read() -> bool:
            return count_pages(store) > before

        await wait_for(is_read, background_tasks.IDLE_INTERVAL - 1)
        assert gateway.database.availability.is_available


def count_pages(store: MemoryStore) -> int:
    return [call.method for call in store.calls].count("page")


async def test_a_pass_that_becomes_due_is_read_then(database_url: str) -> None:
    store = build_store()
    often = {**RARELY, "every": {**RARELY["every"], "products": "300ms"}}
    async with run_gateway(database_url, {"till": store}, get_utc_now, {"till": often}) as gateway:
        await gateway.run_due()
        running, before = asyncio.create_task(gateway.background.run()), count_pages(store)

        async def is_read_often() -> bool:
            return count_pages(store) >= before + 4

        await wait_for(is_read_often, 6)
        running.cancel()
        await asyncio.wait([running])


async def test_a_change_by_this_process_gets_its_position_soon(database_url: str) -> None:
    async with run_in_background(database_url, {"till": build_store()}, get_utc_now) as gateway:

        async def has_no_unstamped() -> bool:
            return not await gateway.database.read(change_log.has_unstamped)

        await wait_for(has_no_unstamped)
        await gateway.database.write(change_log.log_change, "PRODUCT", [("x", 1)], get_utc_now())
        await wait_for(has_no_unstamped, 2)


async def test_a_transaction_that_changes_nothing_wakes_no_one(database_url: str) -> None:
    async with run_gateway(database_url, {}, Clock()) as gateway:
        changes: list[int] = []
        gateway.database.changes.subscribe(lambda: changes.append(1))
        await gateway.database.write(change_log.stamp_changes)
        assert changes == []
        await gateway.database.write(change_log.log_change, "PRODUCT", [("x", 1)], get_utc_now())
        assert changes == [1]
