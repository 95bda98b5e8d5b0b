"""Orders in channels that respond immediately: alone, and beside a sync that writes continuously (rule L1)."""

from __future__ import annotations

import asyncio
import contextlib

from bench.asgi_gateway import Client, open_goods_gateway
from bench.databases import create_databases
from bench.order_world import TABLES, OrderClients, create_stores
from bench.queries_beside_sync import is_behind
from bench.synthetic_channel import Goods
from bench.timing import Seconds, compute_percentile, summarize, time_once
from gateway.sdk.testing.memory_channel import MemoryPlugin

FEWEST = 20
"""Minimum number of orders beside the sync for a meaningful result."""


async def measure(*, products: int, orders: int, seed: int) -> dict[str, float]:
    """Measure the milliseconds of `orderPlace`: alone, and while the whole catalog of another channel changes."""
    goods, plugin = Goods(products=products, seed=seed), MemoryPlugin(create_stores())
    async with create_databases("sqlite") as (url, _), open_goods_gateway(url, goods, plugin, **TABLES) as gateway:
        await gateway.run_due()
        clients, serving = (
            await OrderClients.create(Client(gateway), seed),
            asyncio.create_task(gateway.background.run()),
        )
        await _time_orders(clients, 10)
        alone, beside = await _time_orders(clients, orders), Seconds()
        goods.edition += 1
        await gateway.request_sync("web")
        while await gateway.database.read(is_behind, goods.edition):
            beside += await _time_orders(clients, 5)
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    if len(beside) < FEWEST:
        raise AssertionError(f"the sync completed after {len(beside)} orders: increase the number of products")
    return _summarize("alone", alone) | _summarize("beside", beside)


async def _time_orders(clients: OrderClients, orders: int) -> Seconds:
    """Time orders one after the other, without filling the carts."""
    taken: Seconds = []
    for _ in range(orders):
        order_input = await clients.prepare_order()
        taken.append(await time_once(lambda order_input=order_input: clients.submit_order(order_input)))  # type: ignore[misc]
    return taken


def _summarize(name: str, taken: Seconds) -> dict[str, float]:
    return summarize(name, taken) | {f"{name}_p95": 1000 * compute_percentile(taken, 0.95)}
