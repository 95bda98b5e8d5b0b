"""What an operator must see is logged once per change of its state."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.runtime.gateway import Gateway
from gateway.runtime.status_log import StatusLog
from gateway.sdk.errors import UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import block_thread, omit_records, raise_error, spin_thread
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import outbox
from gateway.storage.database import Connection
from gateway.storage.outbox import OutboxRow
from gateway.storage.tables import channels
from tests.conditions import wait_for
from tests.gateways import Clock, run_gateway

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

OFTEN: Mapping[str, Any] = {"every": {"products": "1m", "stock": "7d", "customers": "7d", "orders": "7d"}}
LOGGER = "gateway.runtime.status_log"


@dataclass
class Till:
    """A gateway with one channel, and its status log."""

    gateway: Gateway
    store: MemoryStore
    clock: Clock
    log: StatusLog
    caplog: pytest.LogCaptureFixture

    async def run(self, minutes: float = 2) -> None:
        """Run what is due after some minutes, and look twice."""
        self.clock.forward(minutes=minutes)
        await self.gateway.run_due()
        await self.log.observe()
        await self.log.observe()

    def read(self) -> list[tuple[str, str]]:
        """Read the levels and the messages that were logged since the last time."""
        lines = [(record.levelname, record.getMessage()) for record in self.caplog.records if record.name == LOGGER]
        self.caplog.clear()
        return lines


@pytest.fixture
async def till(database_url: str, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Till]:
    store, clock = MemoryStore(), Clock()
    store.put("products", record_builders.build_product("1"))
    with caplog.at_level(logging.INFO):
        async with run_gateway(database_url, {"till": store}, clock, {"till": OFTEN}) as gateway:
            till = Till(gateway, store, clock, StatusLog(gateway), caplog)
            await till.run(0)
            till.read()
            yield till
            store.mend()


async def test_a_channel_that_goes_down_and_comes_back_is_one_line_per_state(till: Till) -> None:
    with till.store.under(raise_error(UnavailableError("the line is down"))):
        for _ in range(6):
            await till.run()
    down = till.read()
    await till.run(20)
    back = till.read()
    assert [level for level, _ in down] == ["WARNING", "ERROR"]
    assert down[0][1].startswith("channel till is DEGRADED: UNAVAILABLE: the line is down; the next call is at 09:")
    assert down[1][1].startswith("channel till is DOWN: UNAVAILABLE: ")
    assert back == [("INFO", "channel till is HEALTHY")]


async def test_the_record_has_the_channel_and_the_code_as_fields(till: Till) -> None:
    with till.store.under(raise_error(UnavailableError("the line is down"))):
        await till.run()
    (record,) = [record for record in till.caplog.records if record.name == LOGGER]
    assert (record.__dict__["channel"], record.__dict__["code"]) == ("till", "UNAVAILABLE")


async def test_the_first_rejects_of_a_feed_are_one_line_without_their_values(till: Till) -> None:
    till.store.put("products", record_builders.build_product("2", title="Ada's mug", price="-1.00"))
    await till.run()
    till.store.put("products", record_builders.build_product("3", price="-2.00"))
    await till.run()
    first = till.read()
    for id_ in ("2", "3"):
        till.store.change("products", id_, variants=[record_builders.build_variant(id_, price="2.00")])
    await till.run()
    assert first == [
        ("WARNING", "records of feed products of channel till are rejected, 1 so far: see `gateway rejects list`")
    ]
    assert till.read() == [("INFO", "no record of feed products of channel till is rejected any more")]


async def test_a_sweep_that_stops_because_too_much_is_missing_is_logged(till: Till) -> None:
    for number in range(40):
        till.store.put("products", record_builders.build_product(f"many-{number}"))
    await till.run()
    with till.store.under(omit_records(*(f"many-{number}" for number in range(40))), feed="products"):
        await till.gateway.request_sync("till", sweep=True)
        await till.run()
    (line,) = till.read()
    assert line[0] == "WARNING" and line[1].startswith("sweep products of channel till is stopped: CONTRACT_VIOLATION")


async def test_stopped_pushes_are_logged_and_that_they_continue(till: Till) -> None:
    async def store_fault(reason: str | None) -> None:
        await till.gateway.database.write(lambda conn: conn.execute(channels.update().values(push_fault=reason)))
        await till.log.observe()

    await store_fault("40 of 50 offers would be set to zero")
    await store_fault(None)
    assert till.read() == [
        ("WARNING", "pushes to channel till are stopped: 40 of 50 offers would be set to zero"),
        ("INFO", "pushes to channel till continue"),
    ]


async def test_a_dead_command_is_logged_once(till: Till) -> None:
    def store_dead(conn: Connection, key: str) -> None:
        now = till.clock()
        row = OutboxRow(
            key=key,
            channel="till",
            operation="PlaceOrder",
            subject="order 1",
            payload="{}",
            about="order",
            due_at=now,
            created_at=now,
            updated_at=now,
        )
        outbox.insert_entries(conn, [row])
        conn.exec_driver_sql("UPDATE outbox SET state = 'DEAD', fault_code = 'REJECTED'")

    for key in ("one", "two"):
        await till.gateway.database.write(store_dead, key)
        await till.log.observe()
        await till.log.observe()
    assert till.read() == [
        (
            "ERROR",
            f"command {number} (PlaceOrder) to channel till is dead (REJECTED): see `gateway outbox list --state dead`",
        )
        for number in (1, 2)
    ]


@pytest.mark.long
@pytest.mark.parametrize(("fault", "words"), [(spin_thread, "computes without a pause"), (block_thread, "sleeps")])
async def test_a_plugin_that_blocks_its_thread_is_logged_while_it_does(till: Till, fault: Any, words: str) -> None:
    thread, end = till.gateway.channel_syncs["till"].channel.thread, threading.Event()
    stuck = ("ERROR", f"the plugin of channel till does not respond: it {words}")
    responds = ("INFO", "the plugin of channel till responds again")
    lines: list[tuple[str, str]] = []
    thread._stuck_after = 1.0
    till.clock.forward(minutes=2)

    async def is_logged(line: tuple[str, str]) -> bool:
        await till.log.observe()
        # Another call of the channel may be refused meanwhile, which is logged as well.
        lines.extend(read for read in till.read() if read[1].startswith("the plugin"))
        return line in lines

    with till.store.under(fault(end), feed="products", times=1):
        running = asyncio.create_task(till.gateway.run_due())
        await wait_for(lambda: is_logged(stuck))  # on a busy machine a thread that computes sleeps at first
        assert responds not in lines
        end.set()
        await running
        await wait_for(lambda: is_logged(responds))
    assert lines[-2:] == [stuck, responds]


async def test_what_is_wrong_at_the_start_is_logged_by_the_new_process(till: Till) -> None:
    with till.store.under(raise_error(UnavailableError("the line is down"))):
        await till.run()
    till.read()
    await StatusLog(till.gateway).observe()
    assert [level for level, _ in till.read()] == ["WARNING"]


async def test_nothing_is_read_while_the_database_does_not_change(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[object] = []
    monkeypatch.setattr(till.gateway.database, "read", reads.append)
    await till.log.observe()
    assert reads == []
