"""Products sorted by the units that they have sold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.gateways import Clock
from tests.graphql.world import World, open_world

pytestmark = pytest.mark.anyio

QUERY = """query ($channel: String, $first: Int, $after: String, $direction: SortDirection = DESC) {
  products(first: $first, after: $after, channelKey: $channel, sort: { key: BEST_SELLING, direction: $direction }) {
    nodes { title } pageInfo { endCursor } } }"""


def build_stores() -> dict[str, MemoryStore]:
    web, till = MemoryStore(), MemoryStore()
    for title in "ABCD":
        web.put("products", record_builders.build_product(f"w{title}", sku=title, title=title))
        till.put("products", record_builders.build_product(f"t{title}", sku=title, title=title))
    now = Clock()()
    for store, prefix, sold in ((web, "w", {"A": 5, "B": 1}), (till, "t", {"B": 7, "C": 2})):
        lines = [
            record_builders.build_line(f"{n}", prefix + title, units) for n, (title, units) in enumerate(sold.items())
        ]
        store.put("orders", record_builders.build_order("1", lines, placed_at=now - timedelta(days=3)))
        old = [record_builders.build_line("1", f"{prefix}D", 99)]
        store.put("orders", record_builders.build_order("2", old, placed_at=now - timedelta(days=31)))
        store.put("orders", record_builders.build_order("3", old, placed_at=now, status="CANCELLED"))
        store.put("orders", record_builders.build_order("4", old, placed_at=now, test=True))
    return {"web": web, "till": till}


@pytest.fixture
async def own_world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores()) as world:
        await world.gateway.count_sold_units()
        yield world


async def list_titles(world: World, **variables: Any) -> str:
    found = (await world.client.fetch_data(QUERY, **variables))["products"]
    return "".join(node["title"] for node in found["nodes"])


async def test_products_are_sorted_by_the_units_of_all_channels_or_of_one(own_world: World) -> None:
    assert await list_titles(own_world) == "BACD"
    assert await list_titles(own_world, direction="ASC") == "CABD", "without sales last in both directions"
    for channel, sold in (("web", "AB"), ("till", "BC")):
        titles = await list_titles(own_world, channel=channel)
        assert (titles[:2], sorted(titles)) == (sold, list("ABCD"))


async def test_pages_go_on_where_the_last_one_ended(own_world: World) -> None:
    titles, after = "", None
    for _ in range(4):
        page = (await own_world.client.fetch_data(QUERY, first=1, after=after))["products"]
        titles, after = titles + page["nodes"][0]["title"], page["pageInfo"]["endCursor"]
    assert titles == "BACD"


async def test_the_order_follows_the_next_count(own_world: World) -> None:
    assert await list_titles(own_world) == "BACD"
    lines = [record_builders.build_line("1", "wD", 50)]
    own_world.stores["web"].put("orders", record_builders.build_order("9", lines, placed_at=own_world.clock()))
    own_world.clock.forward(hours=1)
    await own_world.gateway.run_due()
    await own_world.gateway.count_sold_units()
    assert await list_titles(own_world) == "DBAC"
    own_world.clock.forward(days=40)
    await own_world.gateway.count_sold_units()
    assert sorted(await list_titles(own_world)) == list("ABCD")


async def test_a_caller_that_does_not_see_a_channel_learns_nothing_of_its_sales(database_url: str) -> None:
    access = {"anonymous": {"channels": ["web"]}}
    async with open_world(database_url, build_stores(), access=access, stock={"default_channel": "web"}) as world:
        await world.gateway.count_sold_units()
        assert (await list_titles(world))[:2] == "AB"
