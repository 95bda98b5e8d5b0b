"""A gateway in a process of its own, whose shoppers all order at once: `python -m tests.bench.seller URL ORDERS SEED`.

Prints `ready` once their carts are full, begins when it is told a line, and prints how that went, as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from gateway.channels.plugins import discover
from gateway.runtime import Gateway, open_gateway
from gateway.sdk.testing.memory import MemoryPlugin
from gateway.settings import parse
from tests.bench.cpu import seconds_of, server_of
from tests.bench.house import TOKEN, Client
from tests.bench.shoppers import TABLES, Shoppers, stores
from tests.bench.times import Seconds, once

AT_ONCE = 8
WARMING = 10


@contextlib.asynccontextmanager
async def selling(url: str) -> AsyncIterator[Gateway]:
    """A gateway whose channels take what they are told at once."""
    tokens = {"bench": {"token": TOKEN, "kind": "ADMIN", "scopes": ["*"]}}
    found = discover(MemoryPlugin(stores()), points=())
    async with open_gateway(parse({"database": url, "tokens": tokens, **TABLES}, {}), plugins=found) as gateway:
        yield gateway


async def main(url: str, orders: int, seed: int) -> None:
    async with selling(url) as gateway:
        shoppers, serving = await Shoppers.of(Client(gateway), seed), asyncio.create_task(gateway.serve())
        for _ in range(WARMING):
            await shoppers.order(await shoppers.wish())
        wishes = [await shoppers.wish() for _ in range(orders)]
        server = await gateway.database.read(server_of)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print(json.dumps(await _rush(shoppers, wishes, server)), flush=True)
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def _rush(shoppers: Shoppers, wishes: list[dict[str, Any]], server: int) -> dict[str, Any]:
    """All of them; when that was, how long each took, and what this process and the database computed meanwhile."""
    left, taken = iter(wishes), Seconds()
    begun, cpu, database = time.monotonic(), time.process_time(), seconds_of(server)
    await asyncio.gather(*(_shopping(shoppers, left, taken) for _ in range(AT_ONCE)))
    return {
        "begun": begun,
        "ended": time.monotonic(),
        "taken": taken,
        "cpu": time.process_time() - cpu,
        "database": seconds_of(server) - database,
    }


async def _shopping(shoppers: Shoppers, left: Iterator[Mapping[str, Any]], taken: Seconds) -> None:
    for wish in left:
        taken.append(await once(lambda wish=wish: shoppers.order(wish)))  # type: ignore[misc]


def run(url: str, orders: int, seed: int) -> None:
    """On the quicker event loop, where there is one, as the program runs."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        asyncio.run(main(url, orders, seed))
        return
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main(url, orders, seed))


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
