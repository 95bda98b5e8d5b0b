"""How often a marketplace's search of orders is asked by two gateways on one database, both of them restarted."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from gateway.runtime import Gateway
from gateway_amazon.partner import SEARCH_ORDERS
from gateway_amazon.sandbox import start
from tests.bench.databases import two_databases
from tests.plugins.amazon import SOON, Clock, most_at_once, opened, refused, world


async def measure(*, dialect: str, calls: int, scale: float) -> dict[str, float]:
    """What was asked, what the account had to refuse, and the burst that it must allow for these requests."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as directory:
        account = await start(world(), Path(directory), scale=scale, now=clock)
        begun = time.perf_counter()
        async with two_databases(dialect) as (url, _):
            for _ in range(2):
                async with (
                    opened(url, account, clock, feeds=["orders"]) as one,
                    opened(url, account, clock, feeds=["orders"]) as other,
                ):
                    await asyncio.gather(_ask(one, calls), _ask(other, calls))
        seconds = time.perf_counter() - begun
        await account.close()
    budget = SEARCH_ORDERS.budget
    asked = [one for one in account.asked if one.operation == SEARCH_ORDERS.name]
    return {
        "asked": len(asked),
        "refused": refused(asked),
        "burst": most_at_once(asked, budget.per_second * scale),
        "allowed_burst": budget.capacity,
        "allowed": budget.capacity + budget.per_second * scale * seconds,
    }


async def _ask(gateway: Gateway, calls: int) -> None:
    for _ in range(calls):
        await gateway.syncing["amazon"].channel.page("orders", None, None, SOON)
