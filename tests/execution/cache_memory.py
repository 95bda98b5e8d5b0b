"""A process that fills caches and prints by how many megabytes it has grown, and by how many it should have at most.

Run by test_cache_memory.py. With the argument `uncopied` it keeps what the serializer and the compressor return.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from unittest.mock import patch

from bench.process_usage import get_memory
from gateway.execution.caching.cache_control import CachePolicy
from gateway.execution.caching.cache_sizes import MEGABYTE
from gateway.execution.caching.change_follower import ChangeFollower
from gateway.execution.caching.rendered_objects import RenderedObjects, RenderedSelection
from gateway.execution.caching.response_cache import ENTRY_SIZE, CachedResponse, Dependencies, ResponseCache
from gateway.execution.response import build_cached_response
from gateway.http.compression import ZSTD
from gateway.http.responses import JSON, ResponseFormat, respond
from gateway.runtime.gateway import get_utc_now
from gateway.storage.database import Database

COPYING = (
    "gateway.execution.caching.rendered_objects",
    "gateway.execution.caching.response_cache",
    "gateway.http.responses",
)
OBJECTS, RESPONSES, VARIANTS = 20_000, 2_000, 100


def store_objects(objects: RenderedObjects, count: int) -> float:
    """Cache short objects of a selection. Returns the megabytes that the cache counts."""
    selection = RenderedSelection(objects, f"plan {'scope ' * 50}", 0, on_stock=False)
    for number in range(count):
        selection.add(f"{number:032x}", {"id": f"product {number}", "price": "12.50"})
    selection.store(2)
    return objects.measure().used


async def store_responses(cache: ResponseCache, count: int) -> float:
    """Cache responses of some thousand bytes, which are sent compressed. Returns the megabytes that they contain."""
    stored = [await _store_response(cache, number) for number in range(count)]
    sizes = [ENTRY_SIZE + len(one.content) + len(one.compressed[ZSTD]) for one in stored]
    return sum(sizes) / MEGABYTE


async def _store_response(cache: ResponseCache, number: int) -> CachedResponse:
    random = Random(number)
    data = {"variants": [{"sku": f"{random.getrandbits(40):x}", "available": True} for _ in range(VARIANTS)]}
    stored = cache.store(f"{number}", data, CachePolicy(), Dependencies(on_stock=False), 0)
    await respond(build_cached_response(stored), ResponseFormat(JSON, ZSTD), {})
    return stored


async def measure(file: Path) -> dict[str, tuple[float, float]]:
    database = Database(f"sqlite:///{file}")
    changes, pid = ChangeFollower(database), os.getpid()
    objects, responses = RenderedObjects(changes, 640, get_utc_now), ResponseCache(database, changes, 640, get_utc_now)
    store_objects(objects, 10)  # what is needed once
    await store_responses(responses, 10)
    before = get_memory(pid)
    counted = store_objects(objects, OBJECTS)
    between = get_memory(pid)
    contained = await store_responses(responses, RESPONSES)
    after = get_memory(pid)
    await database.close()
    return {"rendered": (between - before, counted), "responses": (after - between, contained)}


def main() -> None:
    with TemporaryDirectory() as directory, ExitStack() as patches:
        for module in COPYING if "uncopied" in sys.argv else ():
            patches.enter_context(patch(f"{module}.copy_exactly", lambda content: content))
        print(json.dumps(asyncio.run(measure(Path(directory) / "gateway.db"))))


if __name__ == "__main__":
    main()
