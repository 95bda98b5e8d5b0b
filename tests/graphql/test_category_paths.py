"""A category that is only in the path of a channel that does not write a product has an answer, but is listed nowhere
(rules H1 and X1).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.commerce.catalog.categories import build_key
from gateway.model.ids import derive_id, get_digits
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.graphql.world import ADMIN, World, build_global_id, open_world

pytestmark = pytest.mark.anyio

WEB, TILL = ("Kitchen", "Mugs"), ("Kitchen", "Crockery")
LISTED = """{ categories(first: 9) { nodes { title children(first: 9) { nodes { title } } } }
  searchSuggestions(search: "crock") { categories { title } } }"""
FOUND = """query ($id: ID!, $handle: String!, $ids: [ID!]!) {
  node(id: $id) { ... on Category { title ancestors { title } } } category(handle: $handle) { title }
  products(first: 9, filter: {categoryIds: $ids}) { nodes { title } } }"""
CROCKERY = derive_id("category", build_key(TILL))


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_catalog(database_url, ["web"]) as world:
        yield world


@contextlib.asynccontextmanager
async def open_catalog(url: str, channels: Sequence[str]) -> AsyncIterator[World]:
    """Open a gateway with a product of the web store and the till: the web store, which is read first, writes it.
    `channels`: those that clients without a token see.
    """
    web, till = MemoryStore(), MemoryStore()
    web.put("products", record_builders.build_product("1", sku="A", title="Mug", category=list(WEB)))
    access = {"anonymous": {"channels": list(channels)}}
    async with open_world(url, {"web": web, "till": till}, access=access) as world:
        till.put("products", record_builders.build_product("7", sku="A", title="MUG", category=list(TILL)))
        await sync(world)
        yield world


async def sync(world: World) -> None:
    world.clock.forward(days=2)
    await world.gateway.run_due()


async def list_titles(world: World, token: str | None) -> tuple[dict[str, list[str]], list[str]]:
    """List the titles of all categories, by that of the root, and those that are suggested."""
    data = await world.client.fetch_data(LISTED, token)
    below = {one["title"]: [it["title"] for it in one["children"]["nodes"]] for one in data["categories"]["nodes"]}
    return below, [one["title"] for one in data["searchSuggestions"]["categories"]]


async def find(world: World, token: str | None) -> Any:
    id_ = build_global_id("Category", CROCKERY)
    return await world.client.fetch_data(FOUND, token, id=id_, ids=[id_], handle=f"crockery-{get_digits(CROCKERY)}")


async def test_a_category_without_products_has_an_answer_and_is_not_listed(world: World) -> None:
    assert await list_titles(world, ADMIN) == ({"Kitchen": ["Mugs"]}, [])
    assert await find(world, ADMIN) == {
        "node": {"title": "Crockery", "ancestors": [{"title": "Kitchen"}]},
        "category": {"title": "Crockery"},
        "products": {"nodes": []},
    }


async def test_it_is_listed_once_a_product_is_in_it(world: World) -> None:
    world.stores["web"].remove("products", "1")
    await sync(world)
    below, suggested = await list_titles(world, ADMIN)
    assert "Crockery" in below["Kitchen"] and suggested == ["Crockery"]
    assert (await find(world, ADMIN))["products"]["nodes"] == [{"title": "MUG"}]


async def test_a_path_of_a_hidden_channel_has_no_answer(world: World) -> None:
    found = await find(world, None)
    assert (found["node"], found["category"]) == (None, None)


async def test_a_path_of_a_draft_has_an_answer_for_staff_only(database_url: str) -> None:
    async with open_catalog(database_url, ["web", "till"]) as world:
        draft = record_builders.build_product("7", sku="A", category=["Soon"], status="DRAFT")
        world.stores["till"].put("products", draft)
        await sync(world)
        id_ = build_global_id("Category", derive_id("category", "soon"))
        query = "query ($id: ID!) { node(id: $id) { ... on Category { title } } }"
        for token, found in ((ADMIN, {"title": "Soon"}), (None, None)):
            assert (await world.client.fetch_data(query, token, id=id_))["node"] == found
        assert (await find(world, None))["category"] == {"title": "Crockery"}


async def test_the_proof_without_the_guard_a_path_of_a_hidden_channel_is_seen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.storage.reads.catalog._is_category_known", lambda _visibility: sa.true())
    assert (await find(world, None))["category"] == {"title": "Crockery"}
