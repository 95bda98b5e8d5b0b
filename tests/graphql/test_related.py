"""Products that are related to others: similar ones, and those that are bought together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from gateway.sdk.policies import RelatedRequest
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.gateways import Clock, stop_caches
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import World, open_world

pytestmark = pytest.mark.anyio

QUERY = """query ($search: String!, $kind: RelatedKind! = SIMILAR, $channel: String) {
  products(first: 1, search: $search) { nodes { title related(kind: $kind, channelKey: $channel) { title } } } }"""
ATTRIBUTES = {"material": {"facet": True, "sources": {"web": "material"}}}


def build_stores() -> dict[str, MemoryStore]:
    """Build a web store whose mugs differ by brand and material, and orders of both channels."""
    web, till = MemoryStore(), MemoryStore()
    for title, brand, material in (
        ("Alpha", "Acme", "stone"),
        ("Bravo", "Other", "glass"),
        ("Charlie", "Acme", "glass"),
        ("Delta", "Other", "stone"),
        ("Echo", "Acme", "stone"),
        ("Foxtrot", "Acme", "stone"),
    ):
        row = record_builders.build_product(title, sku=title, title=title, brand=brand, category=["Kitchen", "Mugs"])
        web.put("products", {**row, "attributes": {"material": [material]}})
        till.put("products", record_builders.build_product(f"t-{title}", sku=title, title=title))
        web.put("stock", record_builders.build_stock(title, "D", 0 if title == "Foxtrot" else 5))
    web.put("products", record_builders.build_product("Lamp", sku="Lamp", title="Lamp", category=["Light"]))
    web.put("stock", record_builders.build_stock("Lamp", "D", 5))
    now = Clock()()
    for number, titles in enumerate(
        (["Alpha", "Lamp"], ["Alpha", "Lamp", "Bravo"], ["Alpha", "Bravo"], ["Alpha", "Echo"])
    ):
        put_order(web, f"{number}", titles, now - timedelta(days=40))
    put_order(web, "old", ["Alpha", "Echo"], now - timedelta(days=91))
    put_order(web, "test", ["Alpha", "Echo"], now, test=True)
    put_order(web, "canceled", ["Alpha", "Echo"], now, status="CANCELLED")
    for number in range(3):
        put_order(till, f"{number}", ["t-Alpha", "t-Delta"], now - timedelta(days=1))
    return {"web": web, "till": till}


def put_order(store: MemoryStore, id_: str, titles: list[str], placed_at: Any, **more: Any) -> None:
    lines = [record_builders.build_line(f"{n}", title) for n, title in enumerate(titles)]
    store.put("orders", record_builders.build_order(id_, lines, placed_at=placed_at, **more))


@pytest.fixture
async def own_world(database_url: str) -> AsyncIterator[World]:
    async with open_world(
        database_url, build_stores(), attributes=ATTRIBUTES, stock={"default_channel": "web"}
    ) as world:
        await world.gateway.count_sold_units()
        yield world


async def list_related(world: World, search: str, **variables: Any) -> list[str]:
    (product,) = (await world.client.fetch_data(QUERY, search=search, **variables))["products"]["nodes"]
    return [other["title"] for other in product["related"]]


async def test_similar_products_of_the_category_share_most_with_it_first(own_world: World) -> None:
    found = await list_related(own_world, "alpha")
    assert (found[:2], sorted(found[2:])) == (["Echo", "Charlie"], ["Bravo", "Delta"])
    assert found.index("Delta") < found.index("Bravo")
    assert await list_related(own_world, "lamp") == []


async def test_what_is_bought_together_follows_the_orders(own_world: World) -> None:
    found = await list_related(own_world, "alpha", kind="COMPLEMENTARY")
    assert (found[0], sorted(found[1:])) == ("Delta", ["Bravo", "Lamp"]), "one order with Echo is not shown"
    own_world.clock.forward(days=60)
    await own_world.gateway.count_sold_units()
    assert await list_related(own_world, "alpha", kind="COMPLEMENTARY") == ["Delta"]


async def test_only_what_the_channel_can_sell_is_shown(own_world: World) -> None:
    assert "Foxtrot" not in await list_related(own_world, "alpha")
    own_world.stores["web"].change("stock", "Foxtrot@D", on_hand=3)
    own_world.stores["web"].change("stock", "Charlie@D", on_hand=0)
    own_world.clock.forward(minutes=10)
    await own_world.gateway.request_sync("web")
    await own_world.gateway.run_due()
    found = await list_related(own_world, "alpha")
    assert "Foxtrot" in found and "Charlie" not in found


async def test_a_caller_that_does_not_see_a_channel_learns_nothing_of_its_orders(database_url: str) -> None:
    access = {"anonymous": {"channels": ["web"]}}
    async with open_world(database_url, build_stores(), access=access, stock={"default_channel": "web"}) as world:
        await world.gateway.count_sold_units()
        assert sorted(await list_related(world, "alpha", kind="COMPLEMENTARY")) == ["Bravo", "Lamp"]


async def test_a_list_takes_as_many_statements_as_one_product(own_world: World) -> None:
    stop_caches(own_world.gateway)
    query = """query ($first: Int, $kind: RelatedKind!) {
      products(first: $first) { nodes { title related(kind: $kind) { title } } } }"""
    for kind in ("SIMILAR", "COMPLEMENTARY"):
        counts = []
        for first in (1, 3, 7):
            with capture_statements() as seen:
                await own_world.client.fetch_data(query, first=first, kind=kind)
            counts.append(len([one for one in seen if not one.startswith("BEGIN")]))
        assert len(set(counts)) == 1, counts


async def test_a_cached_list_shows_others_as_they_are_now(own_world: World) -> None:
    query = "{ products(first: 7) { nodes { title related { title } } } }"
    for _ in range(3):
        before = await own_world.client.fetch_data(query)
    web = own_world.stores["web"]
    web.change("products", "Echo", title="Echo, new")
    web.change("stock", "Delta@D", on_hand=0)
    own_world.clock.forward(minutes=10)
    await own_world.gateway.request_sync("web")
    await own_world.gateway.run_due()
    after = await own_world.client.fetch_data(query)
    shown = {
        product["title"]: {other["title"] for other in product["related"]} for product in after["products"]["nodes"]
    }
    assert after != before
    assert "Echo, new" in shown["Alpha"] and "Delta" not in shown["Alpha"]


async def test_what_depends_on_other_products_is_in_no_rendered_object(
    own_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.execution.compiler.plan.COMPILED_AFTER", 0)
    query = "{ products(first: 7) { nodes { title related { title } } } }"
    rendered = own_world.gateway.rendered
    for _ in range(3):
        await own_world.client.fetch_data(query)
    assert rendered.size == 0
    for _ in range(3):
        await own_world.client.fetch_data("{ products(first: 7) { nodes { title } } }")
    assert rendered.size > 0


async def test_a_policy_of_a_plugin_orders_related_products(own_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own_world.gateway.responses.is_enabled = False  # its policies do not change while a gateway is open

    def rank_by_id(requests: Sequence[RelatedRequest]) -> Sequence[Sequence[str]]:
        return [sorted(one.product_id for one in request.candidates) for request in requests]

    def rank_by_reverse_id(requests: Sequence[RelatedRequest]) -> Sequence[Sequence[str]]:
        return [ids[::-1] for ids in rank_by_id(requests)]

    found = []
    for policy in (rank_by_id, rank_by_reverse_id):
        monkeypatch.setattr(own_world.gateway, "related", policy)
        found.append(await list_related(own_world, "alpha"))
    assert len(found[0]) == 4 and found[0] == found[1][::-1]
