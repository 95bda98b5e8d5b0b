"""A gateway for tests: in-memory channels, any database, and a manual clock."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk.testing.memory_channel import MemoryPlugin, MemoryStore
from gateway.settings.loading import parse

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class Clock:
    """A clock that the test sets."""

    def __init__(self, start: datetime = START) -> None:
        self.time = start

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **amount: float) -> None:
        """Advance the clock."""
        self.time += timedelta(**amount)


def stop_caches(gateway: Gateway) -> None:
    """Answer nothing from the caches of responses, rendered objects and known products from now on."""
    for cache in (gateway.responses, gateway.rendered, gateway.known_products):
        cache.is_enabled = False


def build_configuration(url: str, channels: Mapping[str, Mapping[str, Any]], **tables: Any) -> dict[str, Any]:
    """Build a configuration with these in-memory channels, which sell to anyone. Requests queue for as long as other
    tests keep the machine busy.
    """
    return {
        "database": url,
        "limits": {"queue_timeout": "5m"},
        "channels": {key: {"plugin": "memory", "sells_to": "anyone", **table} for key, table in channels.items()},
        **tables,
    }


@contextlib.asynccontextmanager
async def run_gateway(
    url: str,
    stores: Mapping[str, MemoryStore],
    clock: Callable[[], datetime],
    channels: Mapping[str, Mapping[str, Any]] | None = None,
    **tables: Any,
) -> AsyncIterator[Gateway]:
    """Run a gateway with these stores as channels."""
    plugins = discover(MemoryPlugin(stores), points=())
    document = build_configuration(url, channels or {key: {} for key in stores}, **tables)
    async with open_gateway(parse(document, {}), plugins=plugins, clock=clock) as gateway:
        gateway.write_throttle.gap = 0
        yield gateway
