"""Availability of a variant by store."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.model.locations import GeoPoint, measure_kilometers
from gateway.sdk.testing import record_builders
from tests.graphql.conftest import Make
from tests.graphql.world import LOCATIONS, STAFF, World, open_small_world

pytestmark = pytest.mark.anyio

POINTS: dict[str, dict[str, float]] = {
    "london": {"latitude": 51.5074, "longitude": -0.1278},
    "leeds": {"latitude": 53.8008, "longitude": -1.5491},
}
KNOWN: Any = LOCATIONS
CONFIGURED_LOCATIONS: dict[str, Any] = {key: {**table, "point": POINTS.get(key)} for key, table in KNOWN.items()}
CONFIGURED_LOCATIONS["york"] = {"name": "York", "kind": "STORE", "authority": "till", "channels": {"till": "Y"}}
HERE = {"latitude": 53.4808, "longitude": -2.2426}
SHOPS = """query ($sku: [String!], $near: GeoPointInput, $first: Int, $after: String) {
  productVariants(filter: {skus: $sku}) { nodes { storeAvailability(near: $near, first: $first, after: $after) {
    edges { cursor distanceKm node { location { key } status available } } pageInfo { hasNextPage endCursor } } } } }"""


@pytest.fixture(scope="module")
def retailer() -> Make:
    return open_with_york


@contextlib.asynccontextmanager
async def open_with_york(url: str) -> AsyncIterator[World]:
    """Open the small world with a third shop."""
    async with open_small_world(url, locations=CONFIGURED_LOCATIONS) as world:
        world.stores["till"].put("stock", record_builders.build_stock("t-mug", "Y", 9))
        await world.gateway.request_sync("till")
        await world.gateway.run_due()
        yield world


async def fetch_availability(world: World, sku: str, token: str | None = STAFF, **arguments: Any) -> Any:
    (node,) = (await world.client.fetch_data(SHOPS, token, sku=[sku], **arguments))["productVariants"]["nodes"]
    return node["storeAvailability"]


def list_entries(page: Any) -> list[tuple[str, float | None, str, int | None]]:
    return [
        (edge["node"]["location"]["key"], edge["distanceKm"], edge["node"]["status"], edge["node"]["available"])
        for edge in page["edges"]
    ]


async def test_the_nearest_shop_comes_first_and_one_without_a_point_last(world: World) -> None:
    assert list_entries(await fetch_availability(world, "MUG", near=HERE)) == [
        ("leeds", 57.9, "LOW_STOCK", 1),
        ("london", 261.8, "IN_STOCK", 40),
        ("york", None, "IN_STOCK", 9),
    ]
    assert [location for location, *_ in list_entries(await fetch_availability(world, "MUG"))] == [
        "london",
        "leeds",
        "york",
    ]


async def test_a_shop_that_two_channels_sell_from_counts_once_and_a_warehouse_is_no_shop(world: World) -> None:
    assert list_entries(await fetch_availability(world, "TEE-R")) == [
        ("london", None, "OUT_OF_STOCK", 0),
        ("leeds", None, "LOW_STOCK", 2),
        ("york", None, "UNKNOWN", None),
    ]
    assert list_entries(await fetch_availability(world, "TEE-B")) == []


async def test_an_unauthenticated_client_gets_no_exact_figures_of_shops(world: World) -> None:
    assert list_entries(await fetch_availability(world, "MUG", token=None))[0] == ("london", None, "IN_STOCK", 20)


async def test_shops_are_paged_in_the_order_of_their_distance(world: World) -> None:
    first = await fetch_availability(world, "MUG", near=HERE, first=2)
    assert ([location for location, *_ in list_entries(first)], first["pageInfo"]["hasNextPage"]) == (
        ["leeds", "london"],
        True,
    )
    rest = await fetch_availability(world, "MUG", near=HERE, first=2, after=first["pageInfo"]["endCursor"])
    assert ([location for location, *_ in list_entries(rest)], rest["pageInfo"]["hasNextPage"]) == (["york"], False)
    nearby = {"latitude": HERE["latitude"] + 0.001, "longitude": HERE["longitude"]}
    assert await fetch_availability(world, "MUG", near=nearby, first=2, after=first["pageInfo"]["endCursor"]) == rest
    elsewhere = await world.client.ask(SHOPS, sku=["MUG"], near=POINTS["london"], after=first["pageInfo"]["endCursor"])
    assert elsewhere.codes == ["BAD_USER_INPUT"]


async def test_locations_are_listed_by_their_distance(world: World) -> None:
    query = "query ($near: GeoPointInput) { locations(near: $near) { edges { distanceKm node { key } } totalCount } }"
    found = (await world.client.fetch_data(query, near=HERE))["locations"]
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
    assert (
        measure_kilometers(GeoPoint(*one), GeoPoint(*other))
        == measure_kilometers(GeoPoint(*other), GeoPoint(*one))
        == expected
    )
