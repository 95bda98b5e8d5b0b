"""A gateway in a process whose clients place orders in parallel: `python -m bench.order_process URL ORDERS SEED`.

Prints `ready` when the carts are filled, starts on a line of input, and prints the result as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from bench.asgi_gateway import TOKEN, Client
from bench.order_world import TABLES, OrderClients, create_stores
from bench.process_usage import find_server, get_cpu_seconds
from bench.timing import Seconds, time_once
from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk.testing.memory_channel import MemoryPlugin
from gateway.settings.loading import parse

AT_ONCE = 8
WARMING = 10


@contextlib.asynccontextmanager
async def open_selling_gateway(url: str, **tables: Any) -> AsyncIterator[Gateway]:
    """Open a gateway whose channels accept commands immediately. `tables`: configuration merged into its own."""
    tokens = {"bench": {"token": TOKEN, "kind": "ADMIN", "scopes": ["*"]}}
    found = discover(MemoryPlugin(create_stores()), points=())
    document = {"database": url, "tokens": tokens, **TABLES, **tables}
    async with open_gateway(parse(document, {}), plugins=found) as gateway:
        yield gateway


async def main(url: str, orders: int, seed: int) -> None:
    async with open_selling_gateway(url) as gateway:
        clients, serving = (
            await OrderClients.create(Client(gateway), seed),
            asyncio.create_task(gateway.background.run()),
        )
        for _ in range(WARMING):
            await clients.submit_order(await clients.prepare_order())
        order_inputs = [await clients.prepare_order() for _ in range(orders)]
        server = await gateway.database.read(find_server)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print(json.dumps(await _run_orders(clients, order_inputs, server)), flush=True)
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def _run_orders(clients: OrderClients, order_inputs: list[dict[str, Any]], server: int) -> dict[str, Any]:
    """Place all orders; measure when, how long each took, and the CPU time of this process and the database."""
    left, taken = iter(order_inputs), Seconds()
    begun, cpu, database = time.monotonic(), time.process_time(), get_cpu_seconds(server)
    await asyncio.gather(*(_submit_orders(clients, left, taken) for _ in range(AT_ONCE)))
    return {
        "begun": begun,
        "ended": time.monotonic(),
        "taken": taken,
        "cpu": time.process_time() - cpu,
        "database": get_cpu_seconds(server) - database,
    }


async def _submit_orders(clients: OrderClients, left: Iterator[Mapping[str, Any]], taken: Seconds) -> None:
    for order_input in left:
        taken.append(await time_once(lambda order_input=order_input: clients.submit_order(order_input)))  # type: ignore[misc]


def run(url: str, orders: int, seed: int) -> None:
    """Run on the faster event loop if it is installed, as the program does."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        asyncio.run(main(url, orders, seed))
        return
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(main(url, orders, seed))


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
