"""A syncing gateway in a separate process, to be killed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bench.synthetic_channel import Goods, GoodsPlugin
from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import open_gateway
from gateway.settings.loading import parse
from tests.gateways import START, Clock
from tests.sync.database_state import State, select_state


def build_goods(edition: int) -> Goods:
    """Build the goods of the channel."""
    return Goods(products=150, seed=7, sizes=2, locations=("shop", "outlet"), tills=100, edition=edition)


def sync(url: str, edition: int, hours: int) -> None:
    """Sync to completion, unless killed before. `hours`: offset of the clock, so that leases of killed processes have
    expired.
    """
    asyncio.run(_sync(url, edition, hours))


def sync_and_read(url: str, edition: int, hours: int) -> State:
    """Sync to completion and return the resulting state."""
    return asyncio.run(_sync(url, edition, hours))


async def _sync(url: str, edition: int, hours: int) -> State:
    clock = Clock(START + timedelta(hours=2 * hours))
    document = {"database": url, "channels": {"web": {"plugin": "goods"}}}
    found = discover(GoodsPlugin(build_goods(edition)), points=())
    async with open_gateway(parse(document, {}), plugins=found, clock=clock) as gateway:
        gateway.write_throttle.is_throttled = True  # in many small transactions
        await gateway.run_due()
        return await gateway.database.read(select_state)


def read_known(url: str) -> State:
    """Return the state that a gateway finds when it opens this database, before it syncs."""
    return asyncio.run(_read_known(url))


async def _read_known(url: str) -> State:
    async with open_gateway(parse({"database": url}, {}), plugins=discover(points=())) as gateway:
        return await gateway.database.read(select_state)
