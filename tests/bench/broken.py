"""What a channel that is broken adds to queries: to those that ask nothing live, and to those that do."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from gateway.runtime import Gateway
from gateway.sdk import UnavailableError
from gateway.sdk.testing import faults, rows
from gateway.sdk.testing.faults import Fault
from gateway.sdk.testing.memory import MemoryPlugin, MemoryStore
from tests.bench.databases import two_databases
from tests.bench.goods import Goods
from tests.bench.house import PRODUCTS, Client, gateway_over
from tests.bench.times import summary, timed

DEADLINE = 0.5
LIVE = 5
STOCKS = """query ($ids: [ID!]!) {
  stocks(variantIds: $ids, maxAgeSeconds: 0, channelKey: "annex") { available sources { state } } }"""
LISTED = '{ products(first: 20, filter: {channelKeys: ["annex"]}) { nodes { variants { nodes { id } } } } }'
FAULTS: dict[str, Callable[[threading.Event], Fault]] = {
    "down": lambda _: faults.raising(UnavailableError("down")),
    "hangs": lambda _: faults.Gate(),
    "sleeps": faults.blocking,
    "spins": faults.spinning,
}


@dataclass(frozen=True)
class House:
    """A gateway with a channel that works and another, `annex`, that is to be broken."""

    gateway: Gateway
    client: Client
    store: MemoryStore
    ids: list[str]


async def measure(*, fault: str, products: int, queries: int, seed: int) -> dict[str, float]:
    """Both kinds of queries while all is well, and then with this fault."""
    async with house(Goods(products=products, seed=seed)) as built:
        serving = asyncio.create_task(built.gateway.serve())
        quiet = await _both("quiet", built, queries)
        ended = threading.Event()
        built.store.apply(FAULTS[fault](ended))
        try:
            await _begun(built)
            found = await _both("broken", built, queries)
        finally:
            ended.set()
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
    return quiet | found | {"deadline": DEADLINE * 1000, "interval": sys.getswitchinterval() * 1000}


@contextlib.asynccontextmanager
async def house(goods: Goods) -> AsyncIterator[House]:
    """The gateway, synced."""
    store = MemoryStore()
    for n in range(20):
        store.put("products", rows.product(f"a{n}", sku=f"ANNEX-{n}", price="3.00"))
        store.put("stock", rows.stock(f"a{n}", "annex", n))
    tables: dict[str, Any] = {
        "channels": {"annex": {"plugin": "memory", "live_deadline": f"{DEADLINE}s", "every": {"products": "250ms"}}},
        "locations": {"annex": {"name": "A", "kind": "STORE", "authority": "annex", "channels": {"annex": "annex"}}},
    }
    async with two_databases("sqlite") as (url, _), gateway_over(url, goods, MemoryPlugin(store), **tables) as gateway:
        await gateway.run_due()
        client = Client(gateway)
        await timed(lambda: client.data(PRODUCTS, first=20), 10)
        found = await client.data(LISTED)
        ids = [node["variants"]["nodes"][0]["id"] for node in found["products"]["nodes"]]
        yield House(gateway, client, store, ids)


async def _begun(built: House) -> None:
    """Wait until the fault has befallen a call."""
    asked = len(built.store.calls)
    while len(built.store.calls) == asked:  # noqa: ASYNC110 the store is no place for an event of ours
        await asyncio.sleep(0.05)


async def _both(name: str, built: House, queries: int) -> dict[str, float]:
    async def live() -> None:
        states = {one["sources"][0]["state"] for one in (await built.client.data(STOCKS, ids=built.ids))["stocks"]}
        if states != {"FRESH" if name == "quiet" else "FAILED"}:
            raise AssertionError(f"the live stocks are {states}")

    still = await timed(lambda: built.client.data(PRODUCTS, first=20), queries)
    return summary(name, still) | summary(f"{name}_live", await timed(live, LIVE))
