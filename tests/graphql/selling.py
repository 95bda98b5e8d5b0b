"""A small retailer whose channels can be told things: a till that counts two shops, and a web store with a depot."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import tables
from tests.graphql.world import World, global_id, opened, till, web

WRITES: Mapping[str, Any] = {
    "till": {"config": {"writes": ["adjust"], "ledger": True, "read_your_writes": True}},
    "web": {"config": {"writes": ["adjust", "set", "place", "cancel", "ship"], "read_your_writes": True}},
}


@contextlib.asynccontextmanager
async def selling_world(url: str, channels: Mapping[str, Any] = WRITES, **more: Any) -> AsyncIterator[World]:
    """It, synced."""
    async with opened(url, {"till": till(), "web": web()}, channels=channels, **more) as world:
        yield world


async def variant_id(world: World, sku: str) -> str:
    """The global id of the variant with this SKU."""

    def select(conn: Connection) -> str:
        key = sa.select(tables.listings.c.variant_id).where(tables.listings.c.sku_key == sku.lower())
        live_first = tables.listings.c.gone, tables.listings.c.id
        return str(conn.scalar(key.order_by(*live_first).limit(1)))

    return global_id("ProductVariant", await world.gateway.database.read(select))


def on_hand(store: MemoryStore, item: str, place: str) -> int:
    """What the store itself counts."""
    row = store.one("stock", f"{item}@{place}")
    assert row is not None
    return int(row["on_hand"])


async def counter(world: World, item: str, place: str) -> tuple[int, int]:
    """What the gateway knows to be there, and how much of it is spoken for."""

    def select(conn: Connection) -> tuple[int, int]:
        stock = tables.stock
        row = conn.execute(
            sa.select(stock.c.on_hand, stock.c.held).where(stock.c.item == item, stock.c.place == place)
        ).one()
        return row.on_hand, row.held

    return await world.gateway.database.read(select)


async def states(world: World) -> list[str]:
    """What has become of everything that was ever spoken for, the oldest first."""

    def select(conn: Connection) -> list[str]:
        return list(conn.scalars(sa.select(tables.reservations.c.state).order_by(tables.reservations.c.id)))

    return await world.gateway.database.read(select)
