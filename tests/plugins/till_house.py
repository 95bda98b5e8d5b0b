"""A till behind a real gateway, beside a web store that sells from the till's shop."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.channels.guard import OpenChannel
from gateway.channels.plugins import discover
from gateway.runtime import Gateway, open_gateway
from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryPlugin, MemoryStore
from gateway.sdk.testing.sandbox import World, small_world
from gateway.settings import parse
from gateway.storage import tables
from gateway_sqlpos.sandbox import TillSandbox, open_sandbox, schema
from gateway_sqlpos.sandbox.loading import product_id
from tests.databases import sqlite_database
from tests.graphql.world import ADMIN, TOKENS, Client, client_of
from tests.house import Clock

TEA = product_id("TEA-1")
LOCATIONS: Mapping[str, Any] = {
    "london": {
        "name": "London",
        "kind": "STORE",
        "authority": "till",
        "channels": {"till": "london", "web": "l-web"},
        "fulfillment_methods": ["IN_STORE", "PICKUP", "SHIPPING"],
    },
    "leeds": {"name": "Leeds", "kind": "STORE", "authority": "till", "channels": {"till": "leeds"}},
}

_databases = itertools.count()


def web() -> MemoryStore:
    """It lists the till's tea."""
    store = MemoryStore()
    store.put("products", rows.product("w-tea", sku="TEA-1", gtin="05012345678900", price="3.06", title="Tea"))
    return store


@dataclass
class TillHouse:
    """All of it. Its steps are those of the schedule, under a clock that the test moves."""

    sandbox: TillSandbox
    web: MemoryStore
    gateway: Gateway
    clock: Clock
    client: Client

    @property
    def channel(self) -> OpenChannel:
        return self.gateway.syncing["till"].channel

    async def later(self, **amount: float) -> None:
        """So much later, when every feed has been read."""
        self.clock.forward(**(amount or {"minutes": 10}))
        for key in self.gateway.syncing:
            await self.gateway.make_due(key)
        await self.gateway.run_due()

    async def web_sells(self, quantity: int, number: str = "w-9") -> None:
        """The web store sells tea from the shop; the gateway hears of it and tells the till."""
        line = rows.line("1", "w-tea", quantity, place="l-web")
        self.web.put("orders", rows.order(number, [line], stock_posted=True))
        await self.later()

    async def counted(self, sku: str = "TEA-1", place: str = "london") -> list[float]:
        """The rows in which the till counts this, the smallest first."""
        counts = schema.stockcurrent.c
        chosen = sa.select(counts.units).where(counts.product == product_id(sku), counts.location == place)
        return sorted(await self.selected(chosen))

    async def diary(self) -> list[Any]:
        """Our rows in the till's ledger, the oldest first."""
        diary = schema.stockdiary
        chosen = sa.select(diary).where(diary.c.id.like("gw-%")).order_by(diary.c.datenew, diary.c.id)
        return await self.sandbox.run(lambda conn: list(conn.execute(chosen)))

    async def rows(self, table: sa.Table) -> list[Any]:
        """All that stands in a table of the till."""
        return await self.sandbox.run(lambda conn: list(conn.execute(sa.select(table).order_by(*table.c[:1]))))

    async def everything(self) -> dict[str, list[Any]]:
        """All that stands in the till."""
        return {table.name: await self.rows(table) for table in schema.metadata.sorted_tables}

    async def orders(self) -> list[Any]:
        """All orders, ours before their copies."""
        chosen = sa.select(tables.orders).order_by(tables.orders.c.attached_to.is_not(None), tables.orders.c.id)
        return await self.gateway.database.read(lambda conn: list(conn.execute(chosen)))

    async def selected(self, statement: sa.Select[Any]) -> list[Any]:
        return await self.sandbox.run(lambda conn: list(conn.scalars(statement)))

    async def execute(self, *statements: sa.Executable) -> None:
        """Write to the till behind its back."""

        def work(conn: Connection) -> None:
            for statement in statements:
                conn.execute(statement)

        await self.sandbox.run(work)

    async def states(self) -> list[str]:
        """What has become of everything that was ever spoken for."""
        chosen = sa.select(tables.reservations.c.state).order_by(tables.reservations.c.id)
        return await self.gateway.database.read(lambda conn: list(conn.scalars(chosen)))

    async def counter(self, item: str = TEA, place: str = "london") -> tuple[int, int]:
        """What the gateway knows to be there, and how much of it is spoken for."""
        stock = tables.stock.c
        chosen = sa.select(stock.on_hand, stock.held).where(stock.item == item, stock.place == place)
        row = await self.gateway.database.read(lambda conn: conn.execute(chosen).one())
        return row.on_hand, row.held

    async def outbox(self) -> list[Any]:
        """What was wished of the till."""
        box = tables.outbox
        chosen = sa.select(box).where(box.c.channel == "till").order_by(box.c.id)
        return await self.gateway.database.read(lambda conn: list(conn.execute(chosen)))


@contextlib.asynccontextmanager
async def till_house(
    till_url: str, directory: Path, there: World | None = None, *, prepared: Iterable[sa.Executable] = (), **config: Any
) -> AsyncIterator[TillHouse]:
    """A sandbox that holds this world, and a gateway that has read it. `prepared`: done to the till before that."""
    sandbox = await open_sandbox(till_url, there or replace(small_world(), receipts=()))
    store, clock = web(), Clock()
    channels = {
        "till": {"plugin": "sqlpos", "config": {**sandbox.config, **config}},
        "web": {"plugin": "memory", "config": {"read_your_writes": True}},
    }
    document = {
        "database": sqlite_database(directory / f"gateway-{next(_databases)}.db"),
        "tokens": TOKENS,
        "channels": channels,
        "locations": LOCATIONS,
        "catalogue": {"priority": ["web", "till"]},
        "stock": {"default_channel": "till"},
        "selling": {"tax_rate": "0.2", "shipping": {"GBP": "3.00"}},
    }
    try:
        for statement in prepared:
            await sandbox.run(lambda conn, one=statement: conn.execute(one) and None)  # type: ignore[misc]
        plugins = discover(MemoryPlugin({"web": store}))
        async with open_gateway(parse(document, {}), plugins=plugins, clock=clock) as gateway:
            gateway.turns.gap = 0
            async with client_of(gateway) as client:
                await gateway.run_due()
                yield TillHouse(sandbox, store, gateway, clock, client)
    finally:
        await sandbox.close()


__all__ = ["ADMIN", "LOCATIONS", "TEA", "TillHouse", "till_house", "web"]
