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

from gateway.channels.open_channel import OpenChannel
from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryPlugin, MemoryStore
from gateway.sdk.testing.sandbox import World, build_small_world
from gateway.settings.loading import parse
from gateway.storage import tables
from gateway_sqlpos_sandbox import SqlPosSandbox, open_sandbox, schema
from gateway_sqlpos_sandbox.seed import derive_product_id
from tests.databases import create_sqlite_database
from tests.gateways import Clock
from tests.graphql.world import ADMIN, TOKENS, Client, open_client

TEA = derive_product_id("TEA-1")
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


def build_web_store() -> MemoryStore:
    """Build a web store that lists the till's tea."""
    store = MemoryStore()
    store.put(
        "products",
        record_builders.build_product("w-tea", sku="TEA-1", gtin="05012345678900", price="3.06", title="Tea"),
    )
    return store


@dataclass
class TillTestbed:
    """The till, the web store, the gateway, a client and the clock. Its steps run the schedule."""

    sandbox: SqlPosSandbox
    web: MemoryStore
    gateway: Gateway
    clock: Clock
    client: Client

    @property
    def channel(self) -> OpenChannel:
        return self.gateway.channel_syncs["till"].channel

    async def advance(self, **amount: float) -> None:
        """Advance the clock and read every feed."""
        self.clock.forward(**(amount or {"minutes": 10}))
        for key in self.gateway.channel_syncs:
            await self.gateway.request_sync(key)
        await self.gateway.run_due()

    async def sell_on_web(self, quantity: int, number: str = "w-9") -> None:
        """Sell tea from the shop on the web; the gateway reads the order and sends it to the till."""
        line = record_builders.build_line("1", "w-tea", quantity, place="l-web")
        self.web.put("orders", record_builders.build_order(number, [line], stock_posted=True))
        await self.advance()

    async def list_till_counts(self, sku: str = "TEA-1", location: str = "london") -> list[float]:
        """List the rows in which the till counts this, smallest first."""
        counts = schema.stockcurrent.c
        chosen = sa.select(counts.units).where(counts.product == derive_product_id(sku), counts.location == location)
        return sorted(await self.select_values(chosen))

    async def list_diary_rows(self) -> list[Any]:
        """List our rows in the stock diary, oldest first."""
        diary = schema.stockdiary
        chosen = sa.select(diary).where(diary.c.id.like("gw-%")).order_by(diary.c.datenew, diary.c.id)
        return await self.sandbox.run(lambda conn: list(conn.execute(chosen)))

    async def list_rows(self, table: sa.Table) -> list[Any]:
        """List the rows of a table of the till."""
        return await self.sandbox.run(lambda conn: list(conn.execute(sa.select(table).order_by(*table.c[:1]))))

    async def list_all_rows(self) -> dict[str, list[Any]]:
        """List all rows of the till, by table."""
        return {table.name: await self.list_rows(table) for table in schema.metadata.sorted_tables}

    async def list_orders(self) -> list[Any]:
        """List all orders, ours before their copies."""
        chosen = sa.select(tables.orders).order_by(tables.orders.c.attached_to.is_not(None), tables.orders.c.id)
        return await self.gateway.database.read(lambda conn: list(conn.execute(chosen)))

    async def select_values(self, statement: sa.Select[Any]) -> list[Any]:
        return await self.sandbox.run(lambda conn: list(conn.scalars(statement)))

    async def execute(self, *statements: sa.Executable) -> None:
        """Write to the till's database, past the sandbox."""

        def work(conn: Connection) -> None:
            for statement in statements:
                conn.execute(statement)

        await self.sandbox.run(work)

    async def list_reservation_states(self) -> list[str]:
        """List the states of all reservations."""
        chosen = sa.select(tables.reservations.c.state).order_by(tables.reservations.c.id)
        return await self.gateway.database.read(lambda conn: list(conn.scalars(chosen)))

    async def read_counter(self, item: str = TEA, location: str = "london") -> tuple[int, int]:
        """Read a stock counter: units on hand and reserved units."""
        stock = tables.stock.c
        chosen = sa.select(stock.on_hand, stock.held).where(stock.item == item, stock.place == location)
        row = await self.gateway.database.read(lambda conn: conn.execute(chosen).one())
        return row.on_hand, row.held

    async def list_outbox(self) -> list[Any]:
        """List the outbox commands of the till."""
        box = tables.outbox
        chosen = sa.select(box).where(box.c.channel == "till").order_by(box.c.id)
        return await self.gateway.database.read(lambda conn: list(conn.execute(chosen)))


@contextlib.asynccontextmanager
async def open_till_testbed(
    till_url: str,
    directory: Path,
    there: World | None = None,
    *,
    prepared: Iterable[sa.Executable] = (),
    web: MemoryStore | None = None,
    locations: Mapping[str, Any] = LOCATIONS,
    references: Mapping[str, str] | None = None,
    **config: Any,
) -> AsyncIterator[TillTestbed]:
    """Open a sandbox with this world and a gateway that has read it. `prepared`: statements run on the till before
    that; `web`: a web store that counts the stock of these locations.
    """
    sandbox = await open_sandbox(till_url, there or replace(build_small_world(), receipts=()))
    store, clock = web or build_web_store(), Clock()
    writes = [] if web is None else ["adjust"]
    channels = {
        "till": {"plugin": "sqlpos", "references": references or {}, "config": {**sandbox.config, **config}},
        "web": {"plugin": "memory", "config": {"read_your_writes": True, "writes": writes}, "sells_to": "anyone"},
    }
    document = {
        "database": create_sqlite_database(directory / f"gateway-{next(_databases)}.db"),
        "tokens": TOKENS,
        "channels": channels,
        "locations": locations,
        "catalogue": {"priority": ["web", "till"]},
        "stock": {"default_channel": "till" if web is None else "web"},
        "selling": {"tax_rate": "0.2", "shipping": {"GBP": "3.00"}},
    }
    try:
        for statement in prepared:
            await sandbox.run(lambda conn, one=statement: conn.execute(one) and None)  # type: ignore[misc]
        plugins = discover(MemoryPlugin({"web": store}))
        async with open_gateway(parse(document, {}), plugins=plugins, clock=clock) as gateway:
            gateway.write_throttle.gap = 0
            async with open_client(gateway) as client:
                await gateway.run_due()
                yield TillTestbed(sandbox, store, gateway, clock, client)
    finally:
        await sandbox.close()


__all__ = ["ADMIN", "LOCATIONS", "TEA", "TillTestbed", "build_web_store", "open_till_testbed"]
