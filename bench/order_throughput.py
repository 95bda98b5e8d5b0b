"""Orders per second: several gateways with one database, on the same machine as their clients."""

from __future__ import annotations

import asyncio

from bench.databases import create_databases
from bench.order_process import open_selling_gateway
from bench.timing import compute_percentile, summarize
from tests.commerce.processes import run_processes


async def measure(*, dialect: str, processes: int, orders: int, seed: int) -> dict[str, float]:
    """Measure the orders per second, the time of each, and the CPU time per order in the gateway and the database."""
    async with create_databases(dialect) as (url, _):
        async with open_selling_gateway(url) as gateway:
            await gateway.run_due()
        results = await asyncio.to_thread(
            run_processes, "bench.order_process", processes, url, orders // processes, seed
        )
    taken = [seconds for one in results for seconds in one["taken"]]
    lasted = max(one["ended"] for one in results) - min(one["begun"] for one in results)
    return summarize("order", taken) | {
        "order_p95": 1000 * compute_percentile(taken, 0.95),
        "rate": len(taken) / lasted,
        "gateway_cpu": 1000 * sum(one["cpu"] for one in results) / len(taken),
        "database_cpu": 1000 * max(one["database"] for one in results) / len(taken),
    }
