"""An idle gateway: the CPU time that it takes, and the statements that it runs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bench.databases import create_databases
from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import Gateway, get_utc_now, open_gateway
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryPlugin, MemoryStore
from gateway.settings.loading import parse

SETTLE_SECONDS = 3.0
"""Seconds from the start until nothing is left to do."""

INTERVALS = {"products": "1h", "stock": "1h", "customers": "1h", "orders": "1h"}


async def measure(*, dialect: str, channels: int, gateways: int, seconds: float) -> dict[str, float]:
    """Measure idle gateways with in-memory channels: the share of a core, and statements per second, of each."""
    count = StatementCounter()
    async with create_databases(dialect) as (url, _), contextlib.AsyncExitStack() as stack:
        for _ in range(gateways):
            gateway = await stack.enter_async_context(_open_gateway(url, channels))
            await gateway.run_due()
            await stack.enter_async_context(_run_background(gateway))
        await asyncio.sleep(SETTLE_SECONDS)
        count.number, begun, computed = 0, time.monotonic(), time.process_time()
        await asyncio.sleep(seconds)
        took = (time.monotonic() - begun) * gateways
        return {"cpu": (time.process_time() - computed) / took, "statements": count.number / took}


@contextlib.asynccontextmanager
async def _open_gateway(url: str, channels: int) -> AsyncIterator[Gateway]:
    stores = {f"channel-{number}": _build_store() for number in range(channels)}
    document: dict[str, Any] = {
        "database": url,
        "channels": {key: {"plugin": "memory", "every": INTERVALS} for key in stores},
    }
    plugins = discover(MemoryPlugin(stores), points=())
    async with open_gateway(parse(document, {}), plugins=plugins, clock=get_utc_now) as gateway:
        yield gateway


def _build_store() -> MemoryStore:
    store = MemoryStore()
    store.put("products", record_builders.build_product("mug", sku="MUG"))
    store.put("stock", record_builders.build_stock("mug", "shop", 40))
    return store


@contextlib.asynccontextmanager
async def _run_background(gateway: Gateway) -> AsyncIterator[None]:
    running = asyncio.create_task(gateway.background.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


class StatementCounter:
    """Counts the statements of all engines of the process."""

    def __init__(self) -> None:
        self.number = 0
        sa.event.listen(Engine, "before_cursor_execute", self._count)

    def _count(self, *_: Any) -> None:
        self.number += 1
