"""A gateway that syncs in a process of its own, so that it can be killed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from gateway.channels.plugins import discover
from gateway.runtime import open_gateway
from gateway.settings import parse
from tests.bench.goods import Goods, GoodsPlugin
from tests.house import START, Clock
from tests.sync.state import State, state


def goods(edition: int) -> Goods:
    """What the channel has."""
    return Goods(products=150, seed=7, sizes=2, places=("shop", "outlet"), tills=100, edition=edition)


def sync(url: str, edition: int, hours: int) -> None:
    """Sync to the end, unless that comes sooner. `hours`: how late it is; leases of the dead have expired by then."""
    asyncio.run(_sync(url, edition, hours))


def synced(url: str, edition: int, hours: int) -> State:
    """As `sync`, and what is known then."""
    return asyncio.run(_sync(url, edition, hours))


async def _sync(url: str, edition: int, hours: int) -> State:
    clock = Clock(START + timedelta(hours=2 * hours))
    document = {"database": url, "channels": {"web": {"plugin": "goods"}}}
    found = discover(GoodsPlugin(goods(edition)), points=())
    async with open_gateway(parse(document, {}), plugins=found, clock=clock) as gateway:
        gateway.turns.beside_others = True  # in many small transactions
        await gateway.run_due()
        return await gateway.database.read(state)


def known(url: str) -> State:
    """What a gateway that opens this database knows, before it syncs anything."""
    return asyncio.run(_known(url))


async def _known(url: str) -> State:
    async with open_gateway(parse({"database": url}, {}), plugins=discover(points=())) as gateway:
        return await gateway.database.read(state)
