"""Catalog queries of a storefront."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.tables import listings, products
from tests.graphql.world import ADMIN, GTIN, STAFF, World, build_global_id, open_world

pytestmark = pytest.mark.anyio

FIND = """query ($search: String, $filter: ProductFilter, $sort: ProductSort, $channelKey: String) {
  products(search: $search, filter: $filter, sort: $sort, channelKey: $channelKey) { totalCount nodes { title } } }"""


async def list_titles(world: World, token: str | None = None, **variables: Any) -> list[str]:
    found = (await world.client.fetch_data(FIND, token, **variables))["products"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["title"] for node in found["nodes"]]


# ------------------------------------------------------------------------------------------------ search


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("mug", ["Mug, white"]),
        ("  MUG wh ", ["Mug, white"]),
        ("white mug", ["Mug, white"]),
        ("wh mug", []),
        ("t", ["T-shirt"]),
        ("tee-r", ["T-shirt"]),
        ("TEE-B", ["T-shirt"]),
        (GTIN, ["Mug, white"]),
        (GTIN[1:], ["Mug, white"]),
        ("acme", ["T-shirt"]),
        ("cotton re", ["T-shirt"]),
        ("!!!", []),
        ("%", []),
        ("", ["Gift card", "Lamp", "Mug, white", "T-shirt"]),
    ],
)
async def test_products_are_found_by_words_and_codes(world: World, search: str, expected: list[str]) -> None:
    assert await list_titles(world, search=search) == expected


async def test_an_exact_code_comes_before_words(database_url: str) -> None:
    store = MemoryStore()
    for sku, title in (("X1", "A lamp"), ("LAMP", "Zebra"), ("X2", "B lamp")):
        store.put("products", record_builders.build_product(sku, sku=sku, title=title))
    async with open_world(database_url, {"till": store, "web": MemoryStore()}) as world:
        assert await list_titles(world, search="lamp") == ["Zebra", "A lamp", "B lamp"]


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({}, ["Gift card", "Lamp", "Mug, white", "T-shirt"]),
        ({"channelKeys": ["web"]}, ["Mug, white", "T-shirt"]),
        ({"channelKeys": []}, []),
        ({"brands": ["Acme", "Other"]}, ["T-shirt"]),
        ({"tags": ["cotton"]}, ["T-shirt"]),
        ({"statuses": ["DRAFT"]}, []),
        ({"updatedSince": "2026-01-05T09:00:00Z"}, ["Gift card", "Lamp", "Mug, white", "T-shirt"]),
        ({"updatedSince": "2026-01-05T09:00:00.000001Z"}, []),
        ({"availableForSale": True}, ["Gift card", "Mug, white", "T-shirt"]),
        ({"availableForSale": False}, ["Lamp"]),
        ({"availableAtLocationKey": "leeds"}, ["Gift card", "Mug, white", "T-shirt"]),
        ({"availableAtLocationKey": "london"}, ["Gift card", "Mug, white"]),
        ({"availableAtLocationKey": "depot"}, ["T-shirt"]),
    ],
)
async def test_products_are_filtered(world: World, filter_: dict[str, Any], expected: list[str]) -> None:
    assert await list_titles(world, filter=filter_) == expected


async def test_a_channel_sees_its_own_products_at_its_own_prices(world: World) -> None:
    dear = {"price": {"min": "5.00", "currencyCode": "GBP"}}
    assert await list_titles(world, channelKey="web", filter=dear) == ["Mug, white", "T-shirt"]
    assert await list_titles(world, channelKey="till", filter=dear) == ["Lamp", "T-shirt"]
    by_price = {"key": "PRICE", "direction": "DESC"}
    assert await list_titles(world, channelKey="till", sort=by_price) == ["Lamp", "T-shirt", "Mug, white", "Gift card"]


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"sort": {"key": "PRICE"}}, "BAD_USER_INPUT"),
        ({"sort": {"key": "RELEVANCE"}}, "BAD_USER_INPUT"),
        ({"filter": {"price": {"min": "1", "currencyCode": "GBP"}}}, "BAD_USER_INPUT"),
        ({"channelKey": "web", "filter": {"price": {"min": "1.001", "currencyCode": "GBP"}}}, "BAD_USER_INPUT"),
        ({"channelKey": "nowhere"}, "BAD_USER_INPUT"),
        ({"filter": {"channelKeys": ["nowhere"]}}, "BAD_USER_INPUT"),
        ({"filter": {"availableAtLocationKey": "nowhere"}}, "BAD_USER_INPUT"),
        ({"filter": {"categoryIds": ["x"]}}, "BAD_USER_INPUT"),
        ({"filter": {"brands": ["a\u0000"]}}, "BAD_USER_INPUT"),
        ({"filter": {"brands": [str(n) for n in range(300)]}}, "BAD_USER_INPUT"),
        ({"filter": {"updatedSince": "2026-01-05T09:00:00"}}, "BAD_USER_INPUT"),
        ({"filter": {"updatedSince": "0000-01-05T09:00:00Z"}}, "BAD_USER_INPUT"),
        ({"channelKey": "web", "filter": {"price": {"min": "1", "currencyCode": "XXX"}}}, "BAD_USER_INPUT"),
    ],
)
async def test_what_cannot_be_asked_is_bad_input(world: World, variables: dict[str, Any], code: str) -> None:
    assert (await world.client.ask(FIND, ADMIN, **variables)).codes == [code]


async def test_variants_are_found_by_their_codes(world: World) -> None:
    query = "query ($filter: ProductVariantFilter) { productVariants(filter: $filter) { nodes { title } } }"
    for filter_, expected in (
        ({"skus": [" Tee-R "]}, ["Red"]),
        ({"gtins": [GTIN[1:]]}, ["Mug, white"]),
        ({"skus": ["MUG"], "gtins": [GTIN]}, ["Mug, white"]),
        ({"skus": []}, []),
    ):
        found = (await world.client.fetch_data(query, filter=filter_))["productVariants"]["nodes"]
        assert [node["title"] for node in found] == expected
    assert (await world.client.ask(query, filter={"gtins": ["4006381333932"]})).codes == ["BAD_USER_INPUT"]


async def test_categories_are_a_tree(database_url: str) -> None:
    store = MemoryStore()
    store.put("products", record_builders.build_product("1", title="Cup", category=["Kitchen", "Cups"]))
    store.put("products", record_builders.build_product("2", title="Pan", category=["Kitchen"]))
    async with open_world(database_url, {"till": store, "web": MemoryStore()}) as world:
        query = "{ categories { nodes { id title children { totalCount nodes { id title parent { title } } } } } }"
        (kitchen,) = (await world.client.fetch_data(query))["categories"]["nodes"]
        (cups,) = kitchen["children"]["nodes"]
        assert (kitchen["title"], cups["title"], cups["parent"]["title"]) == ("Kitchen", "Cups", "Kitchen")
        assert await list_titles(world, filter={"categoryIds": [kitchen["id"]]}) == ["Cup", "Pan"]
        assert await list_titles(world, filter={"categoryIds": [cups["id"]]}) == ["Cup"]
        path = "{ products { nodes { category { title ancestors { title } } } } }"
        cup, pan = (await world.client.fetch_data(path))["products"]["nodes"]
        assert (cup["category"]["ancestors"], pan["category"]["ancestors"]) == ([{"title": "Kitchen"}], [])


# ------------------------------------------------------------------------------------------------ prices


async def test_a_price_is_the_preferred_channels_or_that_of_the_channel_named(world: World) -> None:
    query = """{ products(search: "mug") { nodes {
      priceRange { min { amount } max { amount } } till: priceRange(channelKey: "till") { min { amount } }
      variants { nodes { price { amount currencyCode } till: price(channelKey: "till") { amount } priceIncludesTax
        listings { channel { key } price { amount } } } } } } }"""
    (mug,) = (await world.client.fetch_data(query))["products"]["nodes"]
    (variant,) = mug["variants"]["nodes"]
    assert variant["price"] == {"amount": "5.00", "currencyCode": "GBP"}
    assert variant["till"] == {"amount": "4.50"}
    assert variant["priceIncludesTax"] is True
    assert [one["channel"]["key"] for one in variant["listings"]] == ["web", "till"]
    assert mug["priceRange"] == {"min": {"amount": "5.00"}, "max": {"amount": "5.00"}}
    assert mug["till"] == {"min": {"amount": "4.50"}}


async def test_a_range_over_two_currencies_is_null_unless_a_channel_is_named(database_url: str) -> None:
    till, web = MemoryStore(), MemoryStore()
    sizes = [record_builders.build_variant("a", sku="A"), record_builders.build_variant("b", sku="B")]
    web.put("products", {"id": "p", "title": "Both", "variants": [sizes[0]]})
    till.put("products", {"id": "p", "title": "Both", "variants": [{**one, "currency": "EUR"} for one in sizes]})
    web.put("products", {"id": "p", "title": "Both", "variants": [sizes[0], {**sizes[1], "price": None}]})
    async with open_world(database_url, {"till": till, "web": web}) as world:
        query = """{ products { nodes { priceRange { min { amount } }
          till: priceRange(channelKey: "till") { max { amount currencyCode } } } } }"""
        (node,) = (await world.client.fetch_data(query))["products"]["nodes"]
        assert node == {"priceRange": None, "till": {"max": {"amount": "10.00", "currencyCode": "EUR"}}}


# ------------------------------------------------------------------------------------------------ visibility


@pytest.mark.writes
async def test_a_product_that_is_not_on_sale_exists_for_catalog_admins_only(world: World) -> None:
    query = '{ products(search: "lamp") { nodes { id variants { nodes { id listings { id } } } } } }'
    (lamp,) = (await world.client.fetch_data(query))["products"]["nodes"]
    (variant,) = lamp["variants"]["nodes"]
    ids = [lamp["id"], variant["id"], variant["listings"][0]["id"]]
    draft = products.update().where(products.c.title == "Lamp").values(status="DRAFT")
    await world.gateway.database.write(lambda conn: conn.execute(draft))
    found = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }"
    everything = [{"__typename": "Product"}, {"__typename": "ProductVariant"}, {"__typename": "Listing"}]
    assert await world.client.fetch_data(found, STAFF, ids=ids) == {"nodes": everything}
    assert await world.client.fetch_data(found, ids=ids) == {"nodes": [None, None, None]}
    assert "Lamp" in await list_titles(world, STAFF)
    assert "Lamp" not in await list_titles(world)
    for list_ in ('productVariants(filter: {skus: ["LAMP"]})', "products(filter: {statuses: [DRAFT]})"):
        assert await world.client.fetch_data(f"{{ list: {list_} {{ totalCount }} }}") == {"list": {"totalCount": 0}}


async def test_an_old_variant_id_gives_the_survivor_with_its_new_id(world: World) -> None:
    def select_listing(sku: str) -> Any:
        statement = listings.select().where(listings.c.sku == sku)
        return lambda conn: conn.execute(statement).one()

    old, new = [await world.gateway.database.read(select_listing(sku)) for sku in ("TEE-R", "tee-r")]
    assert old.variant_id == new.variant_id
    survivor = build_global_id("ProductVariant", old.variant_id)
    query = "query ($id: ID!) { node(id: $id) { id ... on ProductVariant { title } } }"
    for row in (old, new):
        found = await world.client.fetch_data(query, id=build_global_id("ProductVariant", row.id))
        assert found == {"node": {"id": survivor, "title": "Red"}}


@pytest.mark.writes
async def test_what_a_channel_deleted_is_gone_but_sold_lines_still_show_it(world: World) -> None:
    till = world.stores["till"]
    till.put("orders", record_builders.build_order("o9", [record_builders.build_line("1", "t-lamp")]))
    await sync(world, "till")
    till.remove("products", "t-lamp")
    await sync(world, "till")
    await sync(world, "till")
    assert await list_titles(world, ADMIN, search="lamp") == []
    assert await world.client.fetch_data('{ productVariants(filter: {skus: ["LAMP"]}) { totalCount } }') == {
        "productVariants": {"totalCount": 0}
    }
    query = """{ order(by: {number: {channelKey: "till", number: "o9"}}) {
      lines { nodes { variant { id sku product { title } } } } } }"""
    (line,) = (await world.client.fetch_data(query, STAFF))["order"]["lines"]["nodes"]
    assert (line["variant"]["sku"], line["variant"]["product"]) == ("LAMP", None)
    assert await world.client.fetch_data(
        "query ($id: ID!) { node(id: $id) { id } }", ADMIN, id=line["variant"]["id"]
    ) == {"node": None}


async def sync(world: World, channel: str) -> None:
    """Advance the clock by a day and read the whole channel."""
    world.clock.forward(days=1)
    await world.gateway.request_sync(channel, sweep=True)
    await world.gateway.run_due()


async def test_a_count_says_whether_it_is_exact(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "{ products { totalCount totalCountPrecision } }"
    monkeypatch.setattr(world.gateway.responses, "is_enabled", False)
    monkeypatch.setattr(world.gateway, "catalog_values", WeightedLRU(0))
    found = (await world.client.fetch_data(query))["products"]
    assert found == {"totalCount": found["totalCount"], "totalCountPrecision": "EXACT"}
    for module in ("gateway.storage.sql.keyset", "gateway.graphql.connections"):
        monkeypatch.setattr(f"{module}.MAX_COUNT", found["totalCount"] - 1)
    more = (await world.client.fetch_data(query))["products"]
    assert more == {"totalCount": found["totalCount"] - 1, "totalCountPrecision": "AT_LEAST"}
