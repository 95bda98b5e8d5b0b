"""Reference cycles that a query leaves behind: collecting them blocks all other requests."""

from __future__ import annotations

import asyncio
import gc

import pytest

from gateway.execution.caller import ANONYMOUS
from gateway.execution.context import Context
from tests.graphql.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

LIST = """{ products(first: 12) { nodes {
  id title availableForSale priceRange { min { amount currencyCode } } } pageInfo { hasNextPage endCursor } } }"""
TIMES = 10


async def test_a_list_leaves_little_garbage(world: World) -> None:
    await world.client.fetch_data(LIST)
    gc.collect()
    gc.disable()
    try:
        for _ in range(TIMES):
            await world.client.fetch_data(LIST)
        left = gc.collect() / TIMES
    finally:
        gc.enable()
    assert left < 400  # 1,300 where statements are compiled on each request and loaders retain what they loaded


async def test_what_was_asked_for_in_the_last_moment_is_not_loaded(world: World) -> None:
    loaded: list[str] = []

    async def load_batch(_context: Context, keys: list[str]) -> list[str]:
        loaded.extend(keys)
        return keys

    context = Context(world.gateway, ANONYMOUS, "request")
    assert await context.load(load_batch, "one") == "one"
    context.load(load_batch, "two")
    context.close()
    for _ in range(10):  # iterations of the event loop; a batch begins in the third
        await asyncio.sleep(0)
    assert loaded == ["one"]
