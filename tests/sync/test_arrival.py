"""S6: no order of arrival is needed. Whatever comes first, what is known in the end is the same."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.runtime import Gateway
from gateway.sdk import UnavailableError
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import raising
from gateway.sdk.testing.memory import MemoryStore
from gateway.sdk.testing.store import FEEDS, Rule
from gateway.storage import tables
from tests.databases import sqlite_database
from tests.house import Clock, running
from tests.sync.observed import channel, rows_of
from tests.sync.state import state

pytestmark = pytest.mark.anyio

ALL = channel(*FEEDS)
PLACES = {
    "shop": {"name": "Shop", "kind": "STORE", "authority": "till", "channels": {"till": "shop"}},
}


def filled() -> MemoryStore:
    """Two orders of one customer, for a product whose stock is counted in a mapped place and in another."""
    store = MemoryStore()
    store.put("products", rows.product("1", sku="A", title="Mug"))
    store.put("stock", rows.stock("1", "shop", 5))
    store.put("stock", rows.stock("1", "cellar", 2))
    store.put("customers", rows.customer("c1", email="ada@example.org", card="7"))
    store.put("orders", rows.order("o1", [rows.line("1", "1", 2)], customer="c1", place="shop"))
    store.put("orders", rows.order("o2", [rows.line("1", "1", -1)], customer="c1", place="shop", reverses="o1"))
    return store


def resolved(conn: Connection) -> dict[str, Any]:
    """What an order's lines and a customer's totals come to, when they are read."""
    line, listing = tables.order_lines, tables.listings
    same = sa.and_(
        listing.c.channel == line.c.channel,
        listing.c.external_id == line.c.variant,
        listing.c.generation == line.c.generation,
    )
    variant = sa.select(line.c.external_id, line.c.quantity, tables.variants.c.title).join_from(line, listing, same)
    variant = variant.join(tables.variants, tables.variants.c.id == listing.c.variant_id)
    totals = sa.select(
        tables.customers.c.display_name, tables.spendings.c.currency, tables.spendings.c.total
    ).join_from(tables.customers, tables.spendings, tables.spendings.c.customer_id == tables.customers.c.id)
    last = sa.select(tables.customers.c.last_order_at)
    return {
        "lines": sorted(map(tuple, conn.execute(variant))),
        "totals": sorted(map(tuple, conn.execute(totals))),
        "last": sorted(map(tuple, conn.execute(last))),
    }


async def known(gateway: Gateway) -> tuple[dict[str, Any], dict[str, Any]]:
    return await gateway.database.read(state), await gateway.database.read(resolved)


async def arriving(gateway: Gateway, store: MemoryStore, clock: Clock, order: tuple[str, ...]) -> None:
    """One feed after the other answers; until then it is down."""
    down: dict[str, Rule] = {feed: store.apply(raising(UnavailableError("down")), feed=feed) for feed in FEEDS}
    for feed in order:
        down[feed].left = 0
        clock.forward(minutes=2)
        await gateway.run_due()


@pytest.mark.parametrize("order", list(itertools.permutations(FEEDS)), ids="-".join)
async def test_all_orders_of_arrival_come_to_the_same(tmp_path: Path, order: tuple[str, ...]) -> None:
    urls = [sqlite_database(tmp_path / f"{n}.db") for n in range(2)]
    store, clock = filled(), Clock()
    async with running(urls[0], {"till": store}, clock, ALL, locations=PLACES) as gateway:
        await arriving(gateway, store, clock, order)
        found = await known(gateway)
    async with running(urls[1], {"till": filled()}, clock, ALL, locations=PLACES) as gateway:
        await gateway.run_due()
        assert found == await known(gateway)
    assert found[1]["lines"] == [("1", -1, "Mug"), ("1", 2, "Mug")]
    assert found[1]["totals"] == [("Ada Lovelace", "GBP", 1000)]


@pytest.mark.parametrize("order", [FEEDS[::-1]], ids="-".join)
async def test_orders_first_and_products_last_come_to_the_same_on_every_database(
    database_url: str, order: tuple[str, ...]
) -> None:
    store, clock = filled(), Clock()
    async with running(database_url, {"till": store}, clock, ALL, locations=PLACES) as gateway:
        await arriving(gateway, store, clock, order)
        _, found = await known(gateway)
    assert (found["lines"], found["totals"]) == ([("1", -1, "Mug"), ("1", 2, "Mug")], [("Ada Lovelace", "GBP", 1000)])


async def test_stock_of_a_place_that_nothing_maps_waits_and_counts_once_it_is_mapped(database_url: str) -> None:
    store, clock = filled(), Clock()
    async with running(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        assert await rows_of(gateway, tables.stock, "place", "on_hand") == [("cellar", 2), ("shop", 5)]
        assert await rows_of(gateway, tables.rejects, "id") == []


async def test_what_a_cancelled_order_came_to_is_taken_back(database_url: str) -> None:
    store, clock = filled(), Clock()
    async with running(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        store.change("orders", "o1", customer=None)
        clock.forward(minutes=5)
        await gateway.run_due()
        assert (await known(gateway))[1]["totals"] == [("Ada Lovelace", "GBP", -1000)]


async def test_lines_that_an_order_has_lost_are_dropped(database_url: str) -> None:
    store, clock = filled(), Clock()
    async with running(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        store.change("orders", "o1", lines=[rows.line("2", None, 3)])
        clock.forward(minutes=5)
        await gateway.run_due()
        lines = await rows_of(gateway, tables.order_lines, "external_id", "variant", "quantity")
        assert lines == [("1", "1", -1), ("2", None, 3)]
        versions = dict(await rows_of(gateway, tables.orders, "external_id", "version"))
        assert versions == {"o1": 2, "o2": 1}
