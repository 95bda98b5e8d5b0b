"""Orders a second: several gateways on one database and this machine, which they share with it and their shoppers."""

from __future__ import annotations

import asyncio

from tests.bench.databases import two_databases
from tests.bench.seller import selling
from tests.bench.times import percentile, summary
from tests.commerce.processes import at_once


async def measure(*, dialect: str, processes: int, orders: int, seed: int) -> dict[str, float]:
    """How many orders a second, how long each takes meanwhile, and the computing that one takes, here and there."""
    async with two_databases(dialect) as (url, _):
        async with selling(url) as gateway:
            await gateway.run_due()
        heard = await asyncio.to_thread(at_once, "tests.bench.seller", processes, url, orders // processes, seed)
    taken = [seconds for one in heard for seconds in one["taken"]]
    lasted = max(one["ended"] for one in heard) - min(one["begun"] for one in heard)
    return summary("order", taken) | {
        "order_p95": 1000 * percentile(taken, 0.95),
        "rate": len(taken) / lasted,
        "gateway_cpu": 1000 * sum(one["cpu"] for one in heard) / len(taken),
        "database_cpu": 1000 * max(one["database"] for one in heard) / len(taken),
    }
