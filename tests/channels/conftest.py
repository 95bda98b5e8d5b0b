"""In-memory channels, opened through the real channel guard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.channels.loader import open_channels
from gateway.channels.open_channel import OpenChannel
from gateway.channels.plugin_registry import discover
from gateway.channels.rate_budget import UnlimitedBucketStore
from gateway.sdk.testing.memory_channel import MemoryPlugin, MemoryStore
from gateway.settings.loading import parse

OpenMemory = Callable[..., AbstractAsyncContextManager[OpenChannel]]


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2025, 1, 6, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_(self, span: timedelta) -> None:
        self.time += span


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def open_memory(store: MemoryStore, clock: Clock) -> OpenMemory:
    """Opens the store as the channel `till`, with the given configuration."""

    @asynccontextmanager
    async def open_with(**config: Any) -> AsyncIterator[OpenChannel]:
        settings = parse({"channels": {"till": {"plugin": "memory", "config": config}}})
        channels = await open_channels(
            settings, discover(MemoryPlugin(store), points=()), clock, UnlimitedBucketStore()
        )
        assert not channels.problems
        try:
            yield channels.open["till"]
        finally:
            await channels.close()

    return open_with
