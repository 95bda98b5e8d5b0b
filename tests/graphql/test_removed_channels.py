"""A channel or location that is not configured any more is hidden at once; its orders and customers are history."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gateway.model.ids import GlobalId
from gateway.sdk.testing import record_builders
from tests.graphql.shopper import TABLES, Shopper, build_stores
from tests.graphql.whole_selections import select_everything
from tests.graphql.world import ADMIN, STAFF, TOKENS, World, build_global_id, get_schema, open_world
from tests.graphql.writable_channels import WRITES

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ADMIN_ONLY = {name: table for name, table in TOKENS.items() if name != "clerk"}
WITHOUT_WEB: Mapping[str, Any] = {
    "channels": {"till": WRITES["till"]},
    "locations": {
        "london": {"name": "London", "kind": "STORE", "authority": "till", "channels": {"till": "L"}},
        "leeds": {"name": "Leeds", "kind": "STORE", "authority": "till", "channels": {"till": "M"}, "buffer": 2},
    },
    "catalogue": {"priority": ["till"]},
    "tokens": ADMIN_ONLY,
}
"""The configuration of a retailer who has closed the web store and its depot."""

CATALOG = """query ($search: String) {
  products(search: $search, first: 50) {
    totalCount nodes { title variants { nodes { sku listings { channel { key } } } } }
    facets(keys: ["brand", "tag"]) { key values { value count } }
  }
  productVariants(first: 50) { totalCount }
  listings(first: 50) { totalCount nodes { channel { key } } }
  matchReviews(first: 50) { totalCount }
}"""
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
HISTORY = """{ orders(first: 50) { nodes { number channel { key } lines { nodes { title } } } }
  customers(first: 50) { totalCount } }"""


@contextlib.asynccontextmanager
async def open_both(url: str) -> AsyncIterator[World]:
    """Open the retailer with both channels. Two groups of listings wait for a review: one is of the web store only."""
    stores = build_stores()
    for n, sku in enumerate(("LAMP", "LAMP", "SHADE", "SHADE")):
        lamp = record_builders.build_product(f"w-{n}", sku=sku, price="29.00", title=f"{sku} {n}")
        stores["web"].put("products", lamp)
    async with open_world(url, stores, **TABLES) as world:
        yield world


@contextlib.asynccontextmanager
async def open_till_only(url: str) -> AsyncIterator[World]:
    """Open the same retailer after the web store was removed from the configuration."""
    async with open_world(url, {"till": build_stores()["till"]}, **WITHOUT_WEB) as world:
        yield world


async def collect_ids(world: World) -> dict[str, list[str]]:
    """Collect the ids of all listings, by channel, and of the variants that only the web store lists."""
    listed = await world.client.fetch_data(
        """{ listings(first: 50) { nodes { id channel { key } variant { id listings { channel { key } } } } }
          matchReviews(first: 50) { nodes { id } } }""",
        ADMIN,
    )
    ids: dict[str, list[str]] = {"till": [], "web": [], "variants": [], "reviews": []}
    for node in listed["listings"]["nodes"]:
        ids[node["channel"]["key"]].append(node["id"])
        if {one["channel"]["key"] for one in node["variant"]["listings"]} == {"web"}:
            ids["variants"].append(node["variant"]["id"])
    ids["reviews"] = [node["id"] for node in listed["matchReviews"]["nodes"]]
    return ids


@pytest.mark.parametrize("token", [ADMIN, STAFF, None])
async def test_what_a_removed_channel_lists_is_hidden_everywhere(database_url: str, token: str | None) -> None:
    async with open_both(database_url) as world:
        ids = await collect_ids(world)
        assert len(ids["reviews"]) == 2 and len(ids["variants"]) == 5
    async with open_till_only(database_url) as world:
        catalog = (await world.client.ask(CATALOG, token)).body["data"]
        assert sorted(node["title"] for node in catalog["products"]["nodes"]) == [
            "Gift card",
            "Lamp",
            "Mug",  # the till's title: its products are read again, because it comes first now
            "T-shirt",
        ]
        assert catalog["products"]["totalCount"] == catalog["productVariants"]["totalCount"] == 4
        if catalog["listings"] is not None:  # without a token it is null
            assert [node["channel"]["key"] for node in catalog["listings"]["nodes"]] == ["till"] * 4
            assert catalog["listings"]["totalCount"] == 4
        found = await world.client.ask(CATALOG, token, search="TEE-B")
        assert found.body["data"]["products"]["totalCount"] == 0
        assert not catalog["matchReviews"] or catalog["matchReviews"]["totalCount"] == 0
        hidden = (await world.client.ask(NODES, token, ids=[*ids["web"], *ids["variants"]])).body["data"]["nodes"]
        assert hidden == [None] * len(hidden)
        shown = await world.client.fetch_data(NODES, token, ids=ids["till"])
        assert [node["id"] for node in shown["nodes"]] == ids["till"]


async def test_a_removed_channel_comes_back_with_its_ids_when_it_is_configured_again(database_url: str) -> None:
    async with open_both(database_url) as world:
        ids = await collect_ids(world)
    async with open_till_only(database_url):
        pass
    async with open_both(database_url) as world:
        shown = await world.client.fetch_data(NODES, ADMIN, ids=[*ids["web"], *ids["variants"]])
        assert [node["id"] for node in shown["nodes"]] == [*ids["web"], *ids["variants"]]
        assert await collect_ids(world) == ids


async def test_orders_and_customers_of_a_removed_channel_stay_as_history(database_url: str) -> None:
    async with open_both(database_url) as world:
        before = await world.client.fetch_data(HISTORY, ADMIN)
    async with open_till_only(database_url) as world:
        after = await world.client.fetch_data(HISTORY, ADMIN)
    assert [node["number"] for node in after["orders"]["nodes"]] == [
        node["number"] for node in before["orders"]["nodes"]
    ]
    assert [node["lines"] for node in after["orders"]["nodes"]] == [node["lines"] for node in before["orders"]["nodes"]]
    assert None in [node["channel"] for node in after["orders"]["nodes"]]
    assert after["customers"] == before["customers"]


async def test_a_review_or_listing_of_a_removed_channel_cannot_be_decided(database_url: str) -> None:
    async with open_both(database_url) as world:
        ids = await collect_ids(world)
    async with open_till_only(database_url) as world:
        staff = Shopper(world, ADMIN)
        decisions = [await staff.ask("matchReviewDecide", reviewId=id_, variantId=None) for id_ in ids["reviews"]]
        (decided,) = [payload for payload in decisions if payload["userErrors"]]  # the other is of a till's listing
        linked = await staff.ask("listingLink", listingId=ids["till"][0], variantId=ids["variants"][0])
        unlinked = await staff.ask("listingUnlink", listingId=ids["web"][0])
        assert [one["userErrors"][0]["code"] for one in (decided, linked, unlinked)] == ["NOT_FOUND"] * 3


async def test_a_cart_of_a_removed_channel_says_so_and_can_move(database_url: str) -> None:
    async with open_both(database_url) as world:
        shopper = Shopper(world)
        await shopper.fill("web", TEE_R=1)
        option = await shopper.find_option("SHIPPING", "depot")
        cart = shopper.cart
    async with open_till_only(database_url) as world:
        shopper = Shopper(world, cart=cart)
        query = "query ($access: String!) { cart(token: $access) { channel { key } lines { unitPrice { amount } } } }"
        shown = await world.client.fetch_data(query, access=cart["token"])
        assert shown["cart"] == {"channel": None, "lines": [{"unitPrice": None}]}
        assert await shopper.list_options() == []
        placed = await shopper.submit(option)
        emptied = await shopper.ask("cartLinesRemove", cartToken=cart["token"], lineIds=[cart["lines"][0]["id"]])
        for payload in (placed, emptied):
            (error,) = payload["userErrors"]
            assert (error["code"], error["field"]) == ("CHANNEL_UNAVAILABLE", ["input", "cartToken"])
            assert "cartMove" in error["message"]
        moved = await shopper.ask("cartMove", cartToken=cart["token"], channelKey="till")
        assert (moved["userErrors"], moved["cart"]["channel"]) == ([], {"key": "till"})
        assert moved["cart"]["lines"][0]["unitPrice"] == {"amount": "12.00"}


async def test_nothing_is_sold_from_a_removed_location(database_url: str) -> None:
    query = """query ($ids: [ID!]!) { nodes(ids: $ids) { id }
      productVariants(filter: {skus: "MUG"}) { nodes { id stock(channelKey: "till") { available } } }
      locations { nodes { key } } }"""
    async with open_both(database_url) as world:
        found = await world.client.fetch_data(query, STAFF, ids=[])
        (mug,) = found["productVariants"]["nodes"]
        key = mug["id"]
        variant = (await collect_variant_keys(world, "MUG"))[0]
        levels = [build_global_id("StockLevel", variant, name) for name in ("london", "depot")]
        assert [one["id"] for one in (await world.client.fetch_data(query, STAFF, ids=levels))["nodes"]] == levels
        assert mug["stock"]["available"] == 46
    async with open_till_only(database_url) as world:
        found = await world.client.fetch_data(query, STAFF, ids=levels)
        assert found["nodes"] == [{"id": levels[0]}, None]
        assert found["productVariants"]["nodes"] == [{"id": key, "stock": {"available": 41}}]
        assert [node["key"] for node in found["locations"]["nodes"]] == ["london", "leeds"]


async def collect_variant_keys(world: World, sku: str) -> list[str]:
    query = "query ($sku: [String!]) { productVariants(filter: {skus: $sku}) { nodes { id } } }"
    found = await world.client.fetch_data(query, STAFF, sku=[sku])
    return [GlobalId.parse(node["id"]).key for node in found["productVariants"]["nodes"]]


async def test_everything_about_history_of_a_removed_channel_can_be_read(database_url: str) -> None:
    async with open_both(database_url) as world:
        buyer = Shopper(world)
        await buyer.fill("web", TEE_R=1)
        assert (await buyer.buy(await buyer.find_option("SHIPPING", "depot")))["userErrors"] == []
        await buyer.fill("web", TEE_B=1)
    async with open_till_only(database_url) as world:
        schema = get_schema()
        for field, type_name in (("orders(first: 9)", "Order"), ("customers(first: 9)", "Customer")):
            query = f"{{ {field} {{ nodes {select_everything(schema, type_name, 2)} }} }}"
            assert len((await world.client.fetch_data(query, ADMIN))[field.split("(")[0]]["nodes"]) > 1
        query = f"query ($access: String!) {{ cart(token: $access) {select_everything(schema, 'Cart', 2)} }}"
        assert (await world.client.fetch_data(query, access=buyer.cart["token"]))["cart"]["channel"] is None
        operations = """{ outboxEntries(first: 50) { nodes { channel { key } state } }
          syncRejects(first: 50) { nodes { channel { key } } }
          auditEntries(first: 50) { nodes { id channel { key } } } }"""
        found = await world.client.fetch_data(operations, ADMIN)
        assert None in [node["channel"] for node in found["outboxEntries"]["nodes"]]


async def test_the_proof_without_the_rule_a_removed_channel_is_listed(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_both(database_url) as world:
        ids = await collect_ids(world)
    async with open_till_only(database_url) as world:
        monkeypatch.setattr(world.gateway, "removed_channels", frozenset())
        shown = await world.client.fetch_data(NODES, ADMIN, ids=ids["web"])
        assert [node["id"] for node in shown["nodes"]] == ids["web"]
