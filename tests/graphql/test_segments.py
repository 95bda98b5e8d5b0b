"""Segments: named filters of customers over what they bought in all channels."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.graphql.conftest import Make
from tests.graphql.world import STAFF, World, open_world

pytestmark = pytest.mark.anyio

FIND = """query ($filter: CustomerFilter, $sort: CustomerSort) {
  customers(filter: $filter, sort: $sort) { totalCount nodes { displayName segments } } }"""
SEGMENTS: dict[str, Any] = {
    "regulars": {"title": "Regulars", "filter": {"order_count": {"min": 2}}},
    "win-back": {"title": "Win back", "filter": {"last_order_before": "180d", "has_consent": "MARKETING_EMAIL"}},
    "london": {"title": "London", "filter": {"bought_at_location_keys": ["london"]}},
}
LOCATIONS = {"london": {"name": "London", "kind": "STORE", "authority": "till", "channels": {"till": "L"}}}


def build_stores() -> dict[str, MemoryStore]:
    """Build a till and a web store: Ada buys in both, Bea in the store only, Cleo online long ago, Dora never."""
    till, web = MemoryStore(), MemoryStore()
    customer, line = record_builders.build_customer, record_builders.build_line
    granted = {"purpose": "MARKETING_EMAIL", "granted": True, "address": "cleo@example.com"}
    till.put("customers", customer("t-ada", name="Ada Ash", card="9826000000017"))
    till.put("customers", customer("t-bea", name="Bea Birch"))
    web.put("customers", customer("w-ada", name="Ada Ash", card="9826000000017", email="ada@example.com"))
    web.put("customers", customer("w-cleo", name="Cleo Crane", email="cleo@example.com", consents=[granted]))
    web.put("customers", customer("w-dora", name="Dora Dale"))
    mug = line("1", None, 1, "5.00", sku="MUG")
    till.put("orders", record_builders.build_order("r1", [mug], customer="t-ada", place="L"))
    till.put("orders", record_builders.build_order("r2", [line("1", None, 1, "90.00")], customer="t-bea"))
    web.put("orders", record_builders.build_order("o1", [line("1", None, 1, "20.00")], customer="w-ada"))
    old = record_builders.PLACED_AT.replace(year=record_builders.PLACED_AT.year - 2)
    web.put("orders", record_builders.build_order("o2", [mug], customer="w-cleo", placed_at=old))
    return {"till": till, "web": web}


@pytest.fixture(scope="module")
def retailer() -> Make:
    """A retailer with segments."""
    return lambda url: open_world(url, build_stores(), locations=LOCATIONS, segments=SEGMENTS)


async def find_names(world: World, **filter: Any) -> list[str]:
    found = (await world.client.fetch_data(FIND, STAFF, filter=filter))["customers"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["displayName"].split()[0] for node in found["nodes"]]


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"orderCount": {"min": 2}}, ["Ada"]),
        ({"orderCount": {"max": 0}}, ["Dora"]),
        ({"lifetimeValue": {"min": "25.00", "currencyCode": "GBP"}}, ["Ada", "Bea"]),
        ({"lifetimeValue": {"min": "5.00", "max": "25.00", "currencyCode": "GBP"}}, ["Ada", "Cleo"]),
        ({"boughtAtLocationKeys": ["london"]}, ["Ada"]),
        ({"boughtSkus": ["mug"]}, ["Ada", "Cleo"]),
        ({"lastOrderBefore": "2024-06-01T00:00:00Z"}, ["Cleo"]),
        ({"lastOrderSince": "2024-06-01T00:00:00Z", "boughtSkus": ["MUG"]}, ["Ada"]),
        ({"hasConsent": "MARKETING_EMAIL"}, ["Cleo"]),
        ({"hasOpenReview": True}, []),
        ({"segment": "regulars"}, ["Ada"]),
        ({"segment": "win-back"}, ["Cleo"]),
        ({"segment": "london", "orderCount": {"min": 3}}, []),
    ],
)
async def test_customers_are_found_by_what_they_have_done(
    world: World, filter: dict[str, Any], expected: list[str]
) -> None:
    assert await find_names(world, **filter) == expected


async def test_segments_say_how_many_customers_they_have(world: World) -> None:
    found = await world.client.fetch_data("{ segments { key title customers } }", STAFF)
    assert found["segments"] == [
        {"key": "regulars", "title": "Regulars", "customers": 1},
        {"key": "win-back", "title": "Win back", "customers": 1},
        {"key": "london", "title": "London", "customers": 1},
    ]
    nodes = (await world.client.fetch_data(FIND, STAFF))["customers"]["nodes"]
    assert {node["displayName"].split()[0]: node["segments"] for node in nodes} == {
        "Ada": ["regulars", "london"],
        "Bea": [],
        "Cleo": ["win-back"],
        "Dora": [],
    }


async def test_customers_are_sorted_by_their_number_of_orders(world: World) -> None:
    nodes = (await world.client.fetch_data(FIND, STAFF, sort={"key": "ORDER_COUNT"}))["customers"]["nodes"]
    assert nodes[0]["displayName"] == "Ada Ash"


async def test_an_unknown_segment_is_named(world: World) -> None:
    answer = await world.client.ask(FIND, STAFF, filter={"segment": "gold"})
    assert answer.codes == ["BAD_USER_INPUT"]
    wrong = {"min": "1.001", "currencyCode": "GBP"}
    assert (await world.client.ask(FIND, STAFF, filter={"lifetimeValue": wrong})).codes == ["BAD_USER_INPUT"]
