"""Records may arrive in any order: the final state is the same (rule S6)."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.runtime.gateway import Gateway
from gateway.sdk import UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import raise_error
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.sdk.testing.memory_store import FEEDS, Rule
from gateway.storage import tables
from tests.databases import create_sqlite_database
from tests.gateways import Clock, run_gateway
from tests.sync.database_state import select_state
from tests.sync.observed_records import configure_till, list_rows

pytestmark = pytest.mark.anyio

ALL = configure_till(*FEEDS)
MAPPED_LOCATIONS = {
    "shop": {"name": "Shop", "kind": "STORE", "authority": "till", "channels": {"till": "shop"}},
}


def build_store() -> MemoryStore:
    """Build two orders of one customer, for a product whose stock is counted at a mapped location and at an unmapped
    one.
    """
    store = MemoryStore()
    store.put("products", record_builders.build_product("1", sku="A", title="Mug"))
    store.put("stock", record_builders.build_stock("1", "shop", 5))
    store.put("stock", record_builders.build_stock("1", "cellar", 2))
    store.put("customers", record_builders.build_customer("c1", email="ada@example.org", card="7"))
    store.put(
        "orders",
        record_builders.build_order("o1", [record_builders.build_line("1", "1", 2)], customer="c1", place="shop"),
    )
    store.put(
        "orders",
        record_builders.build_order(
            "o2", [record_builders.build_line("1", "1", -1)], customer="c1", place="shop", reverses="o1"
        ),
    )
    return store


def select_resolved(conn: Connection) -> dict[str, Any]:
    """Select the resolved references: lines of orders and totals of customers, as queries compute them."""
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


States = tuple[dict[str, Any], dict[str, Any]]
"""Rows of the database, and references that are resolved."""


async def read_states(gateway: Gateway) -> States:
    return await gateway.database.read(select_state), await gateway.database.read(select_resolved)


async def sync_in_order(gateway: Gateway, store: MemoryStore, clock: Clock, order: tuple[str, ...]) -> None:
    """Let one feed after the other answer; each is down until its turn."""
    down: dict[str, Rule] = {feed: store.apply(raise_error(UnavailableError("down")), feed=feed) for feed in FEEDS}
    for feed in order:
        down[feed].left = 0
        clock.forward(minutes=2)
        await gateway.run_due()


@pytest.fixture(scope="module")
async def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> States:
    """The states after a sync in which every feed answers at once."""
    url, stores = create_sqlite_database(tmp_path_factory.mktemp("undisturbed") / "gateway.db"), {"till": build_store()}
    async with run_gateway(url, stores, Clock(), ALL, locations=MAPPED_LOCATIONS) as gateway:
        await gateway.run_due()
        return await read_states(gateway)


@pytest.mark.parametrize("order", list(itertools.permutations(FEEDS)), ids="-".join)
async def test_all_orders_of_arrival_come_to_the_same(
    tmp_path: Path, order: tuple[str, ...], undisturbed: States
) -> None:
    url, store, clock = create_sqlite_database(tmp_path / "gateway.db"), build_store(), Clock()
    async with run_gateway(url, {"till": store}, clock, ALL, locations=MAPPED_LOCATIONS) as gateway:
        await sync_in_order(gateway, store, clock, order)
        found = await read_states(gateway)
    assert found == undisturbed
    assert found[1]["lines"] == [("1", -1, "Mug"), ("1", 2, "Mug")]
    assert found[1]["totals"] == [("Ada Lovelace", "GBP", 1000)]


@pytest.mark.parametrize("order", [FEEDS[::-1]], ids="-".join)
async def test_orders_first_and_products_last_come_to_the_same_on_every_database(
    database_url: str, order: tuple[str, ...]
) -> None:
    store, clock = build_store(), Clock()
    async with run_gateway(database_url, {"till": store}, clock, ALL, locations=MAPPED_LOCATIONS) as gateway:
        await sync_in_order(gateway, store, clock, order)
        _, found = await read_states(gateway)
    assert (found["lines"], found["totals"]) == ([("1", -1, "Mug"), ("1", 2, "Mug")], [("Ada Lovelace", "GBP", 1000)])


async def test_stock_of_a_place_that_nothing_maps_waits_and_counts_once_it_is_mapped(database_url: str) -> None:
    store, clock = build_store(), Clock()
    async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        assert await list_rows(gateway, tables.stock, "place", "on_hand") == [("cellar", 2), ("shop", 5)]
        assert await list_rows(gateway, tables.rejects, "id") == []


async def test_what_a_canceled_order_came_to_is_taken_back(database_url: str) -> None:
    store, clock = build_store(), Clock()
    async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        store.change("orders", "o1", customer=None)
        clock.forward(minutes=5)
        await gateway.run_due()
        assert (await read_states(gateway))[1]["totals"] == [("Ada Lovelace", "GBP", -1000)]


async def test_lines_that_an_order_has_lost_are_dropped(database_url: str) -> None:
    store, clock = build_store(), Clock()
    async with run_gateway(database_url, {"till": store}, clock, ALL) as gateway:
        await gateway.run_due()
        store.change("orders", "o1", lines=[record_builders.build_line("2", None, 3)])
        clock.forward(minutes=5)
        await gateway.run_due()
        lines = await list_rows(gateway, tables.order_lines, "external_id", "variant", "quantity")
        assert lines == [("1", "1", -1), ("2", None, 3)]
        versions = dict(await list_rows(gateway, tables.orders, "external_id", "version"))
        assert versions == {"o1": 2, "o2": 1}
