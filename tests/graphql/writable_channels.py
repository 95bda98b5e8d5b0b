"""A small retailer whose channels accept commands: a till that is the authority of two shops, and a web store with a
depot.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from tests.graphql.world import World, build_global_id, build_till, build_web_store, open_world

WRITES: Mapping[str, Any] = {
    "till": {"config": {"writes": ["adjust"], "ledger": True, "read_your_writes": True}},
    "web": {"config": {"writes": ["adjust", "set", "place", "cancel", "ship"], "read_your_writes": True}},
}


@contextlib.asynccontextmanager
async def open_selling_world(url: str, channels: Mapping[str, Any] = WRITES, **more: Any) -> AsyncIterator[World]:
    """Open a gateway over these channels and sync it."""
    async with open_world(url, {"till": build_till(), "web": build_web_store()}, channels=channels, **more) as world:
        yield world


async def select_variant_id(world: World, sku: str) -> str:
    """Select the global id of the variant with this SKU."""

    def select(conn: Connection) -> str:
        key = sa.select(tables.listings.c.variant_id).where(tables.listings.c.sku_key == sku.lower())
        live_first = tables.listings.c.gone, tables.listings.c.id
        return str(conn.scalar(key.order_by(*live_first).limit(1)))

    return build_global_id("ProductVariant", await world.gateway.database.read(select))


def read_on_hand(store: MemoryStore, item: str, location: str) -> int:
    """Return the count of the store itself."""
    row = store.one("stock", f"{item}@{location}")
    assert row is not None
    return int(row["on_hand"])


async def read_counter(world: World, item: str, location: str) -> tuple[int, int]:
    """Read a stock counter: units on hand and reserved units."""

    def select(conn: Connection) -> tuple[int, int]:
        stock = tables.stock
        row = conn.execute(
            sa.select(stock.c.on_hand, stock.c.held).where(stock.c.item == item, stock.c.place == location)
        ).one()
        return row.on_hand, row.held

    return await world.gateway.database.read(select)


async def list_reservation_states(world: World) -> list[str]:
    """List the states of all reservations, oldest first."""

    def select(conn: Connection) -> list[str]:
        return list(conn.scalars(sa.select(tables.reservations.c.state).order_by(tables.reservations.c.id)))

    return await world.gateway.database.read(select)
