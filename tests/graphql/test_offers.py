"""Offers: prices in channels and currencies, reductions, unit prices (rules H3, H4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gateway.model.ids import GlobalId
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.gateways import stop_caches
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import STAFF, World, open_world

pytestmark = pytest.mark.anyio

OFFER = """id price { amount currencyCode } compareAtPrice { amount } onSale lowestPriceBefore { amount }
  unitPrice { price { amount } per { value unit } content { value unit } } priceIncludesTax url observedAt
  availableForSale variant { id } channel { key } stock { status }"""
PRODUCT_OFFER = """id priceRange { min { amount currencyCode } max { amount } } compareAtPriceRange { max { amount } }
  onSale priceIncludesTax url availableForSale product { id } channel { key }"""
QUERY = f"""query (
    $channel: String, $currency: CurrencyCode, $first: Int = 20, $filter: ProductFilter, $sort: ProductSort
  ) {{ products(first: $first, channelKey: $channel, filter: $filter, sort: $sort) {{ nodes {{ title
    offer(channelKey: $channel, currencyCode: $currency) {{ {PRODUCT_OFFER} }}
    variants(first: 5) {{ nodes {{ id
      offer(channelKey: $channel, currencyCode: $currency) {{ {OFFER} }} }} }} }} }} }}"""


def put_product(store: MemoryStore, id: str, title: str, *variants: Mapping[str, Any], **more: Any) -> None:
    parts = [record_builders.build_variant(f"{id}-{n}", **variant) for n, variant in enumerate(variants)]
    store.put("products", {"id": id, "title": title, "variants": parts, **more})


def build_stores() -> dict[str, MemoryStore]:
    web, till = MemoryStore(), MemoryStore()
    euros = [{"price": "11.50", "currency": "EUR", "compare_at_price": "14.00"}, {"price": "1", "currency": "GBP"}]
    put_product(
        web,
        "1",
        "A oil",
        {"sku": "OIL", "price": "9.00", "compare_at_price": "12.00", "prices": euros, "net_content": "0.5 l"},
        {"price": "20.00", "net_content": "250 g", "price_per": "100 g"},
    )
    put_product(web, "2", "B soap", {"price": "5.00", "compare_at_price": "4.00", "net_content": "3 kg"})
    put_product(web, "3", "C brush", {"price": "8.00", "compare_at_price": "10.00"})
    put_product(web, "4", "D gift", {"price": None})
    put_product(till, "5", "A oil", {"sku": "OIL", "price": "9.50"})
    for item in ("1-0", "1-1", "2-0"):
        web.put("stock", record_builders.build_stock(item, "D", 5))
    return {"web": web, "till": till}


@pytest.fixture
async def own_world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores()) as world:
        yield world


async def show_products(world: World, **variables: Any) -> dict[str, Any]:
    nodes = (await world.client.fetch_data(QUERY, **variables))["products"]["nodes"]
    return {node["title"][0]: node for node in nodes}


async def test_an_offer_has_what_the_channel_says(own_world: World) -> None:
    shown = await show_products(own_world, channel="web")
    oil, other = (node["offer"] for node in shown["A"]["variants"]["nodes"])
    assert (oil["price"], oil["compareAtPrice"]) == ({"amount": "9.00", "currencyCode": "GBP"}, {"amount": "12.00"})
    assert (oil["onSale"], oil["availableForSale"], oil["channel"]["key"]) == (True, True, "web")
    assert oil["unitPrice"] == {
        "price": {"amount": "18.00"},
        "per": {"value": "1", "unit": "l"},
        "content": {"value": "0.5", "unit": "l"},
    }
    assert other["unitPrice"]["price"] == {"amount": "8.00"}
    assert (other["onSale"], other["compareAtPrice"]) == (False, None)
    assert oil["observedAt"] is not None and oil["stock"]["status"] == "LOW_STOCK"
    soap = shown["B"]["variants"]["nodes"][0]["offer"]
    assert (soap["onSale"], soap["unitPrice"]["price"]) == (False, {"amount": "1.67"})


async def test_a_product_has_the_range_of_its_offers(own_world: World) -> None:
    shown = await show_products(own_world, channel="web")
    oil = shown["A"]["offer"]
    assert oil["priceRange"] == {"min": {"amount": "9.00", "currencyCode": "GBP"}, "max": {"amount": "20.00"}}
    assert (oil["compareAtPriceRange"], oil["onSale"], oil["availableForSale"]) == (
        {"max": {"amount": "12.00"}},
        True,
        True,
    )
    assert [shown[title]["offer"]["onSale"] for title in "BCD"] == [False, True, False]
    assert [shown[title]["offer"]["availableForSale"] for title in "BCD"] == [True, False, False]
    assert shown["D"]["offer"]["priceRange"] is None


async def test_prices_are_those_of_the_currency_and_are_never_converted(own_world: World) -> None:
    shown = await show_products(own_world, channel="web", currency="EUR")
    oil, other = (node["offer"] for node in shown["A"]["variants"]["nodes"])
    assert (oil["price"], oil["compareAtPrice"]["amount"]) == ({"amount": "11.50", "currencyCode": "EUR"}, "14.00")
    assert (other["price"], other["onSale"], other["availableForSale"]) == (None, False, False)
    assert shown["A"]["offer"]["priceRange"]["max"] == {"amount": "11.50"}
    currencies = await own_world.client.fetch_data('{ channel(key: "web") { currencies } }')
    assert currencies == {"channel": {"currencies": ["GBP", "EUR"]}}
    own = (await show_products(own_world, channel="web", currency="GBP"))["A"]["variants"]["nodes"][0]["offer"]
    assert own["price"]["amount"] == "9.00", "a second price in the currency of the listing does not count"


async def test_caches_keep_offers_of_channels_and_currencies_apart_and_node_finds_them(own_world: World) -> None:
    ids: dict[str, Any] = {}
    for channel, currency in (("web", None), ("web", "EUR"), ("till", None)):
        shown = (await show_products(own_world, channel=channel, currency=currency))["A"]
        variant, product = shown["variants"]["nodes"][0]["offer"], shown["offer"]
        ids |= {variant["id"]: variant["price"], product["id"]: product["priceRange"]["min"]}
    assert len(ids) == 6
    query = """query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Offer { price { amount currencyCode } }
      ... on ProductOffer { priceRange { min { amount currencyCode } } } } }"""
    for node in (await own_world.client.fetch_data(query, ids=list(ids)))["nodes"]:
        assert ids[node["id"]] == (node["price"] if "price" in node else node["priceRange"]["min"])


@pytest.mark.any_database
@pytest.mark.parametrize("variables", [{"channel": "nowhere"}, {"channel": "web", "currency": "euro"}])
async def test_a_channel_or_currency_that_does_not_exist_is_an_error(
    own_world: World, variables: dict[str, str]
) -> None:
    query = """query ($channel: String, $currency: CurrencyCode) { products(first: 1) { nodes {
      offer(channelKey: $channel, currencyCode: $currency) { id } } } }"""
    assert (await own_world.client.ask(query, **variables)).codes == ["BAD_USER_INPUT"]


async def test_products_are_filtered_by_reduction_and_sorted_by_it(own_world: World) -> None:
    sort = {"key": "DISCOUNT", "direction": "DESC"}
    for _ in range(2):
        assert list(await show_products(own_world, channel="web", sort=sort))[:2] == ["A", "C"]
        assert list(await show_products(own_world, channel="web", filter={"onSale": True})) == ["A", "C"]
        assert list(await show_products(own_world, channel="web", filter={"onSale": False})) == ["B", "D"]
    for variables in ({"filter": {"onSale": True}}, {"sort": sort}):
        assert (await own_world.client.ask(QUERY, **variables)).codes == ["BAD_USER_INPUT"]


async def change_price(world: World, days: float, price: str, before: str | None, **more: Any) -> Any:
    """Change the price of the brush after these days, and return its offer."""
    world.clock.forward(days=days)
    variant = record_builders.build_variant("3-0", price=price, compare_at_price=before, **more)
    world.stores["web"].change("products", "3", variants=[variant])
    await world.gateway.run_due()
    return await show_offer(world)


async def show_offer(world: World) -> Any:
    (variant,) = (await show_products(world, channel="web"))["C"]["variants"]["nodes"]
    return variant["offer"]


async def keep_syncing(world: World, days: int) -> None:
    """Let days pass: the last sync before the next change is what confirms the price."""
    world.clock.forward(days=days)
    await world.gateway.run_due()


async def test_the_lowest_price_of_the_30_days_before_the_reduction_is_shown(own_world: World) -> None:
    offer = await show_offer(own_world)
    assert (offer["onSale"], offer["lowestPriceBefore"]) == (True, None), "the reduction ran at the first sync"
    assert (await change_price(own_world, 0.05, "9.00", "10.00"))["lowestPriceBefore"] is None
    await change_price(own_world, 0.05, "10.00", None)
    await keep_syncing(own_world, 20)
    await change_price(own_world, 0.05, "7.50", None)
    await keep_syncing(own_world, 5)
    await change_price(own_world, 0.05, "12.00", None)
    await keep_syncing(own_world, 10)
    first = await change_price(own_world, 0.05, "8.00", "12.00")
    assert first["lowestPriceBefore"] == {"amount": "7.50"}
    await keep_syncing(own_world, 3)
    further = await change_price(own_world, 0.05, "6.00", "12.00")
    assert further["lowestPriceBefore"] == {"amount": "7.50"}, "a further cut begins no other reduction"
    await keep_syncing(own_world, 40)
    assert (await show_offer(own_world))["lowestPriceBefore"] == {"amount": "7.50"}
    assert (await change_price(own_world, 0.05, "12.00", None))["lowestPriceBefore"] is None
    second = await change_price(own_world, 0.4, "11.00", "12.00")
    assert second["lowestPriceBefore"] == {"amount": "6.00"}


async def test_days_without_observation_leave_the_lowest_price_unknown(own_world: World) -> None:
    await change_price(own_world, 0.05, "10.00", None)
    await keep_syncing(own_world, 20)
    await change_price(own_world, 3, "9.00", None)
    await keep_syncing(own_world, 20)
    assert (await change_price(own_world, 0.05, "8.00", "9.00"))["lowestPriceBefore"] is None


async def test_a_list_with_offers_takes_a_constant_number_of_statements(database_url: str) -> None:
    web = MemoryStore()
    for n in range(24):
        put_product(web, str(n), f"P{n}", {"price": "9.00", "compare_at_price": "12.00", "net_content": "0.5 l"})
    counts = []
    async with open_world(database_url, {"web": web, "till": MemoryStore()}) as world:
        stop_caches(world.gateway)
        for size in (1, 24, 24):
            with capture_statements() as seen:
                await show_products(world, channel="web", first=size)
            counts.append(len([one for one in seen if not one.startswith("BEGIN")]))
    assert len(set(counts)) == 1, counts


@pytest.mark.any_database
@pytest.mark.parametrize(
    "more",
    [
        {"net_content": "0 l"},
        {"net_content": "NaN l"},
        {"net_content": "1e99999999 l"},
        {"net_content": "5 " + "x" * 30},
        {"price_per": "-1 l", "net_content": "1 l"},
        {"prices": [{"price": "-1", "currency": "EUR"}]},
        {"prices": [{"price": "1", "currency": "EUR", "compare_at_price": "-2"}]},
        {"prices": [{"price": f"{n}", "currency": "EUR"} for n in range(1, 99)]},
    ],
)
async def test_a_wrong_price_or_content_is_dropped_with_a_warning_and_the_product_stays(
    database_url: str, more: dict[str, Any]
) -> None:
    web = MemoryStore()
    put_product(web, "1", "A", {"price": "9.00", **more})
    async with open_world(database_url, {"web": web, "till": MemoryStore()}) as world:
        offer = (await show_products(world, channel="web"))["A"]["variants"]["nodes"][0]["offer"]
        rejects = await world.client.fetch_data("{ syncRejects(first: 5) { nodes { severity } } }", "admin-secret")
    assert offer["price"]["amount"] == "9.00"
    assert rejects["syncRejects"]["nodes"] == [{"severity": "WARNING"}]


async def test_an_offer_of_a_channel_that_a_caller_does_not_see_is_absent(database_url: str) -> None:
    access = {"anonymous": {"channels": ["web"]}}
    query = "query ($id: ID!) { node(id: $id) { id ... on Offer { price { amount } } } }"
    offer = 'query { products(first: 1) { nodes { offer(channelKey: "till") { id } } } }'
    async with open_world(database_url, build_stores(), access=access, stock={"default_channel": "web"}) as world:
        listed = await world.client.fetch_data(
            '{ products(channelKey: "till") { nodes { variants { nodes { offer(channelKey: "till") { id } } } } } }',
            STAFF,
        )
        (variant,) = [node for node in listed["products"]["nodes"][0]["variants"]["nodes"] if node["offer"]["id"]][:1]
        assert (await world.client.fetch_data(query, STAFF, id=variant["offer"]["id"]))["node"] is not None
        assert (await world.client.fetch_data(query, id=variant["offer"]["id"]))["node"] is None
        assert (await world.client.ask(offer)).codes == ["BAD_USER_INPUT"]


@pytest.mark.any_database
@pytest.mark.parametrize("currency", ["gbp", "POUND", "", "G" * 1000, "GBP:EUR"])
async def test_an_id_with_something_that_is_no_currency_is_none(own_world: World, currency: str) -> None:
    shown = (await show_products(own_world, channel="web"))["A"]["variants"]["nodes"][0]
    variant = GlobalId.parse(shown["id"]).key
    id_ = str(GlobalId("Offer", (variant, "web", currency)))
    assert (await own_world.client.ask("query ($id: ID!) { node(id: $id) { id } }", id=id_)).codes == ["BAD_USER_INPUT"]
