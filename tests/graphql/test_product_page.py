"""What a product page asks: which variant to show, and which shop has it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from gateway.model.channels import GeoPoint
from gateway.model.geography import kilometers
from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryStore
from tests.graphql.world import LOCATIONS, STAFF, World, opened, small_world

pytestmark = pytest.mark.anyio

POINTS: dict[str, dict[str, float]] = {
    "london": {"latitude": 51.5074, "longitude": -0.1278},
    "leeds": {"latitude": 53.8008, "longitude": -1.5491},
}
KNOWN: Any = LOCATIONS
PLACES: dict[str, Any] = {key: {**table, "point": POINTS.get(key)} for key, table in KNOWN.items()}
PLACES["york"] = {"name": "York", "kind": "STORE", "authority": "till", "channels": {"till": "Y"}}
HERE = {"latitude": 53.4808, "longitude": -2.2426}
CHOOSE = """query ($options: [SelectedOptionInput!], $channel: String) { products(search: "shirt") { nodes {
  selectedOrFirstAvailableVariant(selectedOptions: $options, channelKey: $channel) { sku }
  adjacentVariants(selectedOptions: $options, channelKey: $channel) { sku } } } }"""
SHOPS = """query ($sku: [String!], $near: GeoPointInput, $first: Int, $after: String) {
  productVariants(filter: {skus: $sku}) { nodes { storeAvailability(near: $near, first: $first, after: $after) {
    edges { cursor distanceKm node { location { key } status available } } pageInfo { hasNextPage endCursor } } } } }"""


def options(**chosen: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in chosen.items()]


@pytest.fixture
async def shirts(database_url: str) -> AsyncIterator[World]:
    """Shirts in two colors and three sizes; of the red ones only L is left, of the blue ones M and L."""
    store = MemoryStore()
    made = [
        rows.variant(f"{color}-{size}", sku=f"{color}-{size}", options={"Color": color, "Size": size})
        for color in ("Red", "Blue")
        for size in "SML"
    ]
    store.put("products", {"id": "p", "title": "Shirt", "variants": made})
    for number, one in enumerate(made):
        store.put("stock", rows.stock(one["id"], "L", 1 if number in (2, 4, 5) else 0))
    async with opened(database_url, {"till": store, "web": MemoryStore()}) as world:
        yield world


async def shown(world: World, chosen: Sequence[Any] | None = None, channel: str = "till") -> tuple[str, list[str]]:
    (node,) = (await world.client.data(CHOOSE, options=chosen, channel=channel))["products"]["nodes"]
    first = node["selectedOrFirstAvailableVariant"]["sku"]
    return first, [one["sku"] for one in node["adjacentVariants"]]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (None, "Red-L"),
        ([], "Red-L"),
        (options(Color="Red", Size="S"), "Red-S"),
        (options(Color="Blue"), "Blue-M"),
        (options(Size="M"), "Blue-M"),
        (options(Size="S"), "Red-S"),
        (options(Color="Green"), "Red-L"),
        (options(Taste="Sweet"), "Red-L"),
        (options(Color="Blue", Taste="Sweet"), "Red-L"),
    ],
)
async def test_the_variant_shown_is_the_chosen_one_else_the_first_that_can_be_had(
    shirts: World, chosen: Any, expected: str
) -> None:
    assert (await shown(shirts, chosen))[0] == expected


async def test_where_nothing_can_be_had_the_first_variant_is_shown(shirts: World) -> None:
    assert (await shown(shirts, channel="web"))[0] == "Red-S"


async def test_adjacent_variants_differ_in_one_option(shirts: World) -> None:
    assert (await shown(shirts, options(Color="Red", Size="M")))[1] == ["Red-S", "Red-L", "Blue-M"]
    assert (await shown(shirts))[1] == ["Red-S", "Red-M", "Blue-L"]


VALUES = """query ($channel: String) { products(search: "shirt") { nodes { options { name
  optionValues { name firstAvailableVariant(channelKey: $channel) { sku } } } } } }"""


async def led_to(world: World, channel: str) -> dict[str, str | None]:
    (node,) = (await world.client.data(VALUES, channel=channel))["products"]["nodes"]
    values = [value for option in node["options"] for value in option["optionValues"]]
    return {value["name"]: (value["firstAvailableVariant"] or {}).get("sku") for value in values}


async def test_each_value_of_an_option_leads_to_the_first_variant_with_it_that_can_be_had(shirts: World) -> None:
    first = {"Red": "Red-L", "Blue": "Blue-M", "S": None, "M": "Blue-M", "L": "Red-L"}
    assert await led_to(shirts, "till") == first
    assert await led_to(shirts, "web") == dict.fromkeys(first)
    assert (await shirts.client.ask(VALUES, channel="nowhere")).codes == ["BAD_USER_INPUT"] * 5


@pytest.mark.parametrize(
    "chosen",
    [options(Color="Red") * 2, [{"name": str(n), "value": "x"} for n in range(21)], [{"name": "a\0", "value": ""}]],
)
async def test_options_that_nobody_can_have_chosen_are_bad_input(shirts: World, chosen: Any) -> None:
    answer = await shirts.client.ask(CHOOSE, options=chosen)
    assert answer.codes == ["BAD_USER_INPUT"] * 2
    (node,) = answer.body["data"]["products"]["nodes"]
    assert node == {"selectedOrFirstAvailableVariant": None, "adjacentVariants": None}


async def test_a_channel_that_is_not_there_is_bad_input(shirts: World) -> None:
    assert (await shirts.client.ask(CHOOSE, channel="nowhere")).codes == ["BAD_USER_INPUT"] * 2


# ------------------------------------------------------------------------------------------------ shops


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with small_world(database_url, locations=PLACES) as opened_world:
        opened_world.stores["till"].put("stock", rows.stock("t-mug", "Y", 9))
        await opened_world.gateway.make_due("till")
        await opened_world.gateway.run_due()
        yield opened_world


async def shops(world: World, sku: str, token: str | None = STAFF, **arguments: Any) -> Any:
    (node,) = (await world.client.data(SHOPS, token, sku=[sku], **arguments))["productVariants"]["nodes"]
    return node["storeAvailability"]


def told(page: Any) -> list[tuple[str, float | None, str, int | None]]:
    return [
        (edge["node"]["location"]["key"], edge["distanceKm"], edge["node"]["status"], edge["node"]["available"])
        for edge in page["edges"]
    ]


async def test_the_nearest_shop_comes_first_and_one_without_a_point_last(world: World) -> None:
    assert told(await shops(world, "MUG", near=HERE)) == [
        ("leeds", 57.9, "LOW_STOCK", 1),
        ("london", 261.8, "IN_STOCK", 40),
        ("york", None, "IN_STOCK", 9),
    ]
    assert [place for place, *_ in told(await shops(world, "MUG"))] == ["london", "leeds", "york"]


async def test_a_shop_that_two_channels_sell_from_counts_once_and_a_warehouse_is_no_shop(world: World) -> None:
    assert told(await shops(world, "TEE-R")) == [
        ("london", None, "OUT_OF_STOCK", 0),
        ("leeds", None, "LOW_STOCK", 2),
        ("york", None, "UNKNOWN", None),
    ]
    assert told(await shops(world, "TEE-B")) == []


async def test_a_stranger_is_not_told_exact_figures_of_shops(world: World) -> None:
    assert told(await shops(world, "MUG", token=None))[0] == ("london", None, "IN_STOCK", 20)


async def test_shops_are_paged_in_the_order_of_their_distance(world: World) -> None:
    first = await shops(world, "MUG", near=HERE, first=2)
    assert ([place for place, *_ in told(first)], first["pageInfo"]["hasNextPage"]) == (["leeds", "london"], True)
    rest = await shops(world, "MUG", near=HERE, first=2, after=first["pageInfo"]["endCursor"])
    assert ([place for place, *_ in told(rest)], rest["pageInfo"]["hasNextPage"]) == (["york"], False)
    nearby = {"latitude": HERE["latitude"] + 0.001, "longitude": HERE["longitude"]}
    assert await shops(world, "MUG", near=nearby, first=2, after=first["pageInfo"]["endCursor"]) == rest
    elsewhere = await world.client.ask(SHOPS, sku=["MUG"], near=POINTS["london"], after=first["pageInfo"]["endCursor"])
    assert elsewhere.codes == ["BAD_USER_INPUT"]


async def test_locations_are_listed_by_their_distance(world: World) -> None:
    query = "query ($near: GeoPointInput) { locations(near: $near) { edges { distanceKm node { key } } totalCount } }"
    found = (await world.client.data(query, near=HERE))["locations"]
    assert [(edge["node"]["key"], edge["distanceKm"]) for edge in found["edges"]] == [
        ("leeds", 57.9),
        ("london", 261.8),
        ("depot", None),
        ("york", None),
    ]
    assert found["totalCount"] == 4


@pytest.mark.parametrize("near", [(90.1, 0.0), (0.0, -180.5), (1e300, 0.0)])
async def test_a_point_that_is_not_on_the_earth_is_bad_input(world: World, near: tuple[float, float]) -> None:
    given = {"latitude": near[0], "longitude": near[1]}
    assert (await world.client.ask(SHOPS, sku=["MUG"], near=given)).codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((51.5, -0.1), (51.5, -0.1), 0.0),
        ((51.5074, -0.1278), (40.7128, -74.006), 5570.2),
        ((0.0, 179.9), (0.0, -179.9), 22.2),
        ((90.0, 0.0), (-90.0, 77.0), 20015.1),
        ((0.0, 0.0), (0.0, 180.0), 20015.1),
    ],
)
def test_distances_are_great_circles(one: tuple[float, float], other: tuple[float, float], expected: float) -> None:
    assert kilometers(GeoPoint(*one), GeoPoint(*other)) == kilometers(GeoPoint(*other), GeoPoint(*one)) == expected
