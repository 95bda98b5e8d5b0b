"""A page costs the same number of statements whatever its size."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryStore
from tests.graphql.world import ADMIN, opened

pytestmark = pytest.mark.anyio

BUDGET = 8
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


@contextlib.contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement that is sent to any database meanwhile."""
    seen: list[str] = []

    def see(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    sa.event.listen(Engine, "before_cursor_execute", see)
    try:
        yield seen
    finally:
        sa.event.remove(Engine, "before_cursor_execute", see)


def shop(count: int) -> MemoryStore:
    store = MemoryStore()
    for n in range(count):
        sizes = [rows.variant(f"{n}-{size}", sku=f"{n}-{size}", options={"Size": size}) for size in "SML"]
        store.put("products", {"id": f"p{n}", "title": f"Product {n}", "variants": sizes, "category": ["A", f"B{n}"]})
        store.put("stock", rows.stock(f"{n}-S", "L", n))
        store.put("customers", rows.customer(f"c{n}"))
        store.put("orders", rows.order(f"o{n}", [rows.line("1", f"{n}-S")], customer=f"c{n}", place="L"))
    return store


@pytest.mark.parametrize(("query", "name"), [(PRODUCTS, "products"), (ORDERS, "orders")])
async def test_a_page_takes_at_most_eight_statements_whatever_its_size(
    database_url: str, query: str, name: str
) -> None:
    counts = []
    async with opened(database_url, {"till": shop(40), "web": MemoryStore()}) as world:
        for size in (1, 20, 40):
            with statements() as seen:
                data = await world.client.data(query, ADMIN, first=size)
            assert len(data[name]["nodes"]) == size
            counts.append(len([one for one in seen if not one.startswith("BEGIN")]))
    assert len(set(counts)) == 1, counts
    assert counts[0] <= BUDGET, counts


async def test_the_count_sees_a_statement(database_url: str) -> None:
    async with opened(database_url, {"till": shop(1), "web": MemoryStore()}) as world:
        with statements() as seen:
            await world.client.data("{ a: products { totalCount } b: products { nodes { title } } }")
        assert len([one for one in seen if "products" in one]) == 3
