"""From a sale at the till to the push to the web store: both are in memory and respond immediately."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bench.databases import create_databases
from bench.timing import Seconds, summarize
from gateway.channels.plugin_registry import discover
from gateway.commerce.context import SellingContext
from gateway.commerce.push import followers
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk import SetStock
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import Answer, Ask
from gateway.sdk.testing.memory_channel import MemoryPlugin, MemoryStore
from gateway.settings.loading import parse

THINGS = 50
PLENTY = 1_000_000
POLLED = 0.25
"""Seconds between two polls of the till's stock."""

TABLES: Mapping[str, Any] = {
    "channels": {
        "till": {"plugin": "memory", "every": {"stock": "250ms"}, "config": {"writes": ["adjust"]}},
        "web": {"plugin": "memory", "config": {"writes": ["set"], "read_your_writes": True}},
    },
    "locations": {
        "shop": {"name": "The shop", "kind": "STORE", "authority": "till", "channels": {"till": "shop", "web": "shop"}}
    },
}


@dataclass
class EventRecorder:
    """Records when a count of the till was stored, and when a quantity was sent to the web store."""

    stored: Seconds = field(default_factory=Seconds)
    sent: asyncio.Queue[tuple[int, float]] = field(default_factory=asyncio.Queue)

    async def record_command(self, ask: Ask, answer: Answer) -> Any:
        """Record the quantity sent to the web store."""
        at = time.perf_counter()
        for command in ask.commands:
            if isinstance(command, SetStock):
                self._loop.call_soon_threadsafe(self.sent.put_nowait, (command.quantity, at))
        return await answer()

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()


async def measure(*, sales: int, seed: int) -> dict[str, float]:
    """Measure the milliseconds from a sale until it is stored, and from then until the remaining quantity is sent."""
    async with create_databases("sqlite") as (url, _), _open_world(url) as (gateway, till, watch):
        serving = asyncio.create_task(gateway.background.run())
        seen, sent = Seconds(), Seconds()
        with _record_commits(watch):
            for n in range(sales):
                await asyncio.sleep((n * 37 + seed) % 100 / 100 * POLLED)  # sales are not aligned with polls
                sold, stored, sent_at = await _measure_sale(till, watch, n)
                seen.append(stored - sold)
                sent.append(sent_at - stored)
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    return summarize("seen", seen) | summarize("sent", sent)


async def _measure_sale(till: MemoryStore, watch: EventRecorder, n: int) -> tuple[float, float, float]:
    """Measure when a product was sold, when the count was stored, and when the quantity was sent."""
    left, sold = PLENTY - 1 - n, time.perf_counter()
    till.change("stock", f"t{n % THINGS}@shop", on_hand=left)
    while True:
        quantity, sent_at = await asyncio.wait_for(watch.sent.get(), 30)
        if quantity == left:
            return sold, min(at for at in watch.stored if at > sold), sent_at


@contextlib.asynccontextmanager
async def _open_world(url: str) -> AsyncIterator[tuple[Gateway, MemoryStore, EventRecorder]]:
    """Open a gateway that has synced both channels, with the push to the web store armed."""
    stores, watch = {"till": MemoryStore(), "web": MemoryStore()}, EventRecorder()
    for key, store in stores.items():
        for n in range(THINGS):
            store.put("products", record_builders.build_product(f"{key[0]}{n}", sku=f"THING-{n}", price="2.50"))
            store.put("stock", record_builders.build_stock(f"{key[0]}{n}", "shop", PLENTY))
    stores["web"].apply(watch.record_command, method="send")
    found = discover(MemoryPlugin(stores), points=())
    async with open_gateway(parse({"database": url, **TABLES}, {}), plugins=found) as gateway:
        await gateway.run_due()
        await gateway.database.write(followers.arm_follower, "web", SellingContext(gateway.selling, gateway.now()))
        await gateway.run_due()
        yield gateway, stores["till"], watch


@contextlib.contextmanager
def _record_commits(watch: EventRecorder) -> Iterator[None]:
    """Record the commits of transactions that change a count."""
    here = threading.local()

    def execute(_conn: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        counts = statement.startswith("UPDATE stock") and "'till'" in str(values)
        here.counts = getattr(here, "counts", False) or counts

    def commit(_conn: object) -> None:
        here.commits = True

    def check_in(*_: object) -> None:
        if getattr(here, "commits", False) and getattr(here, "counts", False):
            watch.stored.append(time.perf_counter())
        here.commits = here.counts = False

    listeners: Sequence[tuple[Any, str, Any]] = (
        (Engine, "before_cursor_execute", execute),
        (Engine, "commit", commit),
        (sa.pool.Pool, "checkin", check_in),
    )
    for target, name, listener in listeners:
        sa.event.listen(target, name, listener)
    try:
        yield
    finally:
        for target, name, listener in listeners:
            sa.event.remove(target, name, listener)
