"""Ratings of products, over all channels that have them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway_shopify.products.rating_mapping import map_rating
from tests.graphql.test_media import list_warnings
from tests.graphql.world import World, open_world
from tests.plugins import shopify

pytestmark = pytest.mark.anyio

QUERY = """query ($filter: ProductFilter, $sort: ProductSort) { products(filter: $filter, sort: $sort) { nodes {
  title rating { average count } } } }"""


def build_stores() -> dict[str, MemoryStore]:
    web, till = MemoryStore(), MemoryStore()
    ratings = {"A": (450, 10), "B": (300, 1), "C": None, "D": (200, 2)}
    for title, rating in ratings.items():
        given = None if rating is None else {"average": rating[0], "count": rating[1]}
        web.put("products", record_builders.build_product(title, sku=title, title=title, rating=given))
    rated = {"average": 500, "count": 2}
    till.put("products", record_builders.build_product("1", sku="D", title="D", rating=rated))
    return {"web": web, "till": till}


@pytest.fixture
async def own_world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores()) as world:
        yield world


async def list_ratings(world: World, **variables: Any) -> dict[str, Any]:
    nodes = (await world.client.fetch_data(QUERY, **variables))["products"]["nodes"]
    return {node["title"]: node["rating"] for node in nodes}


async def test_ratings_of_all_channels_are_one(own_world: World) -> None:
    assert await list_ratings(own_world) == {
        "A": {"average": 4.5, "count": 10},
        "B": {"average": 3.0, "count": 1},
        "C": None,
        "D": {"average": 3.5, "count": 4},
    }


async def test_products_are_sorted_and_filtered_by_rating(own_world: World) -> None:
    for direction, titles in (("DESC", ["A", "D", "B", "C"]), ("ASC", ["B", "D", "A", "C"])):
        assert list(await list_ratings(own_world, sort={"key": "RATING", "direction": direction})) == titles
    for stars, titles in ((3.5, ["A", "D"]), (3.51, ["A"]), (1, ["A", "B", "D"])):
        assert list(await list_ratings(own_world, filter={"minRating": stars})) == titles
    for stars in (0, 5.01, -1):
        assert (await own_world.client.ask(QUERY, filter={"minRating": stars})).codes == ["BAD_USER_INPUT"]


async def test_a_changed_rating_is_shown(own_world: World) -> None:
    await list_ratings(own_world)
    own_world.stores["web"].change("products", "A", rating=None)
    own_world.clock.forward(hours=1)
    await own_world.gateway.run_due()
    assert (await list_ratings(own_world))["A"] is None


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("rating", "count"),
    [
        ({"average": 501, "count": 1}, 1),
        ({"average": 99, "count": 1}, 1),
        ({"average": 450, "count": -1}, 1),
        ({"average": 4.5, "count": 1}, 1),
        ({"average": 450, "count": 0}, 0),
    ],
)
async def test_a_wrong_rating_is_dropped_with_a_warning(database_url: str, rating: dict[str, Any], count: int) -> None:
    web = MemoryStore()
    web.put("products", record_builders.build_product("1", title="A", rating=rating))
    async with open_world(database_url, {"web": web, "till": MemoryStore()}) as world:
        assert await list_ratings(world) == {"A": None}
        assert [severity for _, severity in await list_warnings(world)] == ["WARNING"] * count


def build_node(rating: str | None, count: str | None) -> dict[str, Any]:
    values = {"rating": rating, "ratingCount": count}
    return {name: None if value is None else {"value": value} for name, value in values.items()}


@pytest.mark.parametrize(
    ("rating", "count", "expected"),
    [
        ('{"value":"4.5","scale_min":"1.0","scale_max":"5.0"}', "3", (450, 3)),
        ('{"value":"80","scale_min":"0","scale_max":"100"}', "3", (420, 3)),
        (None, "3", None),
        ('{"value":"4.5","scale_min":"1.0","scale_max":"5.0"}', None, None),
    ],
)
def test_a_rating_of_a_store_is_read_on_its_scale(
    rating: str | None, count: str | None, expected: tuple[int, int] | None
) -> None:
    found, warnings = map_rating(build_node(rating, count))
    assert warnings == []
    assert (found and (found.average, found.count)) == expected


@pytest.mark.parametrize(
    "rating",
    [
        "good",
        "[]",
        '{"value":"9","scale_min":"1","scale_max":"5"}',
        '{"value":"1","scale_min":"1","scale_max":"1"}',
        '{"value":"1"}',
        '{"value":NaN,"scale_min":"1","scale_max":"5"}',
        '{"value":"1e99999999","scale_min":"1","scale_max":"1e999999999"}',
    ],
)
def test_a_rating_of_a_store_that_cannot_be_read_is_named(rating: str) -> None:
    found, warnings = map_rating(build_node(rating, "3"))
    assert (found, [warning.field for warning in warnings]) == (None, ["rating"])


async def test_a_store_s_ratings_are_synced(tmp_path: Path) -> None:
    async with shopify.open_testbed(tmp_path) as web:
        web.sandbox.shop.get_variant("TEA-1")["product"]["metafields"] = {
            ("reviews", "rating"): {"type": "rating", "value": '{"value":"4.5","scale_min":"1.0","scale_max":"5.0"}'},
            ("reviews", "rating_count"): {"type": "number_integer", "value": "7"},
        }
        await web.gateway.run_due()
        stored = await web.gateway.database.read(
            lambda conn: conn.exec_driver_sql("SELECT rating, rating_count FROM products WHERE rating > 0").all()
        )
    assert [tuple(row) for row in stored] == [(450, 7)]
