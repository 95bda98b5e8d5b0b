"""Orders of channels that answer at once: alone, and beside a sync that writes all the while (rule L1)."""

from __future__ import annotations

import asyncio
import contextlib

from gateway.sdk.testing.memory import MemoryPlugin
from tests.bench.beside import behind
from tests.bench.databases import two_databases
from tests.bench.goods import Goods
from tests.bench.house import Client, gateway_over
from tests.bench.shoppers import TABLES, Shoppers, stores
from tests.bench.times import Seconds, once, percentile, summary

FEWEST = 20
"""Orders beside the sync, for a figure that says anything."""


async def measure(*, products: int, orders: int, seed: int) -> dict[str, float]:
    """Milliseconds of `orderPlace`: nothing else going on, and while another channel's whole catalogue changes."""
    goods, plugin = Goods(products=products, seed=seed), MemoryPlugin(stores())
    async with two_databases("sqlite") as (url, _), gateway_over(url, goods, plugin, **TABLES) as gateway:
        await gateway.run_due()
        shoppers, serving = await Shoppers.of(Client(gateway), seed), asyncio.create_task(gateway.serve())
        await _ordering(shoppers, 10)
        alone, beside = await _ordering(shoppers, orders), Seconds()
        goods.edition += 1
        await gateway.make_due("web")
        while await gateway.database.read(behind, goods.edition):
            beside += await _ordering(shoppers, 5)
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    if len(beside) < FEWEST:
        raise AssertionError(f"the sync was over after {len(beside)} orders: give it more products")
    return _summary("alone", alone) | _summary("beside", beside)


async def _ordering(shoppers: Shoppers, orders: int) -> Seconds:
    """One after the other; how a cart is filled is not counted."""
    taken: Seconds = []
    for _ in range(orders):
        wish = await shoppers.wish()
        taken.append(await once(lambda wish=wish: shoppers.order(wish)))  # type: ignore[misc]
    return taken


def _summary(name: str, taken: Seconds) -> dict[str, float]:
    return summary(name, taken) | {f"{name}_p95": 1000 * percentile(taken, 0.95)}
