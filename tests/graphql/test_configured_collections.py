"""Collections of the configuration: in which channel they list products, and how many reads they take."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.tables import passes
from tests.gateways import stop_caches
from tests.graphql.world import World, open_world

pytestmark = pytest.mark.anyio

WEB = {"titles": {"en": "Of the web store"}, "channel": "web", "filter": {}}
LISTED = """query ($handle: String!, $in: String, $filter: ProductFilter) { collection(handle: $handle) {
  products(channelKey: $in, filter: $filter) { nodes { title } } } }"""
FILTERED = "query ($filter: ProductFilter) { products(filter: $filter) { nodes { title } } }"
EARLIER_RESOURCES = {"PRODUCTS", "STOCK", "PRICES", "CUSTOMERS", "ORDERS"}
"""The resources that versions without collections and reviews know."""


def build_stores() -> dict[str, MemoryStore]:
    """Build a web store with three products in categories of their own, and a till that sells one of them."""
    web, till = MemoryStore(), MemoryStore()
    for title in "ABC":
        record = record_builders.build_product(f"w{title}", sku=title, title=title, category=[f"Category {title}"])
        web.put("products", record)
    till.put("products", record_builders.build_product("tB", sku="B", title="B", price="1.00"))
    web.put("collections", record_builders.build_collection("c1", ["wA"], title="Summer"))
    till.put("collections", record_builders.build_collection("c1", ["tB"], title="Counter"))
    return {"web": web, "till": till}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), collections={"web": WEB}) as world:
        yield world


async def list_titles(world: World, query: str, **variables: Any) -> str:
    found = await world.client.fetch_data(query, **variables)
    return "".join(node["title"] for node in found.get("collection", found)["products"]["nodes"])


async def test_a_collection_of_one_channel_lists_what_another_channel_lists_of_it(world: World) -> None:
    assert await list_titles(world, LISTED, handle="web") == "ABC"
    assert await list_titles(world, LISTED, handle="web", **{"in": "web"}) == "ABC"
    assert await list_titles(world, LISTED, handle="web", **{"in": "till"}) == "B"
    assert await list_titles(world, LISTED, handle="web", **{"in": "till"}, filter={"statuses": ["ACTIVE"]}) == "B"
    answer = await world.client.ask(LISTED, handle="web", **{"in": "nowhere"})
    assert answer.codes == ["BAD_USER_INPUT"]


def build_tables(ids: Mapping[str, str]) -> dict[str, Any]:
    return {title.lower(): {"titles": {"en": title}, "filter": {"category_ids": [id_]}} for title, id_ in ids.items()}


async def test_several_filters_by_category_are_one_statement(database_url: str) -> None:
    stores = build_stores()
    async with open_world(database_url, stores) as world:
        nodes = (await world.client.fetch_data("{ categories { nodes { id title } } }"))["categories"]["nodes"]
    ids = {node["title"][-1]: node["id"] for node in nodes}
    async with open_world(database_url, stores, collections=build_tables(ids)) as world:
        own, other = ({"categoryIds": [ids[title]]} for title in "AB")
        assert await list_titles(world, LISTED, handle="a", filter=own) == "A"
        assert await list_titles(world, LISTED, handle="a", filter=other) == ""
        query = "{ collections(first: 9) { nodes { id content { title } } } }"
        found = (await world.client.fetch_data(query))["collections"]["nodes"]
        keys = {node["content"]["title"]: node["id"] for node in found}
        assert await list_titles(world, FILTERED, filter={"collectionIds": [keys["A"], keys["B"]]}) == "AB"


async def test_the_change_feed_of_a_channel_has_its_own_collections_only(world: World) -> None:
    query = """query ($after: String, $in: String) { changes(types: [COLLECTION], after: $after, channelKey: $in) {
      nodes { kind node { ... on Collection { channel { key } } } } pageInfo { endCursor } } }"""
    starts = {key: (await world.client.fetch_data(query, **{"in": key}))["changes"] for key in (None, "web", "till")}
    world.stores["web"].change("collections", "c1", title="Sommer")
    world.clock.forward(minutes=10)
    await world.gateway.request_sync("web", sweep=True)
    await world.gateway.run_due()
    for key, expected in ((None, ["web"]), ("web", ["web"]), ("till", [])):
        after = starts[key]["pageInfo"]["endCursor"]
        nodes = (await world.client.fetch_data(query, after=after, **{"in": key}))["changes"]["nodes"]
        assert [node["node"]["channel"]["key"] for node in nodes] == expected


async def test_passes_of_later_resources_can_be_read_by_earlier_versions(world: World) -> None:
    rows = await world.gateway.database.read(lambda conn: conn.execute(passes.select()).all())
    assert {row.resource for row in rows} <= EARLIER_RESOURCES
    assert {row.later_resource for row in rows} == {None, "COLLECTIONS"}


async def test_collections_are_read_at_once_however_many_there_are(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = "query ($first: Int) { collections(first: $first) { nodes { products(first: 1) { nodes { title } } } } }"
    tables = {f"c{number}": {"titles": {"en": f"C{number}"}, "filter": {"tags": [str(number)]}} for number in range(12)}
    async with open_world(database_url, build_stores(), collections=tables) as world:
        stop_caches(world.gateway)
        reads = record_reads(world, monkeypatch)
        counts = []
        for first in (2, 12):
            await world.client.fetch_data(query, first=first)
            reads.clear()
            await world.client.fetch_data(query, first=first)
            counts.append(len(reads))
        assert counts[0] == counts[1] > 0


def record_reads(world: World, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Record each read of the database: those that begin at the same time are one."""
    reads: list[object] = []
    read, read_snapshot = world.gateway.database.read, world.gateway.database.read_snapshot

    async def read_recorded(work: Any, *arguments: Any, **named: Any) -> Any:
        reads.append(work)
        return await read(work, *arguments, **named)

    async def read_snapshot_recorded(work: Any) -> Any:
        reads.append(work)
        return await read_snapshot(work)

    monkeypatch.setattr(world.gateway.database, "read", read_recorded)
    monkeypatch.setattr(world.gateway.database, "read_snapshot", read_snapshot_recorded)
    return reads
