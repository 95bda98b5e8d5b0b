"""From a sale at the till to the web store that is told what is left: both are memory, and answer at once."""

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

from gateway.channels.plugins import discover
from gateway.commerce import pushing
from gateway.runtime import Gateway, open_gateway
from gateway.sdk import SetStock
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import Answer, Ask
from gateway.sdk.testing.memory import MemoryPlugin, MemoryStore
from gateway.settings import parse
from tests.bench.databases import two_databases
from tests.bench.times import Seconds, summary

THINGS = 50
PLENTY = 1_000_000
POLLED = 0.25
"""Seconds between two looks at the till's stock."""

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
class Watch:
    """When things happened: a count of the till was stored, and the web store was told a quantity."""

    stored: Seconds = field(default_factory=Seconds)
    told: asyncio.Queue[tuple[int, float]] = field(default_factory=asyncio.Queue)

    async def hear(self, ask: Ask, answer: Answer) -> Any:
        """Note what the web store is told, whatever it answers."""
        at = time.perf_counter()
        for command in ask.commands:
            if isinstance(command, SetStock):
                self._loop.call_soon_threadsafe(self.told.put_nowait, (command.quantity, at))
        return await answer()

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()


async def measure(*, sales: int, seed: int) -> dict[str, float]:
    """Milliseconds from a sale until it is observed, and from then until the web store is told what is left."""
    async with two_databases("sqlite") as (url, _), _house(url) as (gateway, till, watch):
        serving = asyncio.create_task(gateway.serve())
        seen, sent = Seconds(), Seconds()
        with _storing(watch):
            for n in range(sales):
                await asyncio.sleep((n * 37 + seed) % 100 / 100 * POLLED)  # sales come when they come
                sold, stored, told = await _sale(till, watch, n)
                seen.append(stored - sold)
                sent.append(told - stored)
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    return summary("seen", seen) | summary("sent", sent)


async def _sale(till: MemoryStore, watch: Watch, n: int) -> tuple[float, float, float]:
    """When a thing was sold, when that was stored, and when the web store was told."""
    left, sold = PLENTY - 1 - n, time.perf_counter()
    till.change("stock", f"t{n % THINGS}@shop", on_hand=left)
    while True:
        quantity, told = await asyncio.wait_for(watch.told.get(), 30)
        if quantity == left:
            return sold, min(at for at in watch.stored if at > sold), told


@contextlib.asynccontextmanager
async def _house(url: str) -> AsyncIterator[tuple[Gateway, MemoryStore, Watch]]:
    """A gateway that has read both, and may tell the web store quantities."""
    stores, watch = {"till": MemoryStore(), "web": MemoryStore()}, Watch()
    for key, store in stores.items():
        for n in range(THINGS):
            store.put("products", rows.product(f"{key[0]}{n}", sku=f"THING-{n}", price="2.50"))
            store.put("stock", rows.stock(f"{key[0]}{n}", "shop", PLENTY))
    stores["web"].apply(watch.hear, method="send")
    found = discover(MemoryPlugin(stores), points=())
    async with open_gateway(parse({"database": url, **TABLES}, {}), plugins=found) as gateway:
        await gateway.run_due()
        await gateway.database.write(pushing.arm, "web", gateway.rules.ground, gateway.now())
        await gateway.run_due()
        yield gateway, stores["till"], watch


@contextlib.contextmanager
def _storing(watch: Watch) -> Iterator[None]:
    """Note when transactions that set a count were committed."""
    here = threading.local()

    def execute(_conn: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        counts = statement.startswith("UPDATE stock") and "'till'" in str(values)
        here.counts = getattr(here, "counts", False) or counts

    def commit(_conn: object) -> None:
        here.commits = True

    def given_back(*_: object) -> None:
        if getattr(here, "commits", False) and getattr(here, "counts", False):
            watch.stored.append(time.perf_counter())
        here.commits = here.counts = False

    heard: Sequence[tuple[Any, str, Any]] = (
        (Engine, "before_cursor_execute", execute),
        (Engine, "commit", commit),
        (sa.pool.Pool, "checkin", given_back),
    )
    for target, name, hear in heard:
        sa.event.listen(target, name, hear)
    try:
        yield
    finally:
        for target, name, hear in heard:
            sa.event.remove(target, name, hear)
