"""Three channels at once, some of them killed: every query is answered, reports stale data, and recovers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from gateway.graphql.schema import create_schema
from tests.conftest import DATABASES
from tests.plugins.three_channels import AMAZON, CHANNELS, LOCATION_KEY, WEB, Retail, open_retail, open_retail_gateway

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


SOURCES = "sources { channel { key } resource state asOf staleAt fault { code retryable message } }"
EVERYTHING = (
    """query ($id: ID!, $product: ID!, $customer: ID!, $order: ID!, $variants: [ID!]!, $cart: String!) {
  node(id: $id) { id }
  nodes(ids: $variants) { id }
  viewer { kind channels { key } }
  channels { key state locations { totalCount } }
  channel(key: "web") { key name }
  location(key: "at-till") { key name }
  locations { nodes { key } }
  categories { nodes { title } }
  collections { nodes { handle } }
  collection(handle: "none") { handle }
  searchSuggestions(search: "mu") { queries { text } }
  products { totalCount SOURCES nodes { title priceRange { min { amount } } variants { nodes { sku
    listings { channel { key } price { amount } }
    till: stock(channelKey: "till") { available SOURCES }
    web: stock(channelKey: "web") { available SOURCES }
    amazon: stock(channelKey: "amazon") { available SOURCES } } } } }
  product(by: { id: $product }) { title }
  productVariants(channelKey: "web") { nodes { sku price { amount } } }
  stocks(variantIds: $variants, channelKey: "web") { available SOURCES }
  stockLevels(locationKey: "at-amazon") { nodes { onHand available } }
  customers { nodes { displayName } SOURCES }
  customer(id: $customer) { displayName }
  customerReviews { totalCount }
  dataRequests { totalCount }
  customerMergePreview(customerIds: [$customer]) { orders }
  segments { key }
  me { id }
  orders { nodes { number total { amount } lines { nodes { sku quantity } } } SOURCES }
  order(by: { id: $order }) { number }
  syncRejects { nodes { externalId } }
  listings { nodes { channel { key } price { amount } } }
  attributeDefinitions { key }
  category(handle: "none") { title }
  fulfillments(locationKey: "at-till") { nodes { id } }
  cart(token: $cart) { lines { quantity } }
  fulfillmentOptions(cartToken: $cart) { label }
  orderPreview(input: { cartToken: $cart, fulfillmentOptionToken: "none" }) { userErrors { code } }
  outboxEntries { nodes { id } }
  changes(types: [PRODUCT]) { nodes { nodeId kind } }
  auditEntries { nodes { id } }
  documents { nodes { id } }
  apiTokens { nodes { id } }
  matchReviews { nodes { id } } }"""
).replace("SOURCES", SOURCES)
CART = """mutation ($input: CartCreateInput!) { cartCreate(input: $input) { cart { token } userErrors { code } } }"""
IDS = """{ products(first: 1) { nodes { id variants { nodes { id } } } }
  customers(first: 1) { nodes { id } } orders(first: 1) { nodes { id } } }"""

KILLED = [pytest.param((one,), marks=pytest.mark.long) for one in CHANNELS] + [pytest.param(CHANNELS)]


@pytest.fixture(scope="module", params=DATABASES)
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_everything_is_asked() -> None:
    query = create_schema().query_type
    assert query is not None
    assert [name for name in query.fields if f"\n  {name}" not in EVERYTHING] == []


async def query_everything(shop: Retail) -> Any:
    """Run all queries."""
    found = await shop.fetch_data(IDS)
    (product,) = found["products"]["nodes"]
    ids = {name: found[f"{name}s"]["nodes"][0]["id"] for name in ("customer", "order")}
    variants = [node["id"] for node in product["variants"]["nodes"]]
    lines = [{"variantId": variants[0], "quantity": 1}]
    cart_input = {"channelKey": "web", "lines": lines, "idempotencyKey": "the same cart every time"}
    cart = (await shop.fetch_data(CART, input=cart_input))["cartCreate"]["cart"]["token"]
    return await shop.fetch_data(
        EVERYTHING, id=product["id"], product=product["id"], variants=variants, cart=cart, **ids
    )


def strip_sources(answer: Any) -> Any:
    """Remove the ages of data from a response."""
    if isinstance(answer, dict):
        return {name: strip_sources(value) for name, value in answer.items() if name != "sources"}
    return [strip_sources(item) for item in answer] if isinstance(answer, list) else answer


def list_sources(answer: Any) -> list[dict[str, Any]]:
    """List the ages of data in a response."""
    if isinstance(answer, list):
        return [source for item in answer for source in list_sources(item)]
    if not isinstance(answer, dict):
        return []
    inner = [source for name, value in answer.items() if name != "sources" for source in list_sources(value)]
    return [*(answer.get("sources") or []), *inner]


async def break_(shop: Retail, keys: Iterable[str], mode: str) -> None:
    """Set the fault mode of these sandboxes."""
    for key in keys:
        await shop.get_sandbox(key).fault(mode)


@pytest.mark.parametrize("killed", KILLED, ids="+".join)
async def test_whatever_is_killed_every_query_answers_and_says_what_is_stale_since_when(
    tmp_path: Path, database_url: str, killed: tuple[str, ...]
) -> None:
    async with open_retail(tmp_path, url=database_url) as shop:
        await shop.pass_on()
        read_at = shop.clock().isoformat().replace("+00:00", "Z")
        before = await query_everything(shop)
        await break_(shop, killed, "down")
        await shop.pass_on(hours=1)
        after = await query_everything(shop)
        assert strip_sources(after) == strip_sources(before)
        now = shop.clock().isoformat().replace("+00:00", "Z")
        sources = [source for source in list_sources(after) if source["state"] != "UNSUPPORTED"]
        assert {source["channel"]["key"] for source in sources} == set(CHANNELS)
        for source in sources:
            if source["channel"]["key"] in killed:
                assert (source["state"], source["asOf"]) == ("FAILED", read_at)
                assert source["staleAt"] < now
                assert source["fault"]["code"] == "UNAVAILABLE"
                assert source["fault"]["retryable"]
            else:
                assert (source["state"], source["asOf"], source["fault"]) == ("FRESH", now, None)


@pytest.mark.parametrize("killed", KILLED, ids="+".join)
@pytest.mark.long
async def test_what_was_killed_heals_without_help_and_so_does_a_gateway_that_was_restarted_meanwhile(
    tmp_path: Path, database_url: str, killed: tuple[str, ...]
) -> None:
    async with open_retail(tmp_path, url=database_url) as shop:
        await shop.pass_on()
        before = strip_sources(await query_everything(shop))
        await break_(shop, killed, "down")
        await shop.pass_on(hours=1)
        async with open_retail_gateway(shop.document, shop.sandboxes, shop.wires, shop.clock) as again:
            assert await again.gateway.check_ready()
            assert strip_sources(await query_everything(again)) == before
            await again.pass_on(hours=1)
            for key in killed:
                await again.get_sandbox(key).fault("ok")
                await again.get_sandbox(key).sell("TEA-1", 2, LOCATION_KEY)
            await again.pass_on(minutes=20)
            sources = [one for one in list_sources(await query_everything(again)) if one["state"] != "UNSUPPORTED"]
            assert {(one["state"], one["fault"] is None) for one in sources} == {("FRESH", True)}
            for key in CHANNELS:
                assert await again.fetch_available(key) == (10 if key in killed else 12)


@pytest.mark.parametrize("mode", ["hang", "slow"])
async def test_while_channels_hang_every_query_answers_at_once(tmp_path: Path, mode: str) -> None:
    async with open_retail(tmp_path, call_deadline="30s") as shop:
        await shop.pass_on()
        before = strip_sources(await query_everything(shop))
        hanging = (WEB, AMAZON) if mode == "slow" else CHANNELS  # a database cannot be slow
        await break_(shop, hanging, mode)
        shop.clock.forward(hours=1)
        syncing = asyncio.create_task(shop.gateway.run_due())
        try:
            for _ in range(5):
                assert strip_sources(await query_everything(shop)) == before
            assert not syncing.done(), "the answers waited for the channels, or nothing hung"
        finally:
            await break_(shop, hanging, "ok")
            await syncing
        await shop.pass_on(minutes=20)
        assert [await shop.read_faults(key) for key in CHANNELS] == [{}, {}, {}]


@pytest.mark.long
async def test_ids_are_those_of_before(tmp_path: Path) -> None:
    """A channel that recovers returns the same records, so links stay valid."""
    async with open_retail(tmp_path) as shop:
        await shop.pass_on()
        before = await shop.fetch_data(IDS)
        await break_(shop, CHANNELS, "down")
        await shop.pass_on(hours=30)
        await break_(shop, CHANNELS, "ok")
        await shop.pass_on(hours=30)
        assert await shop.fetch_data(IDS) == before
