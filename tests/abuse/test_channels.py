"""A channel that a caller does not see is absent everywhere; one that does not sell to the caller takes no cart."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model.ids import GlobalId
from gateway.sdk.testing import record_builders
from tests.abuse.conftest import open_retailer
from tests.graphql.shopper import Shopper, build_stores
from tests.graphql.world import ADMIN, STAFF, World, build_global_id

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

CATALOG = """
{
  channels { key }
  products(first: 10) {
    nodes {
      title channels { key } priceRange { min { amount } }
      variants(first: 5) {
        nodes { listings { channel { key } } price { amount } stock { sources { channel { key } } } }
      }
    }
    sources { channel { key } }
  }
  locations { nodes { key channels { key } authority { key } } }
  viewer { channels { key } sellableChannels { key } defaultChannel { key } }
}
"""


def find_keys(value: Any, found: set[str]) -> set[str]:
    """Find the keys of all channels in a response."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name in ("channel", "channels", "authority", "defaultChannel", "sellableChannels"):
                found |= {one["key"] for one in (item if isinstance(item, list) else [item]) if one}
            find_keys(item, found)
    elif isinstance(value, list):
        for item in value:
            find_keys(item, found)
    return found


async def test_a_hidden_channel_is_absent_from_the_catalog(retailer: World) -> None:
    seen = await retailer.client.fetch_data(CATALOG)
    assert find_keys(seen, set()) == {"web"}
    assert "Lamp" not in {product["title"] for product in seen["products"]["nodes"]}  # only the till lists it
    known = await retailer.client.fetch_data(CATALOG, STAFF)
    assert find_keys(known, set()) == {"till", "web"}
    assert "Lamp" in {product["title"] for product in known["products"]["nodes"]}


