"""A till that counts the stock of two shops, and a web store that sells from them and from a warehouse that it counts
itself: both sandboxes behind one gateway.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk.testing.sandbox import World, WorldPlace, build_small_world
from gateway.settings.loading import parse
from gateway.storage import tables
from gateway_shopify_sandbox import ShopifySandbox, start
from gateway_sqlpos_sandbox import SqlPosSandbox, open_sandbox, schema
from tests.databases import create_sqlite_database
from tests.gateways import Clock
from tests.graphql.world import TOKENS, Client, open_client

TILL, WEB, SHOP = "till", "web", "london"
SHOPS, WAREHOUSE = (SHOP, "york"), "leeds"
STOCK = 1000
"""Units of every product that the till counts at the start."""

_databases = itertools.count()


def build_world() -> World:
    """Build three products in stock at every location, and nothing sold yet."""
    small = build_small_world()
    locations = (*small.places, WorldPlace(id="york", name="York"))
    stock = {(product.sku, location.id): STOCK for product in small.products for location in locations}
    return replace(small, places=locations, stock=stock, receipts=())


@dataclass(frozen=True)
class ShopTestbed:
    """The gateway, a client, the till and the store."""

    gateway: Gateway
    client: Client
    till: SqlPosSandbox
    store: ShopifySandbox
    clock: Clock

    async def advance(self, times: int = 3) -> None:
        """Read every feed and send every command, several times, so that posted movements are read back."""
        for _ in range(times):
            self.clock.forward(minutes=5)
            for key in self.gateway.channel_syncs:
                await self.gateway.request_sync(key)
            await self.gateway.run_due()

    async def count_till(self, shop: str = SHOP) -> dict[str, int]:
        """Count the units of every SKU in the till of a shop."""
        counts, products = schema.stockcurrent.c, schema.products.c
        chosen = sa.select(products.reference, counts.units).where(
            products.id == counts.product, counts.location == shop
        )
        return {sku: int(units) for sku, units in await self.till.run(lambda conn: list(conn.execute(chosen)))}

    async def count_missing(self, shop: str = SHOP) -> dict[str, int]:
        """Count the units by which the till's counts of a shop have changed."""
        return {sku: STOCK - units for sku, units in (await self.count_till(shop)).items() if units != STOCK}

    async def read_lines(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Read the units of every line that the gateway knows, all and handed over, by order and SKU."""
        lines, orders = tables.order_lines.c, tables.orders.c
        chosen = sa.select(orders.external_id, lines.sku, lines.quantity, lines.fulfilled_quantity).where(
            lines.order_id == orders.id
        )
        rows = await self.gateway.database.read(lambda conn: list(conn.execute(chosen)))
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}

    async def count_open_movements(self) -> int:
        """Count the movements that the till's count was not proved to contain yet."""
        chosen = sa.select(sa.func.count()).where(tables.reservations.c.state == "COMMITTED")
        return int(await self.gateway.database.read(lambda conn: conn.scalar(chosen) or 0))


def build_document(url: str, till: SqlPosSandbox, store: ShopifySandbox) -> Mapping[str, Any]:
    """Build a configuration in which the till counts the shops from which the store sells, too."""
    locations: dict[str, dict[str, Any]] = {
        shop: {"authority": TILL, "channels": {TILL: shop, WEB: store.locations[shop]}} for shop in SHOPS
    }
    locations[WAREHOUSE] = {"authority": WEB, "channels": {WEB: store.locations[WAREHOUSE]}}
    return {
        "database": url,
        "tokens": TOKENS,
        "channels": {
            TILL: {"plugin": "sqlpos", "config": {**till.config, "stock_movements": True}},
            WEB: {"plugin": "shopify", "private_addresses": True, "config": {**store.config, "writes": []}},
        },
        "locations": {
            key: {"name": key.title(), "kind": "STORE", "fulfillment_methods": ["SHIPPING"], **table}
            for key, table in locations.items()
        },
        "stock": {"default_channel": TILL},
    }


@dataclass(frozen=True)
class Sandboxes:
    """The till and the store, and the gateway's configuration."""

    till: SqlPosSandbox
    store: ShopifySandbox
    clock: Clock
    document: Mapping[str, Any]


@contextlib.asynccontextmanager
async def open_sandboxes(directory: Path) -> AsyncIterator[Sandboxes]:
    """Open the till and the store, and create a database of a gateway."""
    clock, number = Clock(), next(_databases)
    async with contextlib.AsyncExitStack() as stack:
        till = await open_sandbox(f"sqlite:///{directory / f'till-{number}.db'}", build_world())
        stack.push_async_callback(till.close)
        store = await start(build_world(), directory, scale=1000, now=clock)
        stack.push_async_callback(store.close)
        url = create_sqlite_database(directory / f"gateway-{number}.db")
        yield Sandboxes(till, store, clock, build_document(url, till, store))


@contextlib.asynccontextmanager
async def run_gateway(sandboxes: Sandboxes) -> AsyncIterator[ShopTestbed]:
    """Run a gateway that has read both."""
    settings = parse(dict(sandboxes.document), {})
    async with open_gateway(settings, plugins=discover(), clock=sandboxes.clock) as gateway:
        gateway.write_throttle.gap = 0
        async with open_client(gateway) as client:
            await gateway.run_due()
            yield ShopTestbed(gateway, client, sandboxes.till, sandboxes.store, sandboxes.clock)


@contextlib.asynccontextmanager
async def open_shop(directory: Path) -> AsyncIterator[ShopTestbed]:
    """Open the till, the store, and a gateway that has read both."""
    async with open_sandboxes(directory) as sandboxes, run_gateway(sandboxes) as shop:
        yield shop
