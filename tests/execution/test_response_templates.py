"""Response templates (rule E6): a list is composed of products that another one has rendered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from gateway.app import create_app
from gateway.execution.caching import page_check, response_templates
from gateway.execution.caching.change_follower import ChangeFollower
from gateway.execution.caching.rendered_objects import RenderedObjects
from gateway.http.graphql.hot_path import HotPath
from gateway.sdk.testing import record_builders
from tests.conftest import THOROUGH, TORTURE
from tests.execution.random_writes import ask_twice, stop_caching, sync
from tests.execution.test_page_checks import add_product, write_one
from tests.execution.test_response_cache import open_second_gateway
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import ADMIN, World, get_schema, open_small_world
from tests.http.path_comparison import build_post, send

pytestmark = pytest.mark.anyio

STEPS = 300 if TORTURE else 100 if THOROUGH else 30

STOCKED = """query ($first: Int) { products(first: $first, channelKey: "web", sort: {key: TITLE, direction: ASC}) {
  edges { cursor node { title variants { nodes { sku stock { available } } } } } pageInfo { hasNextPage } } }"""
PRICED = """query ($first: Int) { products(first: $first, channelKey: "web", sort: {key: PRICE, direction: ASC}) {
  edges { cursor node { title price: priceRange(channelKey: "web") { min { amount } } } } } }"""
FOR_SALE = """query ($first: Int) { products(first: $first, channelKey: "web", filter: {availableForSale: true}) {
  nodes { title variants { nodes { stock { available } } } } } }"""
TWO_LISTS = """query ($first: Int) {
  cheap: products(first: $first, channelKey: "web", sort: {key: PRICE, direction: ASC}) { nodes { ...Shown } }
  dear: products(first: $first, channelKey: "web", sort: {key: PRICE, direction: DESC}) { nodes { ...Shown } } }
  fragment Shown on Product { id title variants { nodes { stock { available } } } }"""
QUERIES = (STOCKED, PRICED, FOR_SALE, TWO_LISTS)
SIZES = (2, 3, 20)


@pytest.fixture(params=["with responses", "without responses"])
async def world(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with open_small_world(database_url) as world:
        world.gateway.responses.is_enabled = request.param == "with responses"
        yield world


async def ask_all(world: World, query: str, token: str | None = None) -> list[Any]:
    """Ask for pages of several sizes, which show the same products."""
    return [await world.client.fetch_data(query, token, first=first) for first in SIZES]


async def sell(world: World, available: int) -> None:
    """Change the stock of the mug."""
    world.stores["till"].put("stock", record_builders.build_stock("t-mug", "L", available))
    await sync(world)


# ------------------------------------------------------------------------------------------------ right


@pytest.mark.writes
async def test_after_any_writes_a_composed_response_equals_one_that_is_not_cached(world: World) -> None:
    random = Random(13)
    for step in range(STEPS):
        written = write_one(world, random)
        await sync(world)
        for query in QUERIES:
            sizes = random.sample(SIZES, 3)
            composed = [await world.client.ask(query, first=first) for first in (*sizes, *sizes)]
            with stop_caching(world):
                expected = [await world.client.ask(query, first=first) for first in sizes]
            assert [one.body for one in composed] == [one.body for one in expected] * 2, (step, written, query)


@pytest.mark.long
@pytest.mark.parametrize("guard", ["catalog", "stock", "pages", "objects"])
async def test_without_one_of_its_checks_that_test_fails(
    world: World, monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    world.gateway.responses.is_enabled = False
    if guard == "pages":
        monkeypatch.setattr(page_check, "are_current", lambda *_: True)
    elif guard == "objects":
        monkeypatch.setattr(RenderedObjects, "_has_changed", lambda *_: False)
    else:
        monkeypatch.setattr(ChangeFollower, f"has_{guard}_changed", lambda *_: False)
    with pytest.raises(AssertionError):
        await test_after_any_writes_a_composed_response_equals_one_that_is_not_cached(world)


async def test_the_cursor_of_a_product_with_another_price_is_new(world: World) -> None:
    await add_product(world, "Zebra", "3.00")
    before = [await ask_all(world, PRICED) for _ in range(3)][-1]
    await add_product(world, "Zebra", "4.00")
    after = await ask_all(world, PRICED)
    with stop_caching(world):
        assert after == await ask_all(world, PRICED) != before


async def test_customers_get_no_response_composed_for_staff(world: World) -> None:
    await sell(world, 5_000)
    seen = [str(await ask_all(world, STOCKED, token)) for token in (ADMIN, ADMIN, ADMIN, None, None, None)]
    assert ["500" in text for text in seen] == [True, True, True, False, False, False]


async def test_what_another_process_has_written_is_shown_at_once(world: World, database_url: str) -> None:
    async with open_second_gateway(database_url, world) as other:
        for available in (3, 1, 4):
            for _ in range(3):
                await other.fetch_data(STOCKED, ADMIN, first=20)
            await sell(world, available)
            shown = await other.fetch_data(STOCKED, ADMIN, first=20)
            assert shown == await world.client.fetch_data(STOCKED, ADMIN, first=20)


# ------------------------------------------------------------------------------------------------ composed


async def test_a_list_is_composed_of_what_another_list_has_rendered(world: World, runs: list[object]) -> None:
    for _ in range(2):
        await ask_all(world, STOCKED, ADMIN)
    await sell(world, 4)
    (largest,) = [await world.client.fetch_data(STOCKED, ADMIN, first=20)]
    runs.clear()
    with capture_statements() as statements:
        found = await world.client.fetch_data(STOCKED, ADMIN, first=2)
    assert not runs
    assert not [statement for statement in statements if "FROM products" in statement]
    assert found["products"]["edges"] == largest["products"]["edges"][:2]


async def test_after_a_change_of_other_products_one_statement_checks_the_page(world: World, runs: list[object]) -> None:
    await add_product(world, "Zebra")
    for _ in range(2):
        await ask_all(world, STOCKED)
    runs.clear()
    world.stores["web"].change("products", "w-Zebra", title="Zebra finch")
    await sync(world)
    with capture_statements() as statements:
        await asyncio.gather(*(world.client.fetch_data(STOCKED, first=2) for _ in range(8)))
    assert not runs
    assert sum("FROM products" in statement for statement in statements) == 1


async def test_a_list_is_read_again_after_a_minute(world: World, runs: list[object]) -> None:
    for _ in range(3):
        await world.client.fetch_data(STOCKED, first=2)
    runs.clear()
    world.clock.forward(minutes=1)
    await world.client.fetch_data(STOCKED, first=2)
    assert runs


@pytest.mark.parametrize(("limit", "count"), [(10_000, 0), (5, 1)])
async def test_objects_of_too_many_fields_are_not_composed(
    world: World, runs: list[object], monkeypatch: pytest.MonkeyPatch, limit: int, count: int
) -> None:
    """How many fields one has is known as an average only."""
    world.gateway.responses.is_enabled = False
    monkeypatch.setattr(response_templates, "MAX_RENDERED_FIELDS", limit)
    for _ in range(3):
        await world.client.fetch_data(STOCKED, first=2)
    runs.clear()
    await world.client.fetch_data(STOCKED, first=2)
    assert len(runs) == count


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("{ products(first: 2) { nodes { title } } }", 0),
        ("{ products(first: 2) { totalCount nodes { title } } }", 1),  # a change of any product
        ('{ products(search: "mug") { nodes { title } } }', 1),
        ("{ products(first: 2) { nodes { title } } categories { nodes { title } } }", 1),
    ],
)
async def test_only_pages_that_show_nothing_but_objects_are_composed(
    world: World, runs: list[object], query: str, count: int
) -> None:
    world.gateway.responses.is_enabled = False
    await ask_twice(world, query)
    runs.clear()
    await ask_twice(world, query)
    assert len(runs) == 2 * count


async def test_equal_requests_wait_for_the_first_one(world: World, runs: list[object]) -> None:
    await ask_twice(world, STOCKED)
    await sell(world, 2)
    runs.clear()
    await asyncio.gather(*(world.client.fetch_data(STOCKED) for _ in range(8)))
    assert len(runs) == 1


@pytest.mark.any_database
async def test_the_memory_of_templates_is_bounded(database_url: str) -> None:
    async with open_small_world(database_url, server={"caching": {"rendered_megabytes": 1}}) as world:
        for number in range(60):
            texts = " ".join(f"a{number}{n}: __typename" for n in range(100))
            await ask_twice(world, f"{{ products {{ edges {{ {texts} node {{ title }} }} }} }}")
        (size,) = [world.gateway.templates.measure()]
        assert 0.05 < size.used <= size.limit == 0.125


@pytest.mark.any_database
async def test_the_hot_path_sends_what_the_ordinary_path_composes(database_url: str) -> None:
    async with open_small_world(database_url, server={"caching": {"response_megabytes": 0}}) as world:
        hot = create_app(world.gateway, get_schema())
        ordinary = create_app(world.gateway, get_schema(), has_hot_path=False)
        assert isinstance(hot, HotPath)
        request = build_post("POST", {"query": STOCKED, "variables": {"first": 2}})
        bodies = {(await send(app, request)).body for app in (ordinary, hot) for _ in range(4)}
        assert (hot.answered > 0) == (world.gateway.database.dialect == "sqlite")
        assert len(bodies) == 1
        await sell(world, 1)
        assert (await send(hot, request)).body not in bodies
