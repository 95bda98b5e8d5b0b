"""Handles of products and categories: the channels' own, and those that they had."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.graphql.test_media import list_warnings
from tests.graphql.world import ADMIN, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

BY_HANDLE = "query ($handle: String!) { product(by: {handle: $handle}) { title handle } }"


def put_product(store: MemoryStore, id: str, title: str, handle: str | None = None, **more: Any) -> None:
    store.put(
        "products", record_builders.build_product(id, title=title, **({"handle": handle} if handle else {}), **more)
    )


async def find_title(world: World, handle: str) -> str | None:
    product = (await world.client.fetch_data(BY_HANDLE, handle=handle))["product"]
    return None if product is None else product["title"]


async def list_handles(world: World) -> dict[str, str]:
    nodes = (await world.client.fetch_data("{ products(first: 50) { nodes { title handle } } }"))["products"]["nodes"]
    return {node["title"]: node["handle"] for node in nodes}


async def sync(world: World) -> None:
    world.clock.forward(hours=1)
    await world.gateway.run_due()


async def test_a_product_has_the_handle_of_its_channel(database_url: str) -> None:
    web, till = MemoryStore(), MemoryStore()
    put_product(web, "1", "Red mug", "red-mug")
    put_product(till, "2", "Blue Mug!")
    async with open_world(database_url, {"web": web, "till": till}) as world:
        handles = await list_handles(world)
        assert handles["Red mug"] == "red-mug"
        assert handles["Blue Mug!"].startswith("blue-mug-")
        assert await find_title(world, "red-mug") == "Red mug"
        assert await find_title(world, handles["Blue Mug!"]) == "Blue Mug!"
        assert await find_title(world, "green-mug") is None


async def test_a_former_handle_answers_with_the_product_that_had_it_last(database_url: str) -> None:
    web = MemoryStore()
    put_product(web, "1", "A", "a1")
    async with open_world(database_url, {"web": web, "till": MemoryStore()}) as world:
        for handle in ("a2", "a3"):
            web.change("products", "1", handle=handle)
            await sync(world)
        assert (await world.client.fetch_data(BY_HANDLE, handle="a1"))["product"] == {"title": "A", "handle": "a3"}
        assert await find_title(world, "a2") == "A"
        put_product(web, "2", "B", "a1")
        await sync(world)
        assert await find_title(world, "a1") == "B", "a present handle comes before a former one"
        web.change("products", "2", handle="b")
        await sync(world)
        assert await find_title(world, "a1") == "B", "it had it last"
        assert await find_title(world, "a2") == "A"


@pytest.mark.parametrize("first", ["web", "till"])
async def test_of_two_products_with_one_handle_the_preferred_channel_s_has_it(database_url: str, first: str) -> None:
    stores = {"web": MemoryStore(), "till": MemoryStore()}
    put_product(stores[first], first, f"Mug of {first}", "mug")
    async with open_world(database_url, stores) as world:
        other = "till" if first == "web" else "web"
        put_product(stores[other], other, f"Mug of {other}", "mug")
        await sync(world)
        handles = await list_handles(world)
        assert handles["Mug of web"] == "mug"
        assert handles["Mug of till"].startswith("mug-")
        assert await find_title(world, "mug") == "Mug of web"
        assert await find_title(world, handles["Mug of till"]) == "Mug of till"


async def test_products_of_one_channel_share_a_handle_by_their_ids_and_exchange_theirs(database_url: str) -> None:
    web = MemoryStore()
    for id in ("2", "1", "3"):
        put_product(web, id, f"P{id}", "mug")
    async with open_world(database_url, {"web": web, "till": MemoryStore()}) as world:
        handles = await list_handles(world)
        assert (handles["P1"], handles["P2"][:4], handles["P3"][:4]) == ("mug", "mug-", "mug-")
        web.change("products", "1", handle="cup")
        web.change("products", "2", handle="bowl")
        await sync(world)
        web.change("products", "1", handle="bowl")
        web.change("products", "2", handle="cup")
        await sync(world)
        handles = await list_handles(world)
        assert (handles["P1"], handles["P2"]) == ("bowl", "cup")


async def test_a_deleted_product_does_not_hold_its_handle(database_url: str) -> None:
    web = MemoryStore()
    put_product(web, "1", "Old", "mug")
    async with open_world(database_url, {"web": web, "till": MemoryStore()}) as world:
        web.remove("products", "1")
        put_product(web, "2", "New", "mug")
        world.clock.forward(days=2)
        await world.gateway.run_due()
        assert await list_handles(world) == {"New": "mug"}
        assert await find_title(world, "mug") == "New"


async def test_the_handle_of_a_merged_product_answers_with_the_other_one(database_url: str) -> None:
    web, till = MemoryStore(), MemoryStore()
    put_product(web, "1", "Mug", "mug", gtin="4006381333931")
    put_product(till, "9", "MUG WHT", "till-mug")
    async with open_world(database_url, {"web": web, "till": till}) as world:
        assert await find_title(world, "till-mug") == "MUG WHT"
        put_product(till, "9", "MUG WHT", "till-mug", gtin="4006381333931")
        await sync(world)
        assert await list_handles(world) == {"Mug": "mug"}
        assert await find_title(world, "till-mug") == "Mug"


@pytest.mark.parametrize("handle", ["a b", "a/b", "a?b", "#", "", "x" * 300, ".", "..", "a\nb"])
async def test_what_is_no_segment_of_a_url_is_dropped_with_a_warning(database_url: str, handle: str) -> None:
    web = MemoryStore()
    web.put("products", record_builders.build_product("1", title="Mug", handle=handle))
    async with open_world(database_url, {"web": web, "till": MemoryStore()}) as world:
        assert (await list_handles(world))["Mug"].startswith("mug-")
        assert await list_warnings(world) == [("handle", "WARNING")]


async def test_a_category_is_found_by_its_handle(database_url: str) -> None:
    web = MemoryStore()
    put_product(web, "1", "Mug", category=["Kitchen", "Mugs"])
    query = "query ($handle: String!) { category(handle: $handle) { title parent { title } } }"
    async with open_world(database_url, {"web": web, "till": MemoryStore()}) as world:
        data = await world.client.fetch_data("{ products { nodes { category { handle } } } }")
        handle = data["products"]["nodes"][0]["category"]["handle"]
        assert await world.client.fetch_data(query, handle=handle) == {
            "category": {"title": "Mugs", "parent": {"title": "Kitchen"}}
        }
        assert await world.client.fetch_data(query, handle="nowhere") == {"category": None}


async def test_a_handle_that_the_gateway_has_made_of_another_one_can_be_claimed(database_url: str) -> None:
    """The product that had it is stored all the same: its price, and that it is gone."""
    web, till = MemoryStore(), MemoryStore()
    put_product(web, "x", "X", "mug")
    put_product(till, "y", "Y", "mug", price="10.00")
    prices = '{ products(first: 9) { nodes { title priceRange(channelKey: "till") { min { amount } } } } }'
    async with open_world(database_url, {"web": web, "till": till}) as world:
        made = (await list_handles(world))["Y"]
        put_product(web, "z", "Z", made)
        await sync(world)
        put_product(till, "y", "Y", "mug", price="99.00")
        await sync(world)
        handles = await list_handles(world)
        assert (handles["X"], handles["Z"]) == ("mug", made) and handles["Y"].startswith(f"{made}-")
        shown = (await world.client.fetch_data(prices))["products"]["nodes"]
        assert {"title": "Y", "priceRange": {"min": {"amount": "99.00"}}} in shown
        till.remove("products", "y")
        await world.gateway.request_sync("till", sweep=True)
        await sync(world)
        assert set(await list_handles(world)) == {"X", "Z"}


async def test_products_with_handles_of_each_other_are_all_stored(database_url: str, examples: int) -> None:
    """Handles that the gateway has given out come back from any channel, at random."""
    chance, stores = Random(5), {"web": MemoryStore(), "till": MemoryStore()}
    async with open_world(database_url, stores) as world:
        pool = ["mug", "cup"]
        for step in range(examples // 4):
            key, id_ = chance.choice(["web", "till"]), chance.choice("abc")
            put_product(stores[key], id_, f"{key} {id_}", chance.choice(pool), brand=f"{step}")
            await sync(world)
            handles = await list_handles(world)
            assert f"{key} {id_}" in handles and len(set(handles.values())) == len(handles)
            pool = [*pool, *handles.values()][-9:]
            assert [one for one in await list_rejects(world) if one] == []


async def list_rejects(world: World) -> list[Any]:
    data = await world.client.fetch_data("{ syncRejects { nodes { reason severity } } }", ADMIN)
    return [node for node in data["syncRejects"]["nodes"] if node["severity"] != "WARNING"]
