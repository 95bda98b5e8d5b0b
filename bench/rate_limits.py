"""The rate of a marketplace's order search by two gateways with one database, both of them restarted."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from bench.databases import create_databases
from gateway.runtime.gateway import Gateway
from gateway_amazon.client import SEARCH_ORDERS
from gateway_amazon_sandbox import start
from tests.plugins.amazon import SOON, Clock, build_world, compute_burst, count_throttled, open_account


async def measure(*, dialect: str, calls: int, scale: float) -> dict[str, float]:
    """Measure the requests, the rejected ones, and the burst that the account has to allow for them."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as directory:
        account = await start(build_world(), Path(directory), scale=scale, now=clock)
        begun = time.perf_counter()
        async with create_databases(dialect) as (url, _):
            for _ in range(2):
                async with (
                    open_account(url, account, clock, feeds=["orders"]) as one,
                    open_account(url, account, clock, feeds=["orders"]) as other,
                ):
                    await asyncio.gather(_ask(one, calls), _ask(other, calls))
        seconds = time.perf_counter() - begun
        await account.close()
    budget = SEARCH_ORDERS.budget
    asked = [one for one in account.requests if one.operation == SEARCH_ORDERS.name]
    return {
        "asked": len(asked),
        "refused": count_throttled(asked),
        "burst": compute_burst(asked, budget.per_second * scale),
        "allowed_burst": budget.capacity,
        "allowed": budget.capacity + budget.per_second * scale * seconds,
    }


async def _ask(gateway: Gateway, calls: int) -> None:
    for _ in range(calls):
        await gateway.channel_syncs["amazon"].channel.page("orders", None, None, SOON)
