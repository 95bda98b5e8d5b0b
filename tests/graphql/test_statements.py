"""The number of SQL statements of a page does not depend on its size."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import CacheStats

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.database import Database
from tests.gateways import stop_caches
from tests.graphql.world import ADMIN, open_world

pytestmark = pytest.mark.anyio

BUDGET = 8
COMPILED = (CacheStats.CACHE_MISS, CacheStats.NO_CACHE_KEY)
"""Cache results of SQLAlchemy that mean it compiled the statement, which takes milliseconds."""

PRODUCTS = """query ($first: Int) { products(first: $first) {
  sources { channel { key } state }
  nodes { title category { title } channels { key } priceRange { min { amount } } availableForSale(channelKey: "till")
    variants(first: 5) { nodes {
      sku price { amount } till: price(channelKey: "till") { amount }
      listings { channel { key } price { amount } externalId observedAt }
      stock { status available levels { nodes { location { key } available(channelKey: "till") } } sources { state } }
      london: stock(locationKey: "london") { available } leeds: stock(locationKey: "leeds") { available }
    } } } } }"""
ORDERS = """query ($first: Int) { orders(first: $first) { totalCount nodes {
  number channel { name } location { name } reverses { number } customer { displayName lifetimeValue { amount } }
  lines(first: 5) { totalCount nodes { quantity variant { sku product { title } } } } } } }"""

PAGES = """query ($first: Int) { products(first: $first) { nodes {
  selectedOrFirstAvailableVariant(selectedOptions: [{name: "Size", value: "M"}]) { sku
    storeAvailability(near: {latitude: 51.5, longitude: -0.12}) { edges { distanceKm node {
      status available location { key } } } } }
  adjacentVariants(selectedOptions: [{name: "Size", value: "M"}]) { sku price { amount } }
  options { optionValues { firstAvailableVariant(channelKey: "till") { sku } } }
  till: selectedOrFirstAvailableVariant(channelKey: "till") { sku stock { available } } } } }"""
COLLECTIONS = """query ($first: Int) { collections(first: $first) { nodes {
  handle content { title } channel { name } products(first: 5) { totalCount nodes { title
    priceRange { min { amount } } collections(first: 3) { nodes { handle } } } } } } }"""
SEARCHED = """query ($first: Int) { products(first: $first, search: "product") { nodes { title brand } } }"""
LISTINGS = """query ($first: Int) { listings(first: $first) { totalCount nodes {
  channel { key state } variant { sku product { title } } } } }"""
CHANGED = """query ($first: Int, $after: String, $types: [ChangeType!]!) {
  changes(first: $first, after: $after, channelKey: "till", types: $types) { nodes { kind node { id } } } }"""
SELLABLE = """query ($first: Int) {
  products(first: $first, filter: {availableForSale: true}) { totalCount nodes { availableForSale } } }"""
REVIEWS = """query ($first: Int) { matchReviews(first: $first) { nodes {
  reason listing { title variant { sku } } candidates { sku product { title } } } } }"""


@contextlib.contextmanager
def capture_statements(*how: CacheStats) -> Iterator[list[str]]:
    """Capture the statements that any database executes, or those with one of these compilation cache results."""
    seen: list[str] = []

    def record_statement(
        _conn: object, _cursor: object, statement: str, _given: object, context: Any, _many: object
    ) -> None:
        if not how or (context is not None and context.cache_hit in how):
            seen.append(statement)

    sa.event.listen(Engine, "before_cursor_execute", record_statement)
    try:
        yield seen
    finally:
        sa.event.remove(Engine, "before_cursor_execute", record_statement)


def build_shop(count: int) -> MemoryStore:
    store = MemoryStore()
    for n in range(count):
        sizes = [
            record_builders.build_variant(f"{n}-{size}", sku=f"{n}-{size}", options={"Size": size}) for size in "SML"
        ]
        store.put("products", {"id": f"p{n}", "title": f"Product {n}", "variants": sizes, "category": ["A", f"B{n}"]})
        store.put("stock", record_builders.build_stock(f"{n}-S", "L", n))
        store.put("collections", record_builders.build_collection(f"k{n}", [f"p{m}" for m in range(n, n + 9)]))
        store.put("customers", record_builders.build_customer(f"c{n}"))
        store.put(
            "orders",
            record_builders.build_order(
                f"o{n}", [record_builders.build_line("1", f"{n}-S")], customer=f"c{n}", place="L"
            ),
        )
    return store


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (PRODUCTS, "products"),
        (ORDERS, "orders"),
        (PAGES, "products"),
        (LISTINGS, "listings"),
    ],
)
async def test_a_page_takes_at_most_eight_statements_whatever_its_size(
    database_url: str, query: str, name: str
) -> None:
    counts = []
    async with open_world(database_url, {"till": build_shop(40), "web": MemoryStore()}) as world:
        stop_caches(world.gateway)
        for size in (1, 20, 40):
            with capture_statements() as seen:
                data = await world.client.fetch_data(query, ADMIN, first=size)
            assert len(data[name]["nodes"]) == size
            counts.append(len([one for one in seen if not one.startswith("BEGIN")]))
    assert len(set(counts)) == 1, counts
    assert counts[0] <= BUDGET, counts


async def test_the_products_of_many_collections_take_as_many_statements_as_those_of_two(database_url: str) -> None:
    """Those of one are counted once while the catalog stays the same, which takes another statement."""
    counts = []
    async with open_world(database_url, {"till": build_shop(40), "web": MemoryStore()}) as world:
        stop_caches(world.gateway)
        for size in (1, 2, 20, 40):
            with capture_statements() as seen:
                data = await world.client.fetch_data(COLLECTIONS, ADMIN, first=size)
            assert len(data["collections"]["nodes"]) == size
            counts.append(len([one for one in seen if not one.startswith("BEGIN")]))
    assert len(set(counts[1:])) == 1 and counts[0] <= counts[1] + 1, counts
    assert max(counts) <= BUDGET, counts


async def test_a_page_of_a_frozen_ranking_takes_a_constant_number_of_statements(database_url: str) -> None:
    async with open_world(database_url, {"till": build_shop(60), "web": MemoryStore()}) as world:
        counts = []
        stop_caches(world.gateway)
        for size in (1, 20, 40):
            world.clock.forward(minutes=1)
            with capture_statements() as seen:
                data = await world.client.fetch_data(SEARCHED, first=size)
            assert len(data["products"]["nodes"]) == size
            counts.append(len([one for one in seen if not one.startswith("BEGIN")]))
    assert len(set(counts)) == 1, counts
    assert counts[0] <= BUDGET, counts


@pytest.mark.parametrize("kind", ["PRODUCT", "LISTING", "STOCK"])
async def test_a_page_of_changes_takes_a_constant_number_of_statements(database_url: str, kind: str) -> None:
    till, start = build_shop(40), CHANGED.replace("nodes {", "pageInfo { endCursor } nodes {")
    async with open_world(database_url, {"till": till, "web": MemoryStore()}) as world:
        after = (await world.client.fetch_data(start, types=[kind]))["changes"]["pageInfo"]["endCursor"]
        for n in range(40):
            till.change("products", f"p{n}", title=f"Changed {n}")
            till.change("stock", f"{n}-S@L", on_hand=n + 1)
        await world.gateway.request_sync("till")
        await world.gateway.run_due()
        counts = []
        stop_caches(world.gateway)
        for size in (1, 20, 40):
            with capture_statements() as seen:
                data = await world.client.fetch_data(CHANGED, ADMIN, first=size, after=after, types=[kind])
            assert len(data["changes"]["nodes"]) == size
            counts.append(len([one for one in seen if not one.startswith("BEGIN")]))
    assert len(set(counts)) == 1, counts
    assert counts[0] <= BUDGET, counts


async def test_a_page_of_reviews_takes_a_constant_number_of_statements(database_url: str) -> None:
    till, web = MemoryStore(), MemoryStore()
    for n in range(20):
        till.put("products", record_builders.build_product(f"a{n}", sku=f"S{n}", gtin="04006381333931"))
        web.put("products", record_builders.build_product(f"b{n}", sku=f"S{n}", gtin="05000112637922"))
        web.put("products", record_builders.build_product(f"c{n}", sku=f"S{n}", title="Which"))
    async with open_world(database_url, {"till": till, "web": web}) as world:
        stop_caches(world.gateway)
        counts = []
        for size in (1, 10, 20):
            with capture_statements() as seen:
                data = await world.client.fetch_data(REVIEWS, ADMIN, first=size)
            assert len(data["matchReviews"]["nodes"]) == size
            counts.append(len([one for one in seen if not one.startswith("BEGIN")]))
    assert max(counts) <= min(counts) + 1, counts  # variants of listings and of candidates may be loaded together
    assert max(counts) <= BUDGET, counts


@pytest.mark.parametrize("query", [PRODUCTS, ORDERS, PAGES, LISTINGS, SELLABLE])
async def test_what_is_asked_again_is_not_compiled_again(database_url: str, query: str) -> None:
    async with open_world(database_url, {"till": build_shop(5), "web": MemoryStore()}) as world:
        for size in (1, 2, 3):
            await world.client.fetch_data(query, ADMIN, first=size)
        with capture_statements(*COMPILED) as seen:
            await world.client.fetch_data(query, ADMIN, first=4)
    assert not seen


async def test_a_statement_that_is_compiled_every_time_is_seen(database_url: str) -> None:
    database = Database(database_url)
    table = sa.values(sa.column("one", sa.Text), name="some").data([("1",)]).cte()
    with capture_statements(*COMPILED) as seen:
        await database.read(lambda conn: conn.execute(sa.select(table.c.one)).all())
    await database.close()
    assert len(seen) == 1


async def test_the_count_sees_a_statement(database_url: str) -> None:
    async with open_world(database_url, {"till": build_shop(1), "web": MemoryStore()}) as world:
        with capture_statements() as seen:
            await world.client.fetch_data("{ a: products { totalCount } b: products { nodes { title } } }")
        assert len([one for one in seen if "products" in one]) == 3
