"""Ids and handles that clients have stored lead to the same things in a database that was built anew (rule H1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.commerce import channel_data
from gateway.graphql.cursors import ListCursors, compute_fingerprint
from gateway.model.ids import GlobalId
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.database import Database
from tests.graphql.world import ADMIN, World, build_till, build_web_store, open_world

pytestmark = pytest.mark.anyio

SHOWN = """{ products(first: 50) { nodes { id handle title category { id } offer { id }
  variants { nodes { id title listings { id externalId } } } } } }"""
NODES = """query ($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Product { title } ... on Category { title }
  ... on ProductVariant { product { title } listings { externalId } } ... on Listing { externalId }
  ... on ProductOffer { onSale } } }"""
BY_HANDLE = "query ($handle: String!) { product(by: {handle: $handle}) { title } }"
LISTINGS = """query ($after: String) {
  listings(first: 2, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }"""


async def list_ids(world: World) -> tuple[list[str], dict[str, str]]:
    """List the ids that clients see, and the titles of products by their handles."""
    products = (await world.client.fetch_data(SHOWN, ADMIN))["products"]["nodes"]
    ids = [product["id"] for product in products] + [product["offer"]["id"] for product in products]
    ids += [product["category"]["id"] for product in products if product["category"]]
    for product in products:
        for variant in product["variants"]["nodes"]:
            ids += [variant["id"], *(listing["id"] for listing in variant["listings"])]
    return ids, {product["handle"]: product["title"] for product in products}


async def sync(world: World) -> None:
    world.clock.forward(days=2)
    await world.gateway.run_due()


async def answer(world: World, ids: list[str], handles: dict[str, str]) -> Any:
    titles = {
        handle: (await world.client.fetch_data(BY_HANDLE, ADMIN, handle=handle))["product"]["title"]
        for handle in handles
    }
    return (await world.client.fetch_data(NODES, ADMIN, ids=ids))["nodes"], titles


async def test_what_clients_have_stored_is_valid_after_a_rebuild(database_url: str, tmp_path: Path) -> None:
    """The till is there first in one database, the web store in the other."""
    later = f"sqlite:///{tmp_path / 'later.db'}"
    stored: list[tuple[list[str], dict[str, str]]] = []
    answers: list[Any] = []
    for url, first in ((database_url, "till"), (later, "web")):
        stores = {"till": build_till(), "web": build_web_store()}
        empty = {key: store if key == first else MemoryStore() for key, store in stores.items()}
        async with open_world(url, empty) as world:
            stored.append(await list_ids(world))
        async with open_world(url, stores) as world:
            await sync(world)
            stored.append(await list_ids(world))
    ids = list(dict.fromkeys(id_ for given_ids, _ in stored for id_ in given_ids))
    handles = {handle: title for _, titles in stored for handle, title in titles.items()}
    for url in (database_url, later):
        async with open_world(url, {"till": build_till(), "web": build_web_store()}) as world:
            answers.append(await answer(world, ids, handles))
    assert answers[0] == answers[1]
    assert None not in answers[0][0]
    assert len({*stored[0][0]} & {*stored[3][0]}) < len(ids), "some present ids differ"


async def test_a_deleted_record_that_comes_back_answers_its_old_ids(database_url: str) -> None:
    web = MemoryStore()
    row = record_builders.build_product("1", sku="A", title="Mug")
    web.put("products", row)
    async with open_world(database_url, {"web": web, "till": MemoryStore()}) as world:
        before, _ = await list_ids(world)
        web.remove("products", "1")
        await sync(world)
        web.put("products", row)
        await sync(world)
        present, _ = await list_ids(world)
        nodes, _ = await answer(world, before, {})
        assert [node["__typename"] for node in nodes] == ["Product", "ProductOffer", "ProductVariant", "Listing"]
        assert present[:3] == before[:3]
        assert present[3] != before[3], "the listing has another generation"
        assert nodes[3] == {"__typename": "Listing", "externalId": "1"}


async def test_a_channel_with_the_former_key_of_another_one_has_ids_of_its_own(database_url: str) -> None:
    web = MemoryStore()
    web.put("products", record_builders.build_product("1", sku="A", title="Mug"))
    till = MemoryStore()
    till.put("products", record_builders.build_product("1", sku="B", title="Cup"))
    async with open_world(database_url, {"web": web, "till": MemoryStore()}) as world:
        ids, handles = await list_ids(world)
        now = world.clock()
    database = Database(database_url)
    await database.write(channel_data.rename_channel, "web", "shop", now)
    await database.close()
    priority = {"catalogue": {"priority": ["shop", "web"]}}
    async with open_world(database_url, {"shop": web, "web": till, "till": MemoryStore()}, **priority) as world:
        nodes, titles = await answer(world, ids, handles)
        assert [node["__typename"] for node in nodes] == ["Product", "ProductOffer", "ProductVariant", "Listing"]
        assert set(titles.values()) == {"Mug"}
        present, handles = await list_ids(world)
        assert set(handles.values()) == {"Mug", "Cup"} and len({*present}) == 8


async def test_cursors_of_lists_of_listings_that_earlier_versions_gave_stay_valid(database_url: str) -> None:
    """They have the id in place of the time."""
    async with open_world(database_url, {"till": build_till(), "web": build_web_store()}) as world:
        await world.gateway.database.write(make_older)
        page = (await world.client.fetch_data(LISTINGS, ADMIN))["listings"]
        last = GlobalId.parse(page["nodes"][-1]["id"]).key
        cursors = ListCursors(world.gateway.cursors, compute_fingerprint("listings", None, None), world.clock())
        former = cursors.encode((last, last))
        assert former != page["pageInfo"]["endCursor"]
        rest = [
            (await world.client.fetch_data(LISTINGS, ADMIN, after=after))["listings"]["nodes"]
            for after in (former, page["pageInfo"]["endCursor"])
        ]
        assert rest[0] == rest[1] != []


def make_older(conn: Any) -> None:
    """Give all listings the ids that an earlier version would have given them."""
    rows = conn.exec_driver_sql("SELECT id FROM listings ORDER BY id").all()
    for number, (id_,) in enumerate(rows):
        milliseconds = 1_767_000_000_000 + number
        new = f"{milliseconds:012x}7{number:03x}8{number:015x}"
        conn.exec_driver_sql(
            f"UPDATE listings SET id = '{new}', first_seen_at = {milliseconds * 1000} WHERE id = '{id_}'"
        )
