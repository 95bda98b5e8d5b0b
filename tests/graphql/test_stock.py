"""Stock: the public figures, the figures for staff, and the live read."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.model.validation import MAX_QUANTITY
from gateway.sdk import UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import block_thread, raise_error
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from tests.graphql.world import ADMIN, CLERK, STAFF, World, build_global_id, open_small_world, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

STOCK = """query ($skus: [String!], $channelKey: String, $locationKey: String) {
  productVariants(filter: {skus: $skus}) { nodes { stock(channelKey: $channelKey, locationKey: $locationKey) {
    status available } } } }"""
LIVE = """query ($ids: [ID!]!, $age: Int) { stocks(variantIds: $ids, maxAgeSeconds: $age, channelKey: "till") {
  available observedAt sources { channel { key } state fault { code } } } }"""


async def fetch_stock(world: World, sku: str, token: str | None = None, **where: str) -> tuple[str, int | None]:
    (node,) = (await world.client.fetch_data(STOCK, token, skus=[sku], **where))["productVariants"]["nodes"]
    return node["stock"]["status"], node["stock"]["available"]


async def fetch_variant_id(world: World, sku: str) -> str:
    query = "query ($skus: [String!]) { productVariants(filter: {skus: $skus}) { nodes { id } } }"
    found: str = (await world.client.fetch_data(query, skus=[sku]))["productVariants"]["nodes"][0]["id"]
    return found


async def test_a_channel_promises_the_sum_of_what_each_of_its_locations_can(world: World) -> None:
    assert await fetch_stock(world, "MUG", STAFF) == ("IN_STOCK", 41)  # London 40, Leeds 3 - 2
    assert await fetch_stock(world, "TEE-R", STAFF) == ("LOW_STOCK", 2)  # the -3 of London does not reduce Leeds 4 - 2
    assert await fetch_stock(world, "TEE-R", STAFF, channelKey="web") == ("LOW_STOCK", 1)
    assert await fetch_stock(world, "TEE-R", STAFF, locationKey="london") == ("OUT_OF_STOCK", 0)
    assert await fetch_stock(world, "TEE-R", STAFF, locationKey="depot") == ("UNKNOWN", None)
    assert await fetch_stock(world, "LAMP", STAFF) == ("UNKNOWN", None)
    assert await fetch_stock(world, "CARD", STAFF) == ("NOT_TRACKED", None)


async def test_the_default_channel_is_the_callers_own_else_the_configurations(world: World) -> None:
    assert await fetch_stock(world, "TEE-B", STAFF) == ("UNKNOWN", None)
    assert await fetch_stock(world, "TEE-B", CLERK) == ("IN_STOCK", 7)


async def test_without_stock_read_the_figure_is_capped_and_its_parts_are_closed(world: World) -> None:
    assert await fetch_stock(world, "MUG") == ("IN_STOCK", 20)
    query = '{ productVariants(filter: {skus: "MUG"}) { nodes { stock { onHand reserved levels { totalCount } } } } }'
    answer = await world.client.ask(query)
    assert answer.codes == ["UNAUTHENTICATED"] * 3
    closed = {"stock": {"onHand": None, "reserved": None, "levels": None}}
    assert answer.body["data"]["productVariants"]["nodes"] == [closed]
    assert (await world.client.ask('{ stockLevels(locationKey: "leeds") { totalCount } }')).codes == ["UNAUTHENTICATED"]


async def test_the_levels_of_a_location_are_filtered_by_what_can_be_promised(world: World) -> None:
    query = """query ($filter: StockLevelFilter) { stockLevels(locationKey: "leeds", filter: $filter) {
      totalCount nodes { onHand available buffer(channelKey: "till") promised: available(channelKey: "till")
        variant { sku } } } }"""
    found = (await world.client.fetch_data(query, STAFF, filter={"belowAvailable": 4}))["stockLevels"]
    mug = {"onHand": 3, "available": 3, "buffer": 2, "promised": 1, "variant": {"sku": "MUG"}}
    assert found == {"totalCount": 1, "nodes": [mug]}
    for filter_, count in (({"skus": ["mug"]}, 1), ({"changedSince": "2026-01-06T00:00:00Z"}, 0), ({}, 4)):
        assert (await world.client.fetch_data(query, STAFF, filter=filter_))["stockLevels"]["totalCount"] == count
    assert (await world.client.ask('{ stockLevels(locationKey: "x") { totalCount } }', STAFF)).codes == [
        "BAD_USER_INPUT"
    ]


async def test_a_stock_and_a_level_are_found_by_their_ids(world: World) -> None:
    query = """{ productVariants(filter: {skus: "MUG"}) { nodes { id
      stock { id available levels { nodes { id onHand } } } } } }"""
    (node,) = (await world.client.fetch_data(query, STAFF))["productVariants"]["nodes"]
    whole, (london, leeds) = node["stock"], node["stock"]["levels"]["nodes"]
    again = (
        """query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Stock { available } ... on StockLevel { onHand } } }"""
    )
    found = await world.client.fetch_data(again, STAFF, ids=[whole["id"], london["id"], leeds["id"]])
    assert found["nodes"] == [{"id": whole["id"], "available": 41}, london, leeds]
    assert (await world.client.ask(again, ids=[london["id"]])).codes == ["UNAUTHENTICATED"]


async def test_the_ids_of_a_location_that_was_never_there_are_null(world: World) -> None:
    row = "0" * 32
    ids = [
        build_global_id("Stock", row, "till", "*"),
        build_global_id("StockLevel", row, "london"),
        build_global_id("Channel", "x"),
    ]
    assert await world.client.fetch_data("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", STAFF, ids=ids) == {
        "nodes": [None, None, None]
    }


# ------------------------------------------------------------------------------------------------ age and live reads


@pytest.mark.writes
async def test_the_live_read_asks_only_about_what_is_older_than_wanted(world: World) -> None:
    mug = await fetch_variant_id(world, "MUG")
    world.stores["till"].change("stock", "t-mug@L", on_hand=5)
    world.clock.forward(seconds=30)
    world.stores["till"].calls.clear()
    for age, expected in ((60, 41), (None, 41), (10, 6), (10, 6)):
        (found,) = (await world.client.fetch_data(LIVE, STAFF, ids=[mug], age=age))["stocks"]
        assert found["available"] == expected
        assert found["sources"] == [{"channel": {"key": "till"}, "state": "FRESH", "fault": None}]
    assert [call.method for call in world.stores["till"].calls] == ["fetch"]


@pytest.mark.writes
async def test_without_a_token_nothing_younger_than_five_seconds_is_fetched(world: World) -> None:
    mug = await fetch_variant_id(world, "MUG")
    world.stores["till"].calls.clear()
    for seconds, calls in ((4, 0), (2, 1)):
        world.clock.forward(seconds=seconds)
        await world.client.fetch_data(LIVE, ids=[mug], age=0)
        assert len(world.stores["till"].calls) == calls


@pytest.mark.writes
async def test_a_channel_that_fails_leaves_the_last_known_state_and_says_so(world: World) -> None:
    mug, unknown = await fetch_variant_id(world, "MUG"), build_global_id("ProductVariant", "0" * 32)
    world.clock.forward(seconds=30)
    with world.stores["till"].under(raise_error(UnavailableError("no line")), feed="stock"):
        found = (await world.client.fetch_data(LIVE, STAFF, ids=[unknown, mug, mug], age=1))["stocks"]
    assert [one and one["available"] for one in found] == [None, 41, 41]
    assert found[1]["sources"] == [{"channel": {"key": "till"}, "state": "FAILED", "fault": {"code": "UNAVAILABLE"}}]
    assert found[1]["observedAt"] == "2026-01-05T09:00:00Z"


async def test_a_channel_that_hangs_costs_its_deadline_and_nothing_to_others(database_url: str) -> None:
    over = threading.Event()
    hurried = {"till": {"live_deadline": "50ms"}, "web": {}}
    async with open_small_world(database_url, channels=hurried) as world:
        mug = await fetch_variant_id(world, "MUG")
        world.clock.forward(seconds=30)
        try:
            with world.stores["till"].under(block_thread(over)):
                (found,) = (await world.client.fetch_data(LIVE, STAFF, ids=[mug], age=1))["stocks"]
                assert await fetch_stock(world, "MUG", STAFF) == ("IN_STOCK", 41)
        finally:
            over.set()
    assert found["available"] == 41
    assert found["sources"] == [{"channel": {"key": "till"}, "state": "FAILED", "fault": {"code": "TIMEOUT"}}]


async def test_a_channel_that_cannot_read_single_records_says_so(database_url: str) -> None:
    async with open_small_world(database_url, channels={"till": {"config": {"live": False}}, "web": {}}) as world:
        mug = await fetch_variant_id(world, "MUG")
        world.clock.forward(seconds=30)
        (found,) = (await world.client.fetch_data(LIVE, STAFF, ids=[mug], age=1))["stocks"]
    assert found["available"] == 41
    assert found["sources"] == [{"channel": {"key": "till"}, "state": "UNSUPPORTED", "fault": {"code": "UNSUPPORTED"}}]


@pytest.mark.writes
async def test_what_is_too_old_is_stale(world: World) -> None:
    world.clock.forward(hours=1)
    mug = await fetch_variant_id(world, "MUG")
    (found,) = (await world.client.fetch_data(LIVE, STAFF, ids=[mug]))["stocks"]
    assert found["sources"][0]["state"] == "STALE"
    sources = "{ products { sources { channel { key } resource state asOf } } }"
    assert {one["state"] for one in (await world.client.fetch_data(sources))["products"]["sources"]} == {"STALE"}


@pytest.mark.parametrize(
    "variables",
    [
        {"ids": [build_global_id("ProductVariant", f"{n:032x}") for n in range(101)]},
        {"ids": [], "age": -1},
        {"ids": ["x"]},
        {"ids": [build_global_id("Product", "0" * 32)]},
        {"ids": [build_global_id("ProductVariant", "0")]},
    ],
)
async def test_a_live_read_that_cannot_be_is_bad_input(world: World, variables: dict[str, Any]) -> None:
    assert (await world.client.ask(LIVE, STAFF, **variables)).codes == ["BAD_USER_INPUT"]


@pytest.mark.writes
async def test_a_rejected_count_is_unknown_not_zero(world: World) -> None:
    world.stores["till"].change("stock", "t-mug@M", on_hand=0.5)
    world.clock.forward(hours=1)
    await world.gateway.run_due()
    assert await fetch_stock(world, "MUG", STAFF, locationKey="leeds") == ("UNKNOWN", None)
    assert await fetch_stock(world, "MUG", STAFF) == ("IN_STOCK", 40)


async def test_variants_that_share_an_item_share_its_stock(database_url: str) -> None:
    store = MemoryStore()
    sizes = [
        record_builders.build_variant("1", sku="ONE", item="pool"),
        record_builders.build_variant("3", sku="THREE", item="pool", units=3),
    ]
    store.put("products", {"id": "p", "title": "Soap", "variants": sizes})
    store.put("stock", record_builders.build_stock("pool", "L", 2))
    async with open_world(database_url, {"till": store, "web": MemoryStore()}) as world:
        assert await fetch_stock(world, "ONE", ADMIN) == ("LOW_STOCK", 2)
        assert await fetch_stock(world, "THREE", ADMIN) == ("LOW_STOCK", 2)
        assert await world.client.fetch_data("{ products { nodes { availableForSale } } }") == {
            "products": {"nodes": [{"availableForSale": True}]}
        }


HUGE = """query ($id: ID!) { node(id: $id) { ... on ProductVariant {
  stock { available onHand reserved incoming levels { nodes { available onHand reserved incoming } } }
  storeAvailability { nodes { available } } listings { channel { key } }
} } }"""


@pytest.mark.writes
async def test_no_count_is_more_than_a_client_can_read(database_url: str) -> None:
    """Counts of two stores add up to more than a GraphQL Int, and an earlier version stored one that is more."""
    async with open_small_world(database_url) as world:
        for stored in ("t-mug@L", "t-mug@M"):
            world.stores["till"].change("stock", stored, on_hand=MAX_QUANTITY, incoming=MAX_QUANTITY)
        world.clock.forward(hours=1)
        await world.gateway.run_due()
        mug = await fetch_variant_id(world, "MUG")
        await check_huge_count(world, mug)
        more = sa.update(tables.stock).where(tables.stock.c.item == "t-mug")
        await world.gateway.database.write(lambda conn: conn.execute(more.values(on_hand=2**40, committed=2**35)))
        await check_huge_count(world, mug)


async def check_huge_count(world: World, variant: str) -> None:
    stock = (await world.client.fetch_data(HUGE, ADMIN, id=variant))["node"]["stock"]
    levels = stock.pop("levels")["nodes"]
    assert stock["onHand"] == stock["incoming"] == MAX_QUANTITY
    assert {level["onHand"] for level in levels if level["onHand"] != 5} == {MAX_QUANTITY}
