"""Facets and counts are computed once while the catalog stays the same, and are right after any change (rule E2)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.reads import catalog_values
from tests.graphql.world import World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.writes]

BRANDS = """{ products(channelKey: "till") { facets { key values { label count } priceRange { max { amount } } } } }"""
FOR_SALE = """{ products(channelKey: "till", filter: {availableForSale: true}) { facets(keys: ["brand"]) {
  values { label count } } } }"""


@pytest.fixture
def retailer() -> Any:
    store = MemoryStore()
    for id_, brand in (("1", "Acme"), ("2", "Bolt")):
        store.put("products", record_builders.build_product(id_, sku=id_, price="10.00") | {"brand": brand})
        store.put("stock", record_builders.build_stock(id_, "L", 5))
    return lambda url: open_world(url, {"till": store, "web": MemoryStore()})


@pytest.fixture
async def own_world(retailer: Any, database_url: str) -> Any:
    async with retailer(database_url) as world:
        yield world


@contextmanager
def count_statements(text: str = "GROUP BY") -> Iterator[list[str]]:
    """Record the statements over products that contain this text."""
    counted: list[str] = []

    def record(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if text in statement and "products" in statement:
            counted.append(statement)

    sa.event.listen(Engine, "before_cursor_execute", record)
    yield counted
    sa.event.remove(Engine, "before_cursor_execute", record)


async def fetch_facets(world: World, query: str = BRANDS) -> dict[str, Any]:
    facets = (await world.client.fetch_data(query))["products"]["facets"]
    values = {value["label"]: value["count"] for facet in facets for value in facet["values"]}
    ranges = [facet["priceRange"] for facet in facets if facet.get("priceRange")]
    return values | ({"max": ranges[0]["max"]["amount"]} if ranges else {})


async def change_catalog(world: World) -> None:
    world.stores["till"].change("products", "2", brand="Acme")
    world.clock.forward(minutes=5)
    await world.gateway.run_due()


async def test_while_nothing_changes_they_are_computed_once(world: World) -> None:
    before = await fetch_facets(world)
    with count_statements() as counted:
        assert await fetch_facets(world) == before == {"Acme": 1, "Bolt": 1, "max": "10.00"}
    assert counted == []


async def test_after_a_change_they_are_right_at_once(world: World) -> None:
    await fetch_facets(world)
    await change_catalog(world)
    assert await fetch_facets(world) == {"Acme": 2, "max": "10.00"}
    world.stores["till"].put("products", record_builders.build_product("1", sku="1", price="12.00") | {"brand": "Acme"})
    world.clock.forward(minutes=5)
    await world.gateway.run_due()
    assert (await fetch_facets(world))["max"] == "12.00"


async def test_a_change_by_another_process_counts(world: World, retailer: Any, database_url: str) -> None:
    await fetch_facets(world)
    async with retailer(database_url) as other:
        other.stores["till"].change("products", "2", brand="Acme")
        other.clock.forward(minutes=5)
        await other.gateway.run_due()
    assert await fetch_facets(world) == {"Acme": 2, "max": "10.00"}


async def test_those_that_depend_on_stock_follow_it(world: World) -> None:
    assert await fetch_facets(world, FOR_SALE) == {"Acme": 1, "Bolt": 1}
    world.stores["till"].put("stock", record_builders.build_stock("2", "L", 0))
    world.clock.forward(minutes=5)
    await world.gateway.run_due()
    assert await fetch_facets(world, FOR_SALE) == {"Acme": 1}


COUNTS = """{ products(first: 1) { totalCount } sold: products(filter: {availableForSale: true}) { totalCount }
  london: products(filter: {availableAtLocationKey: "london"}) { totalCount } }"""


async def fetch_counts(world: World) -> list[int]:
    data = await world.client.fetch_data(COUNTS)
    return [data[name]["totalCount"] for name in ("products", "sold", "london")]


async def test_counts_are_computed_once_while_nothing_changes(world: World) -> None:
    assert await fetch_counts(world) == [2, 2, 2]
    with count_statements("SELECT count(*)") as counted:
        assert await fetch_counts(world) == [2, 2, 2]
    assert counted == []


async def test_counts_follow_the_catalog_and_those_that_depend_on_stock_follow_it(world: World) -> None:
    assert await fetch_counts(world) == [2, 2, 2]
    world.stores["till"].put("stock", record_builders.build_stock("2", "L", 0))
    world.clock.forward(minutes=5)
    await world.gateway.run_due()
    assert await fetch_counts(world) == [2, 1, 1]
    world.stores["till"].remove("products", "1")
    await world.gateway.request_sync("till", sweep=True)
    await world.gateway.run_due()
    assert await fetch_counts(world) == [1, 0, 0]


async def test_without_the_check_counts_would_not_follow_the_catalog(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_values, "MAX_AGE", catalog_values.MAX_AGE * 100)
    monkeypatch.setattr(catalog_values, "_has_changed", lambda *_: False)
    with pytest.raises(AssertionError):
        await test_counts_follow_the_catalog_and_those_that_depend_on_stock_follow_it(world)


async def test_without_the_check_the_tests_above_fail(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_values, "MAX_AGE", catalog_values.MAX_AGE * 100)
    monkeypatch.setattr(catalog_values, "_has_changed", lambda *_: False)
    await fetch_facets(world)
    await change_catalog(world)
    assert await fetch_facets(world) == {"Acme": 1, "Bolt": 1, "max": "10.00"}
