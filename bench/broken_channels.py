"""The effect of a broken channel on queries with and without live reads."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from bench.asgi_gateway import PRODUCTS, Client, open_goods_gateway
from bench.databases import create_databases
from bench.synthetic_channel import Goods
from bench.timing import summarize, time_runs
from gateway.runtime.gateway import Gateway
from gateway.sdk import UnavailableError
from gateway.sdk.testing import fault_injection, record_builders
from gateway.sdk.testing.fault_injection import Fault
from gateway.sdk.testing.memory_channel import MemoryPlugin, MemoryStore

DEADLINE = 0.5
LIVE = 5
STOCKS = """query ($ids: [ID!]!) {
  stocks(variantIds: $ids, maxAgeSeconds: 0, channelKey: "annex") { available sources { state } } }"""
LISTED = '{ products(first: 20, filter: {channelKeys: ["annex"]}) { nodes { variants { nodes { id } } } } }'
FAULTS: dict[str, Callable[[threading.Event], Fault]] = {
    "down": lambda _: fault_injection.raise_error(UnavailableError("down")),
    "hangs": lambda _: fault_injection.Barrier(),
    "sleeps": fault_injection.block_thread,
    "spins": fault_injection.spin_thread,
}


@dataclass(frozen=True)
class BrokenChannelWorld:
    """A gateway with a working channel and another one, `annex`, that is broken during the measurement."""

    gateway: Gateway
    client: Client
    store: MemoryStore
    ids: list[str]


async def measure(*, fault: str, products: int, queries: int, seed: int) -> dict[str, float]:
    """Measure both kinds of queries without faults, then with this fault."""
    async with open_world(Goods(products=products, seed=seed)) as built:
        serving = asyncio.create_task(built.gateway.background.run())
        quiet = await _measure_queries("quiet", built, queries)
        ended = threading.Event()
        built.store.apply(FAULTS[fault](ended))
        try:
            await _wait_for_fault(built)
            found = await _measure_queries("broken", built, queries)
        finally:
            ended.set()
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
    return quiet | found | {"deadline": DEADLINE * 1000, "interval": sys.getswitchinterval() * 1000}


@contextlib.asynccontextmanager
async def open_world(goods: Goods) -> AsyncIterator[BrokenChannelWorld]:
    """Open the gateway, synced."""
    store = MemoryStore()
    for n in range(20):
        store.put("products", record_builders.build_product(f"a{n}", sku=f"ANNEX-{n}", price="3.00"))
        store.put("stock", record_builders.build_stock(f"a{n}", "annex", n))
    tables: dict[str, Any] = {
        "channels": {"annex": {"plugin": "memory", "live_deadline": f"{DEADLINE}s", "every": {"products": "250ms"}}},
        "locations": {"annex": {"name": "A", "kind": "STORE", "authority": "annex", "channels": {"annex": "annex"}}},
    }
    async with (
        create_databases("sqlite") as (url, _),
        open_goods_gateway(url, goods, MemoryPlugin(store), **tables) as gateway,
    ):
        await gateway.run_due()
        client = Client(gateway)
        await time_runs(lambda: client.query(PRODUCTS, first=20), 10)
        found = await client.query(LISTED)
        ids = [node["variants"]["nodes"][0]["id"] for node in found["products"]["nodes"]]
        yield BrokenChannelWorld(gateway, client, store, ids)


async def _wait_for_fault(built: BrokenChannelWorld) -> None:
    """Wait until the fault has affected a call."""
    asked = len(built.store.calls)
    while len(built.store.calls) == asked:  # noqa: ASYNC110 the store has no event for this
        await asyncio.sleep(0.05)


async def _measure_queries(name: str, built: BrokenChannelWorld, queries: int) -> dict[str, float]:
    async def query_live() -> None:
        states = {one["sources"][0]["state"] for one in (await built.client.query(STOCKS, ids=built.ids))["stocks"]}
        if states != {"FRESH" if name == "quiet" else "FAILED"}:
            raise AssertionError(f"the states of the live stocks are {states}")

    still = await time_runs(lambda: built.client.query(PRODUCTS, first=20), queries)
    return summarize(name, still) | summarize(f"{name}_live", await time_runs(query_live, LIVE))
