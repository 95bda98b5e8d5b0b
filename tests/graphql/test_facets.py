"""Facets of product lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.graphql.conftest import Make
from tests.graphql.world import World, build_global_id, open_world

pytestmark = pytest.mark.anyio

FACETS = """query ($keys: [String!], $first: Int, $filter: ProductFilter, $search: String, $channelKey: String) {
  products(filter: $filter, search: $search, channelKey: $channelKey) { totalCount nodes { title }
    facets(keys: $keys, first: $first) { key label values { value label count selected }
      priceRange { min { amount } max { amount currencyCode } } } } }"""


def build_shop() -> MemoryStore:
    store = MemoryStore()
    for id_, brand, tags, colors, sizes, category, price in (
        ("1", "Acme", ["new", "cotton"], ("Red", "Blue"), "SM", ["Shirts"], "10.00"),
        ("2", "Acme", ["cotton"], ("Red",), "SL", ["Shirts"], "12.00"),
        ("3", "Bolt", ["new"], ("Blue",), "M", ["Shirts", "Long"], "30.00"),
    ):
        variants = [
            record_builders.build_variant(f"{id_}{color}{size}", price=price, options={"Color": color, "Size": size})
            for color in colors
            for size in sizes
        ]
        more = {"brand": brand, "tags": tags, "category": category}
        store.put("products", {"id": id_, "title": f"Shirt {id_}", "variants": variants, **more})
    store.put("products", record_builders.build_product("4", title="Mug", price="4.00", category=["Cups"]))
    return store


@pytest.fixture(scope="module")
def retailer() -> Make:
    return lambda url: open_world(url, {"till": build_shop(), "web": MemoryStore()})


async def count_facets(world: World, **variables: Any) -> Mapping[str, Mapping[str, int]]:
    """Count the products by facet and label."""
    found = (await world.client.fetch_data(FACETS, **variables))["products"]["facets"]
    return {facet["key"]: {one["label"]: one["count"] for one in facet["values"]} for facet in found}


async def list_titles(world: World, *facets: tuple[str, list[str]], **filter_: Any) -> list[str]:
    given = {**filter_, "facets": [{"key": key, "values": values} for key, values in facets]}
    found = (await world.client.fetch_data(FACETS, filter=given))["products"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["title"] for node in found["nodes"]]


async def test_every_facet_counts_products_and_not_variants(world: World) -> None:
    assert await count_facets(world) == {
        "brand": {"Acme": 2, "Bolt": 1},
        "category": {"Shirts": 2, "Cups": 1, "Long": 1},
        "tag": {"cotton": 2, "new": 2},
        "option.Color": {"Blue": 2, "Red": 2},
        "option.Size": {"M": 2, "S": 2, "L": 1},
    }


async def test_a_facet_counts_what_was_searched_and_filtered_for(world: World) -> None:
    assert await count_facets(world, search="shirt 3", keys=["brand", "option.Size"]) == {
        "brand": {"Bolt": 1},
        "option.Size": {"M": 1},
    }
    assert await count_facets(world, filter={"tags": ["cotton"]}, keys=["tag"]) == {"tag": {"cotton": 2, "new": 1}}


async def test_what_is_chosen_of_a_facet_narrows_down_the_others_and_not_itself(world: World) -> None:
    chosen = {"facets": [{"key": "option.Color", "values": ["Red"]}]}
    found = (await world.client.fetch_data(FACETS, filter=chosen))["products"]
    assert [node["title"] for node in found["nodes"]] == ["Shirt 1", "Shirt 2"]
    by_key = {facet["key"]: facet for facet in found["facets"]}
    assert [(one["label"], one["count"]) for one in by_key["brand"]["values"]] == [("Acme", 2)]
    colors = [(one["value"], one["count"], one["selected"]) for one in by_key["option.Color"]["values"]]
    assert colors == [("Blue", 2, False), ("Red", 2, True)]


async def test_within_a_facet_one_value_is_enough_and_every_facet_counts(world: World) -> None:
    assert await list_titles(world, ("brand", ["Acme", "Bolt"])) == ["Shirt 1", "Shirt 2", "Shirt 3"]
    assert await list_titles(world, ("brand", ["Acme", "Bolt"]), ("tag", ["new"])) == ["Shirt 1", "Shirt 3"]
    assert await list_titles(world, ("option.Size", ["L"]), ("option.Color", ["Blue"])) == []
    assert await list_titles(world, ("option.Size", ["M", "L"]), ("option.Color", ["Blue"])) == ["Shirt 1", "Shirt 3"]
    assert await list_titles(world, ("option.Nothing", ["x"])) == []


async def test_the_value_of_a_category_is_its_id_and_finds_as_many_as_were_counted(world: World) -> None:
    (facet,) = (await world.client.fetch_data(FACETS, keys=["category"]))["products"]["facets"]
    for value in facet["values"]:
        assert len(await list_titles(world, ("category", [value["value"]]))) == value["count"]


async def test_the_price_facet_returns_the_range_of_one_channel(world: World) -> None:
    found = (await world.client.fetch_data(FACETS, channelKey="till"))["products"]["facets"]
    price = next(facet for facet in found if facet["key"] == "price")
    whole = {"min": {"amount": "4.00"}, "max": {"amount": "30.00", "currencyCode": "GBP"}}
    assert (price["values"], price["label"], price["priceRange"]) == ([], "Price", whole)
    dear = {"price": {"min": "11.00", "currencyCode": "GBP"}, "brands": ["Acme"]}
    (price,) = (await world.client.fetch_data(FACETS, channelKey="till", filter=dear, keys=["price"]))["products"][
        "facets"
    ]
    assert price["priceRange"]["min"] == {"amount": "10.00"}, "the selected price range does not narrow its own facet"


async def test_a_facet_has_at_most_fifty_values_the_chosen_ones_among_them(database_url: str) -> None:
    store = MemoryStore()
    for n in range(60):
        store.put("products", record_builders.build_product(f"{n:02}", title=f"P{n:02}", brand=f"B{n:02}"))
    async with open_world(database_url, {"till": store, "web": MemoryStore()}) as world:
        chosen = {"facets": [{"key": "brand", "values": ["B59"]}]}
        (facet,) = (await world.client.fetch_data(FACETS, filter=chosen, keys=["brand"]))["products"]["facets"]
        assert len(facet["values"]) == 50
        assert [one["value"] for one in facet["values"] if one["selected"]] == ["B59"]


async def test_as_many_facets_are_returned_as_are_requested(world: World) -> None:
    assert list(await count_facets(world, first=2)) == ["brand", "category"]


@pytest.mark.parametrize(
    "variables",
    [
        {"keys": []},
        {"keys": ["brand", "brand"]},
        {"keys": ["nothing"]},
        {"keys": ["option."]},
        {"keys": ["price"]},
        {"first": 0},
        {"first": 21},
    ],
)
async def test_facets_that_there_cannot_be_are_bad_input(world: World, variables: dict[str, Any]) -> None:
    answer = await world.client.ask(FACETS, **variables)
    assert (answer.codes, answer.body["data"]["products"]["facets"]) == (["BAD_USER_INPUT"], None)
    assert answer.body["data"]["products"]["totalCount"] == 4


@pytest.mark.parametrize(
    "facets",
    [
        [{"key": "nothing", "values": ["x"]}],
        [{"key": "brand", "values": []}],
        [{"key": "brand", "values": ["a"]}, {"key": "brand", "values": ["b"]}],
        [{"key": "price", "values": ["1"]}],
        [{"key": "category", "values": ["Shirts"]}],
        [{"key": "category", "values": [build_global_id("Product", "0" * 32)]}],
    ],
)
async def test_values_that_no_facet_has_are_bad_input(world: World, facets: Any) -> None:
    answer = await world.client.ask(FACETS, filter={"facets": facets})
    assert (answer.codes, answer.body["data"]) == (["BAD_USER_INPUT"], {"products": None})


async def test_an_options_name_may_be_any_text(database_url: str) -> None:
    store, odd = MemoryStore(), 'Größe "x" [0] $\\ ✓'
    variants = [record_builders.build_variant(value, options={odd: value}) for value in ("a'b", 'c"d')]
    store.put("products", {"id": "p", "title": "Odd", "variants": variants})
    async with open_world(database_url, {"till": store, "web": MemoryStore()}) as world:
        assert await count_facets(world, keys=[f"option.{odd}"]) == {f"option.{odd}": {"a'b": 1, 'c"d': 1}}
        assert await list_titles(world, (f"option.{odd}", ['c"d'])) == ["Odd"]