async def test_the_proof_without_the_guard_a_hidden_channel_is_seen(
    retailer: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.execution.context.select_visible_channels", lambda _caller, _settings, all_: all_)
    assert find_keys(await retailer.client.fetch_data(CATALOG), set()) == {"till", "web"}


@pytest.mark.parametrize(
    "query",
    [
        '{ products(channelKey: "till") { nodes { id } } }',
        '{ products(filter: {channelKeys: ["till"]}) { nodes { id } } }',
        '{ products(first: 1) { nodes { variants(first: 1) { nodes { price(channelKey: "till") { amount } } } } } }',
        '{ products(first: 1) { nodes { availableForSale(channelKey: "till") } } }',
        '{ changes(types: [STOCK], channelKey: "till") { pageInfo { endCursor } } }',
        'mutation { cartCreate(input: {channelKey: "till", idempotencyKey: "0123456789abcdef"}) { cart { id } } }',
    ],
)
async def test_a_hidden_channel_answers_as_one_that_does_not_exist(retailer: World, query: str) -> None:
    hidden, absent = [await retailer.client.ask(query.replace('"till"', f'"{key}"')) for key in ("till", "nowhere")]
    errors = [[error["message"] for error in answer.body["errors"]] for answer in (hidden, absent)]
    assert [message.replace("till", "nowhere") for message in errors[0]] == errors[1]
    assert hidden.codes == absent.codes == ["BAD_USER_INPUT"]


async def test_objects_of_a_hidden_channel_are_not_found_by_id_handle_or_code(retailer: World) -> None:
    lamps = await retailer.client.fetch_data(
        '{ products(search: "lamp") { nodes { id handle variants(first: 1) { nodes { id listings { id } } } } } }',
        STAFF,
    )
    (lamp,) = lamps["products"]["nodes"]
    (variant,) = lamp["variants"]["nodes"]
    ids = [lamp["id"], variant["id"], variant["listings"][0]["id"], build_global_id("Channel", "till")]
    ids.append(build_global_id("Stock", parse_key(variant["id"]), "till", "*"))
    query = """query ($ids: [ID!]!, $handle: String!) {
      nodes(ids: $ids) { id } product(by: {handle: $handle}) { id } products(search: "LAMP") { nodes { id } }
      productVariants(filter: {skus: ["LAMP"]}) { nodes { id } }
    }"""
    seen = await retailer.client.fetch_data(query, ids=ids, handle=lamp["handle"])
    assert seen == {
        "nodes": [None] * 5,
        "product": None,
        "products": {"nodes": []},
        "productVariants": {"nodes": []},
    }
    known = await retailer.client.fetch_data(query, STAFF, ids=ids, handle=lamp["handle"])
    assert None not in known["nodes"] and known["product"] is not None


def parse_key(global_id: str) -> str:
    return GlobalId.parse(global_id).key


async def test_a_channel_that_is_seen_and_does_not_sell_takes_no_cart(database_url: str) -> None:
    async with open_retailer(database_url, access={"anonymous": {"channels": ["till", "web"]}}) as world:
        shopper = Shopper(world)
        refused = await shopper.fill("till", MUG=1)
        assert [error["code"] for error in refused["userErrors"]] == ["CHANNEL_NOT_ALLOWED"]
        assert refused["cart"] is None
        await shopper.fill("web", MUG=1)
        moved = await shopper.ask("cartMove", cartToken=shopper.cart["token"], channelKey="till")
        assert [error["code"] for error in moved["userErrors"]] == ["CHANNEL_NOT_ALLOWED"]
        assert (shopper.cart["channel"]["key"], shopper.cart["total"]["amount"]) == ("web", "5.00")


async def test_the_proof_without_the_guard_the_till_sells_its_prices_to_anyone(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.commerce.permissions.Permissions.can_buy_in", lambda _self, _channel: True)
    async with open_retailer(database_url, access={"anonymous": {"channels": ["till", "web"]}}) as world:
        bought = await Shopper(world).fill("till", MUG=1)
        assert bought["cart"]["total"]["amount"] == "4.50"


async def test_a_cart_of_a_till_is_not_priced_or_ordered_without_a_token(database_url: str) -> None:
    """A member of staff fills a cart in the till; the customer continues with its token, in a web store only."""
    async with open_retailer(database_url, access={"anonymous": {"channels": ["till", "web"]}}) as world:
        clerk = Shopper(world, ADMIN)
        await clerk.fill("till", MUG=1)
        option = await clerk.find_option("PICKUP", "london")
        customer = Shopper(world, cart=clerk.cart)
        assert await customer.list_options() == []
        placed = await customer.buy(option)
        changed = await customer.ask("cartLinesUpdate", cartToken=customer.cart["token"], lines=[])
        for payload in (placed, changed):
            assert [error["code"] for error in payload["userErrors"]] == ["CHANNEL_NOT_ALLOWED"]
        moved = await customer.ask("cartMove", cartToken=customer.cart["token"], channelKey="web")
        assert moved["userErrors"] == [] and customer.cart["channel"]["key"] == "web"


async def test_the_own_order_names_a_hidden_channel(retailer: World) -> None:
    clerk = Shopper(retailer, ADMIN)
    await clerk.fill("till", MUG=1)
    placed = await clerk.buy(await clerk.find_option("PICKUP", "london"))
    query = "query ($access: String!) { order(by: {accessToken: $access}) { channel { key } } }"
    seen = await retailer.client.fetch_data(query, access=placed["order"]["accessToken"])
    assert seen["order"]["channel"] == {"key": "till"}


async def test_a_token_sees_the_operations_of_its_channels_only(database_url: str) -> None:
    scopes = ["channels:admin", "customers:read", "orders:read", "orders:write", "payments:assert", "catalogue:admin"]
    tokens = {
        "web-only": {"token": "w", "scopes": scopes, "channels": ["web"]},
        "admin": {"token": ADMIN, "kind": "ADMIN", "scopes": ["*"]},
    }
    query = """{
      syncRejects { totalCount nodes { id channel { key } } } outboxEntries { totalCount nodes { id channel { key } } }
      customers(first: 5) { nodes { identities(first: 5) { nodes { id channel { key } } } } }
    }"""
    async with open_retailer(database_url, tokens=tokens) as world:
        clerk = Shopper(world, ADMIN)
        await clerk.fill("till", MUG=1)
        placed = (await clerk.buy(await clerk.find_option("PICKUP", "london")))["order"]
        limited, all_ = [await world.client.fetch_data(query, token) for token in ("w", ADMIN)]
        assert find_keys(limited, set()) <= {"web"} and "till" in find_keys(all_, set())
        assert limited["syncRejects"]["totalCount"] < all_["syncRejects"]["totalCount"]
        hidden = find_ids(all_) - find_ids(limited)
        nodes = await world.client.fetch_data(
            "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", "w", ids=sorted(hidden)
        )
        assert hidden and nodes["nodes"] == [None] * len(hidden)
        money = {"kind": "TENDERED", "amount": {"amount": "1.00", "currencyCode": "GBP"}}
        for name, given in (
            ("orderCancel", {"version": placed["version"]}),
            ("orderPaymentRecord", {"payment": money}),
        ):
            refused = await clerk.ask(name, by="w", orderId=placed["id"], **given)
            assert [error["code"] for error in refused["userErrors"]] == ["NOT_FOUND"] and refused["order"] is None


CATEGORIES = "{ categories { nodes { id title children { totalCount nodes { id title } } } } }"


async def test_categories_of_hidden_channels_are_hidden(database_url: str) -> None:
    stores = build_stores()
    till, web = stores["till"], stores["web"]
    till.put("products", record_builders.build_product("cup", title="Cup", sku="CUP", category=["Kitchen", "Samples"]))
    web.put("products", record_builders.build_product("pan", title="Pan", sku="PAN", category=["Kitchen", "Pans"]))
    till.put("products", record_builders.build_product("secret", title="Secret", sku="SEC", category=["Launch 2031"]))
    async with open_retailer(database_url, stores=stores) as world:
        known, seen = [await world.client.fetch_data(CATEGORIES, token) for token in (STAFF, None)]
        assert find_titles(known) - find_titles(seen) >= {"Samples", "Launch 2031"}
        kitchen = next(node for node in seen["categories"]["nodes"] if node["title"] == "Kitchen")
        assert [child["title"] for child in kitchen["children"]["nodes"]] == ["Pans"]
        assert kitchen["children"]["totalCount"] == 1
        hidden = sorted(find_ids(known) - find_ids(seen))
        nodes = await world.client.fetch_data("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=hidden)
        assert hidden and nodes["nodes"] == [None] * len(hidden)


COLLECTIONS = """query ($ids: [ID!] = [], $search: String! = "no", $first: Int = 20) {
  collections(first: $first) { totalCount nodes { id content { title } } }
  products(first: 20) { nodes { collections(first: 5) { nodes { id } } related { title } } }
  members: products(filter: {collectionIds: $ids}) { totalCount nodes { id } }
  searchSuggestions(search: $search) { collections { id content { title } } }
  nodes(ids: $ids) { id }
}"""
SMART = {
    "till-sale": {"titles": {"en": "Launch sale"}, "channel": "till", "filter": {"on_sale": True}},
    "till-goods": {"titles": {"en": "Launch goods"}, "filter": {"channel_keys": ["till"]}},
    "all": {"titles": {"en": "All"}, "filter": {"channel_keys": ["till", "web"]}},
}


async def test_collections_of_hidden_channels_are_hidden(database_url: str) -> None:
    stores = build_stores()
    till, web = stores["till"], stores["web"]
    till_ids, web_ids = list(till.rows("products")), list(web.rows("products"))
    till.put("collections", record_builders.build_collection("1", till_ids, title="Launch 2031", handle="launch"))
    web.put("collections", record_builders.build_collection("1", web_ids, title="Home"))
    async with open_retailer(database_url, stores=stores, collections=SMART) as world:
        known, seen = [await world.client.fetch_data(COLLECTIONS, token, search="la") for token in (STAFF, None)]
        assert find_titles(known) - find_titles(seen) >= {"Launch 2031", "Launch sale", "Launch goods"}
        assert {"Home", "All"} <= find_titles(seen)
        assert seen["collections"]["totalCount"] == 2
        hidden = sorted(find_ids(known["collections"]) - find_ids(seen["collections"]))
        found = await world.client.fetch_data(COLLECTIONS, ids=hidden)
        assert found["nodes"] == [None] * len(hidden) and len(hidden) == 3
        assert found["members"] == {"totalCount": 0, "nodes": []}
        assert not find_ids(found["products"]) & set(hidden)
        assert (await world.client.fetch_data(COLLECTIONS, STAFF, ids=hidden))["members"]["totalCount"] > 0
        for handle in ("launch", "till-sale", "till-goods"):
            query = f'{{ collection(handle: "{handle}") {{ id }} }}'
            assert await world.client.fetch_data(query) == {"collection": None}
        unseen, absent = [
            await world.client.ask(f'{{ collection(handle: "launch", channelKey: "{key}") {{ id }} }}')
            for key in ("till", "nowhere")
        ]
        assert unseen.codes == absent.codes == ["BAD_USER_INPUT"]


async def test_the_proof_without_the_guard_collections_of_a_hidden_channel_are_seen(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.execution.context.select_visible_channels", lambda _caller, _settings, all_: all_)
    stores = build_stores()
    stores["till"].put("collections", record_builders.build_collection("1", (), title="Launch 2031"))
    async with open_retailer(database_url, stores=stores, collections=SMART) as world:
        seen = find_titles(await world.client.fetch_data(COLLECTIONS))
        assert {"Launch 2031", "Launch sale", "Launch goods"} <= seen


async def test_changes_of_a_hidden_channel_do_not_name_its_collections(database_url: str) -> None:
    stores, query = (
        build_stores(),
        """query ($after: String) { changes(types: [COLLECTION], after: $after) {
      nodes { kind node { ... on Collection { content { title } } } } pageInfo { endCursor } } }""",
    )
    async with open_retailer(database_url, stores=stores) as world:
        start = (await world.client.fetch_data(query))["changes"]["pageInfo"]["endCursor"]
        stores["till"].put("collections", record_builders.build_collection("1", (), title="Launch 2031"))
        world.clock.forward(minutes=10)
        await world.gateway.request_sync("till")
        await world.gateway.run_due()
        seen = (await world.client.fetch_data(query, after=start))["changes"]["nodes"]
        assert seen == []
        known = (await world.client.fetch_data(query, STAFF, after=start))["changes"]["nodes"]
        assert find_titles(known) == {"Launch 2031"}


def find_titles(value: Any) -> set[str]:
    """Find the titles of all objects in a response."""
    if isinstance(value, dict):
        own = {value["title"]} if "title" in value else set()
        return own.union(*map(find_titles, value.values()))
    return set().union(*map(find_titles, value)) if isinstance(value, list) else set()


async def test_a_token_matches_listings_of_its_channels_only(database_url: str) -> None:
    tokens = {
        "web-only": {"token": "w", "scopes": ["catalogue:admin", "stock:read"], "channels": ["web"]},
        "admin": {"token": ADMIN, "kind": "ADMIN", "scopes": ["*"]},
    }
    query = "{ productVariants(first: 50) { nodes { id sku listings { id channel { key } } } } }"
    async with open_retailer(database_url, tokens=tokens) as world:
        variants = (await world.client.fetch_data(query, ADMIN))["productVariants"]["nodes"]
        lamp, mug = [next(variant for variant in variants if variant["sku"] == sku) for sku in ("LAMP", "MUG")]
        by_channel = {listing["channel"]["key"]: listing["id"] for listing in mug["listings"]}
        clerk = Shopper(world, "w")
        for name, given in (
            ("listingUnlink", {"listingId": by_channel["till"]}),
            ("listingLink", {"listingId": by_channel["till"], "variantId": mug["id"]}),
            ("listingLink", {"listingId": by_channel["web"], "variantId": lamp["id"]}),
        ):
            refused = await clerk.ask(name, **given)
            assert [error["code"] for error in refused["userErrors"]] == ["NOT_FOUND"], name
        allowed = await clerk.ask("listingUnlink", listingId=by_channel["web"])
        assert allowed["userErrors"] == []


def find_ids(value: Any) -> set[str]:
    """Find the IDs of all objects in a response."""
    if isinstance(value, dict):
        own = {value["id"]} if "id" in value else set()
        return own.union(*map(find_ids, value.values()))
    return set().union(*map(find_ids, value)) if isinstance(value, list) else set()


async def test_a_token_sees_the_orders_of_its_channels_only(database_url: str) -> None:
    tokens = {
        "web-only": {"token": "w", "scopes": ["orders:read", "customers:read"], "channels": ["web"]},
        "admin": {"token": ADMIN, "kind": "ADMIN", "scopes": ["*"]},
    }
    async with open_retailer(database_url, tokens=tokens) as world:
        query = "{ orders { nodes { id channel { key } } totalCount } customers { nodes { orders { totalCount } } } }"
        limited, all_ = [await world.client.fetch_data(query, token) for token in ("w", ADMIN)]
        assert {order["channel"]["key"] for order in limited["orders"]["nodes"]} == {"web"}
        assert limited["orders"]["totalCount"] < all_["orders"]["totalCount"]
        assert limited["customers"]["nodes"] == [] != all_["customers"]["nodes"]  # only the till knows them
        hidden = [order["id"] for order in all_["orders"]["nodes"] if order["channel"]["key"] == "till"]
        nodes = await world.client.fetch_data("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", "w", ids=hidden)
        assert nodes["nodes"] == [None] * len(hidden)
