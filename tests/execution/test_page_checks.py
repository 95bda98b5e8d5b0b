"""Page checks (rule E5): a cached list outlives changes of products that it does not show."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from gateway.execution.caching import page_check
from gateway.execution.caching.change_follower import ChangeFollower
from gateway.sdk.testing import record_builders
from tests.execution.random_writes import ask_twice, stop_caching, sync
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import World

pytestmark = pytest.mark.anyio

PAGE = """{ products(first: 2, channelKey: "web", sort: {key: TITLE, direction: ASC}) {
  edges { cursor node { title price: priceRange(channelKey: "web") { min { amount } } } }
  pageInfo { hasNextPage endCursor } } }"""
LAST = '{ products(last: 1, sort: {key: PRICE, direction: ASC}, channelKey: "web") { nodes { id title } } }'
FOR_SALE = '{ products(filter: {availableForSale: true}, channelKey: "web") { nodes { title } } }'
STOCKED = '{ products(channelKey: "web", first: 2) { nodes { title variants { nodes { stock { available } } } } } }'
SEARCHED = '{ products(search: "zebrr", sort: {key: TITLE, direction: ASC}) { nodes { title } } }'
QUERIES = (PAGE, LAST, FOR_SALE, STOCKED, '{ products(filter: {onSale: true}, channelKey: "web") { nodes { title } } }')
STEPS = 30


async def add_product(world: World, title: str, price: str = "3.00") -> None:
    """Let the web store list another product."""
    record = record_builders.build_product(f"w-{title}", sku=title.upper(), price=price, title=title)
    world.stores["web"].put("products", record)
    await sync(world)


async def test_a_product_that_is_not_on_the_page_leaves_the_response(world: World, runs: list[object]) -> None:
    await add_product(world, "Zebra")
    shown = await ask_twice(world, PAGE)
    runs.clear()
    world.stores["web"].change("products", "w-Zebra", title="Zebra finch")
    await sync(world)
    with capture_statements() as statements:
        assert await world.client.fetch_data(PAGE) == shown
    assert not runs
    assert sum("FROM products" in statement for statement in statements) == 1  # the check of the page
    with capture_statements() as statements:
        assert await world.client.fetch_data(PAGE) == shown
    assert not [statement for statement in statements if "FROM products" in statement]


async def test_a_search_is_read_again(world: World) -> None:
    assert (await ask_twice(world, SEARCHED))["products"]["nodes"] == []
    await add_product(world, "Zebra")
    assert (await world.client.fetch_data(SEARCHED))["products"]["nodes"] == [{"title": "Zebra"}]


@pytest.mark.parametrize("title", ["Aardvark", "Zebra"])
async def test_a_product_that_enters_the_page_or_follows_it_is_seen(world: World, title: str) -> None:
    before = await ask_twice(world, PAGE)
    await add_product(world, title)
    after = await world.client.fetch_data(PAGE)
    assert after != before
    with stop_caching(world):
        assert after == await world.client.fetch_data(PAGE)


async def test_a_product_of_the_page_that_has_changed_is_seen(world: World) -> None:
    await ask_twice(world, PAGE)
    world.stores["web"].change("products", "w-mug", title="Mug, blue")
    await sync(world)
    titles = [edge["node"]["title"] for edge in (await world.client.fetch_data(PAGE))["products"]["edges"]]
    assert "Mug, blue" in titles


async def test_equal_requests_share_one_check(world: World, runs: list[object]) -> None:
    await add_product(world, "Zebra")
    await ask_twice(world, PAGE)
    runs.clear()
    world.stores["web"].change("products", "w-Zebra", title="Zebra finch")
    await sync(world)
    with capture_statements() as statements:
        await asyncio.gather(*(world.client.fetch_data(PAGE) for _ in range(8)))
    assert not runs
    assert sum("FROM products" in statement for statement in statements) == 1


def write_one(world: World, random: Random) -> str:
    """Change one of five products of the web store, or its stock."""
    number, web = random.randrange(5), world.stores["web"]
    kind = random.choice(("product", "product", "stock", "gone"))
    if kind == "stock":
        web.put("stock", record_builders.build_stock(f"w-{number}", "D", random.choice((0, 1, 9))))
    elif kind == "gone" and web.one("products", f"w-{number}") is not None:
        web.remove("products", f"w-{number}")
    else:
        title, price = random.choice("ABCXYZ"), random.choice(("3.00", "4.00"))
        record = record_builders.build_product(f"w-{number}", sku=f"S{number}", price=price, title=title)
        web.put("products", record)
    return f"{kind} {number}"


@pytest.mark.writes
async def test_after_any_writes_a_checked_response_equals_one_that_is_not_cached(world: World) -> None:
    random = Random(11)
    for step in range(STEPS):
        written = write_one(world, random)
        await sync(world)
        for query in QUERIES:
            cached = [await world.client.ask(query) for _ in range(2)]
            with stop_caching(world):
                expected = await world.client.ask(query)
            assert [answer.body for answer in cached] == [expected.body] * 2, (step, written, query)


@pytest.mark.long
@pytest.mark.parametrize("guard", ["pages", "products", "stock"])
async def test_without_one_of_its_checks_that_test_fails(
    world: World, monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    if guard == "pages":
        monkeypatch.setattr(page_check, "are_current", lambda *_: True)
    elif guard == "products":
        monkeypatch.setattr(ChangeFollower, "has_product_changed", lambda *_: False)
    else:
        monkeypatch.setattr(ChangeFollower, "has_stock_changed", lambda *_: False)
    with pytest.raises(AssertionError):
        await test_after_any_writes_a_checked_response_equals_one_that_is_not_cached(world)
