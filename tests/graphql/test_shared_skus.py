"""Several products of one channel with one SKU stay different things: each sells at its own title and price."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from tests.graphql.shopper import TABLES, Shopper, build_stores
from tests.graphql.world import ADMIN, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

PRICES = {"Candle": "12.00", "Bowl": "8.50", "Vase": "21.00", "Clock": "30.00"}
PRODUCTS = """{
  products(channelKey: "web", first: 50) {
    nodes { title variants(first: 5) { nodes { id sku price(channelKey: "web") { amount } } } }
  }
}"""
REVIEWS = "{ matchReviews(first: 10) { nodes { id reason listing { title } candidates { id } } } }"


async def find_products(world: World) -> dict[str, Any]:
    """Find the one variant of each product without a real SKU, by title."""
    found = await world.client.fetch_data(PRODUCTS, ADMIN)
    variants = {product["title"]: product["variants"]["nodes"] for product in found["products"]["nodes"]}
    assert all(len(variants[title]) == 1 for title in PRICES)
    return {title: variants[title][0] for title in PRICES}


async def test_each_product_sells_at_its_own_title_and_price(database_url: str) -> None:
    stores = build_stores()
    for n, (title, price) in enumerate(PRICES.items()):
        product = record_builders.build_product(f"na-{n}", title=title, sku="N/A", price=price)
        stores["web"].put("products", product)
    async with open_world(database_url, stores, **TABLES) as world:
        variants = await find_products(world)
        assert {title: variant["price"]["amount"] for title, variant in variants.items()} == PRICES
        shopper = Shopper(world)
        lines = [{"variantId": variant["id"], "quantity": 1} for variant in variants.values()]
        bought = await shopper.ask("cartCreate", channelKey="web", lines=lines)
        assert {line["title"]: line["unitPrice"]["amount"] for line in bought["cart"]["lines"]} == PRICES
        (review,) = (await world.client.fetch_data(REVIEWS, ADMIN))["matchReviews"]["nodes"]
        assert review["reason"] == "SKU N/A is used for several products of one channel"
        assert len(review["candidates"]) == 3
