"""The log and `gateway doctor` say how much memory the caches of a process take, and may take."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path

import pytest

from gateway.execution.caching.cache_sizes import CacheSizes, SizedCache
from gateway.execution.caching.lru_cache import WeightedLRU
from tests.conditions import wait_for
from tests.databases import create_sqlite_database
from tests.graphql.world import open_small_world

pytestmark = pytest.mark.anyio

CACHES = (
    "responses",
    "rendered",
    "templates",
    "products",
    "facets",
    "documents",
    "plans",
    "costs",
    "operations",
    "requests",
)
LISTS = ("{ products(first: 5) { nodes { title } } }", "{ products(first: 5) { facets { key } } }")


async def test_the_log_has_what_each_cache_takes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.runtime.gateway")
    async with open_small_world(create_sqlite_database(tmp_path / "gateway.db")) as world:
        for text in LISTS * 4:
            await world.client.fetch_data(text)
        running = asyncio.create_task(world.gateway.background.run())
        await wait_for(lambda: find_line(caplog))
        running.cancel()
        await asyncio.wait([running])
    (line,) = [record.getMessage() for record in caplog.records if record.getMessage().startswith("caches: ")]
    counts = dict(re.findall(r"(\w+) [\d.]+ of \d+ MB \(([\d,]+)\)", line))
    assert set(counts) == set(CACHES)
    assert "0" not in counts.values(), line


async def find_line(caplog: pytest.LogCaptureFixture) -> bool:
    return any(record.getMessage().startswith("caches: ") for record in caplog.records)


def test_sizes_are_those_of_all_parts() -> None:
    first, second = WeightedLRU[int](6_000_000), WeightedLRU[int](3_000_000)
    first.put("a", 1, 400_000)
    second.put("b", 2, 600_000)
    sizes = CacheSizes([SizedCache("plans", (first, second), 1.5), SizedCache("facets", ())])
    assert sizes.describe() == "plans 1.5 of 14 MB (2), facets 0.0 of 0 MB (0), together 1.5 MB"
    sizes.add([SizedCache("facets", (second,), 10)])
    assert sizes.describe_limits() == "plans 14 MB, facets 30 MB, together 44 MB of each process"
