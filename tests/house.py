"""A gateway for tests: with in-memory channels, on any database, under a clock that the test moves."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.channels.plugins import discover
from gateway.runtime import Gateway, open_gateway
from gateway.sdk.testing.memory import MemoryPlugin, MemoryStore
from gateway.settings import parse

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class Clock:
    """The time, as the test sets it."""

    def __init__(self, start: datetime = START) -> None:
        self.time = start

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **amount: float) -> None:
        """Let so much time pass."""
        self.time += timedelta(**amount)


def configuration(url: str, channels: Mapping[str, Mapping[str, Any]], **tables: Any) -> dict[str, Any]:
    """A configuration with these in-memory channels. Requests wait, however busy other tests keep the machine."""
    return {
        "database": url,
        "limits": {"crowd_waits": "5m"},
        "channels": {key: {"plugin": "memory", **table} for key, table in channels.items()},
        **tables,
    }


@contextlib.asynccontextmanager
async def running(
    url: str,
    stores: Mapping[str, MemoryStore],
    clock: Clock,
    channels: Mapping[str, Mapping[str, Any]] | None = None,
    **tables: Any,
) -> AsyncIterator[Gateway]:
    """A gateway whose channels are these stores, and which leaves no gaps for others that write."""
    plugins = discover(MemoryPlugin(stores), points=())
    document = configuration(url, channels or {key: {} for key in stores}, **tables)
    async with open_gateway(parse(document, {}), plugins=plugins, clock=clock) as gateway:
        gateway.turns.gap = 0
        yield gateway
