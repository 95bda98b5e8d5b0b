"""What was open when a database was upgraded ends with the right values: carts, match reviews, orders that are edited.

Version 0.1.0 made one product of two articles of the web store with the SKU "N/A", so that a cart with the candle sold
the cup or the other way round; it asked two reviews of a bowl, and had posted three mugs of an order to the till.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk.testing.memory_channel import MemoryStore
from tests.graphql.shopper import TABLES, Shopper
from tests.graphql.world import ADMIN, World, open_world
from tests.graphql.writable_channels import read_on_hand
from tests.upgrades.dumps import restore_database

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

OPEN = Path(__file__).parent / "0.1.0" / "open"
PRICES = {"Candle": "12.00", "Cup": "8.50"}

CATALOG = """{ products(first: 50) { nodes { id title variants { nodes { listings { title price { amount } } } } } }
  matchReviews(first: 50) { nodes { id reason candidates { id } } } }"""
CART = """query ($access: String!) { cart(token: $access) { version lines { id title quantity unitPrice { amount }
  variant { product { title } } } } }"""


@pytest.fixture
def old_database(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that the earlier version wrote."""
    with restore_database(request, OPEN, database_kind, tmp_path) as url:
        yield url


@pytest.fixture
def before(database_kind: str) -> Any:
    """What the channels had, and what clients were given."""
    return json.loads((OPEN / f"{database_kind}.json").read_text(encoding="utf-8"))


@pytest.fixture
async def world(old_database: str, before: Any) -> AsyncIterator[World]:
    """A gateway of this version over that database, which has read again what it must."""
    stores = {key: build_store(feeds) for key, feeds in before["channels"].items()}
    async with open_world(old_database, stores, **TABLES) as world:
        world.clock.forward(hours=1)
        await world.gateway.run_due()
        yield world


def build_store(feeds: dict[str, dict[str, Any]]) -> MemoryStore:
    store = MemoryStore()
    for feed, rows in feeds.items():
        for row in rows.values():
            store.put(feed, row)
    return store


async def test_articles_that_shared_a_sku_are_different_products(world: World, before: Any) -> None:
    found = await world.client.fetch_data(CATALOG, ADMIN)
    products = {node["title"]: node for node in found["products"]["nodes"]}
    assert set(products) == set(before["products"]) | {"Candle", "Cup"}
    for title, price in PRICES.items():
        (variant,) = products[title]["variants"]["nodes"]
        assert [listing["price"]["amount"] for listing in variant["listings"]] == [price]
    assert before["products"]["Candle"] in {products[title]["id"] for title in PRICES}


@pytest.mark.parametrize("name", ["candle", "mugs"])
async def test_an_open_cart_sells_what_its_line_shows(world: World, before: Any, name: str) -> None:
    shopper = Shopper(world, cart=before["carts"][name])
    cart = (await world.client.fetch_data(CART, access=shopper.cart["token"]))["cart"]
    (line,) = cart["lines"]
    changed = {"lineId": line["id"], "quantity": line["quantity"] + 1}
    answer = await shopper.ask("cartLinesUpdate", cartToken=shopper.cart["token"], lines=[changed])
    assert answer["userErrors"] == []
    (line,) = (await world.client.fetch_data(CART, access=shopper.cart["token"]))["cart"]["lines"]
    assert line["title"] == line["variant"]["product"]["title"]
    assert line["unitPrice"]["amount"] == {**PRICES, "Mug, white": "5.00"}[line["title"]]


async def test_open_reviews_can_be_decided_and_a_group_has_one(world: World) -> None:
    found = await world.client.fetch_data(CATALOG, ADMIN)
    reviews = found["matchReviews"]["nodes"]
    assert sorted(node["reason"].split()[1] for node in reviews) == ["BOWL", "BOWL", "N/A"]
    bowl = next(node for node in reviews if "BOWL" in node["reason"])
    staff = Shopper(world, ADMIN)
    decided = await staff.ask("matchReviewDecide", reviewId=bowl["id"], variantId=bowl["candidates"][0]["id"])
    assert decided["userErrors"] == []
    after = await world.client.fetch_data(CATALOG, ADMIN)
    assert [node["title"] for node in after["products"]["nodes"] if node["title"].startswith("Bowl")] == ["Bowl, blue"]


@pytest.mark.parametrize(("quantity", "left"), [(1, 39), pytest.param(3, 37, marks=pytest.mark.long), (4, 36)])
async def test_an_order_that_is_edited_after_the_upgrade_moves_the_difference(
    world: World, quantity: int, left: int
) -> None:
    web = world.stores["web"]
    (line,) = web.rows("orders")["o9"]["lines"]
    web.change("orders", "o9", lines=[{**line, "quantity": quantity}])
    for _ in range(2):
        world.clock.forward(hours=1)
        await world.gateway.run_due()
    assert read_on_hand(world.stores["till"], "t-mug", "L") == left
