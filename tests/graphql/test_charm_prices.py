"""A till with net prices sells at the gross price on its label, in cart and order (rule P1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from tests.graphql.shopper import LOCATIONS, SELLING, Shopper, build_stores
from tests.graphql.world import ADMIN, World, open_world
from tests.graphql.writable_channels import WRITES

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

CHANNELS = {**WRITES, "till": {**WRITES["till"], "config": {**WRITES["till"]["config"], "prices_include_tax": False}}}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    stores = build_stores()
    product = record_builders.build_product("charm", title="Charm", sku="CHARM", price="8.33")
    product["variants"][0]["exact_price"] = "8.325"
    stores["till"].put("products", product)
    stores["till"].put("stock", record_builders.build_stock("charm", "L", 50))
    document: dict[str, Any] = {"channels": CHANNELS, "locations": LOCATIONS, "selling": SELLING}
    async with open_world(database_url, stores, **document) as world:
        yield world


@pytest.mark.parametrize(
    ("quantity", "net", "tax", "total"), [(1, "8.33", "1.66", "9.99"), (10, "83.25", "16.65", "99.90")]
)
async def test_a_charm_price_is_paid_as_shown(world: World, quantity: int, net: str, tax: str, total: str) -> None:
    clerk = Shopper(world, ADMIN)
    await clerk.fill("till", CHARM=quantity)
    cart = clerk.cart
    assert [cart[name]["amount"] for name in ("subtotal", "taxTotal", "total")] == [net, tax, total]
    placed = (await clerk.buy(await clerk.find_option("PICKUP", "london")))["order"]
    assert (placed["taxTotal"]["amount"], placed["total"]["amount"]) == (tax, total)
    await world.gateway.run_due()
    query = """query ($id: ID!) { order(by: {id: $id}) {
      taxIncluded subtotal { amount } lines(first: 5) { nodes { unitPrice { amount } total { amount } } } } }"""
    order = (await world.client.fetch_data(query, ADMIN, id=placed["id"]))["order"]
    assert order == {
        "taxIncluded": False,
        "subtotal": {"amount": net},
        "lines": {"nodes": [{"unitPrice": {"amount": "8.33"}, "total": {"amount": net}}]},
    }
