"""Channels and locations as operators see them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graphql.world import ADMIN, CLERK, STAFF, open_small_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


async def test_a_channel_that_could_not_be_loaded_is_shown_and_nulls_nothing_else(database_url: str) -> None:
    async with open_small_world(database_url, channels={"till": {}, "web": {"plugin": "nowhere"}}) as world:
        query = """{ channels { key kind state capabilities health { status } locations { totalCount } }
          products { totalCount sources { channel { key } state } }
          productVariants(filter: {skus: "MUG"}) { nodes { stock(channelKey: "web") { available } } } }"""
        found = await world.client.fetch_data(query, STAFF)
    till, web = found["channels"]
    assert (till["kind"], till["state"], till["health"]) == ("POS", "ENABLED", {"status": "HEALTHY"})
    assert (web["kind"], web["state"], web["capabilities"]) == (None, "FAILED", None)
    assert web["locations"] == {"totalCount": 2}
    assert found["products"]["totalCount"] == 4
    states = {source["channel"]["key"]: source["state"] for source in found["products"]["sources"]}
    assert states == {"till": "FRESH", "web": "FAILED"}
    assert found["productVariants"]["nodes"] == [{"stock": {"available": 40}}]


async def test_an_operator_sees_how_far_a_channel_is_and_what_it_could_not_take(database_url: str) -> None:
    async with open_small_world(database_url) as world:
        query = """query ($key: String) { channel(key: "till") { pluginName sync { resource records rejected } }
          syncRejects(channelKey: $key) { totalCount nodes {
            id resource externalId field payload channel { key } } } }"""
        found = await world.client.fetch_data(query, ADMIN, key="till")
        sync = {one["resource"]: (one["records"], one["rejected"]) for one in found["channel"]["sync"]}
        assert sync == {
            "PRODUCTS": (4, 0),
            "STOCK": (4, 1),
            "COLLECTIONS": (0, 0),
            "CUSTOMERS": (2, 0),
            "ORDERS": (2, 0),
        }
        (reject,) = found["syncRejects"]["nodes"]
        assert (reject["resource"], reject["externalId"]) == ("STOCK", "half@L")
        assert '"on_hand":0.5' in reject["payload"]
        assert (await world.client.fetch_data(query, ADMIN, key="web"))["syncRejects"]["totalCount"] == 0
        answer = await world.client.ask(query, STAFF, key="till")
        assert answer.codes == ["FORBIDDEN"] * 3
        assert answer.body["data"] == {"channel": {"pluginName": None, "sync": None}, "syncRejects": None}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", ["london", "leeds", "depot"]),
        ("(kind: WAREHOUSE)", ["depot"]),
        ("(fulfillmentMethod: PICKUP)", []),
        ("(first: 2)", ["london", "leeds"]),
        ("(last: 1)", ["depot"]),
    ],
)
async def test_locations_are_listed_as_configured(database_url: str, arguments: str, expected: list[str]) -> None:
    async with open_small_world(database_url) as world:
        found = await world.client.fetch_data(f"{{ locations{arguments} {{ nodes {{ key }} }} }}")
        assert [node["key"] for node in found["locations"]["nodes"]] == expected


async def test_locations_are_paged_by_cursors(database_url: str) -> None:
    async with open_small_world(database_url) as world:
        query = "query ($after: String) { locations(first: 2, after: $after) { pageInfo { endCursor } nodes { key } } }"
        cursor = (await world.client.fetch_data(query))["locations"]["pageInfo"]["endCursor"]
        assert (await world.client.fetch_data(query, after=cursor))["locations"]["nodes"] == [{"key": "depot"}]
        other = "query ($after: String) { locations(kind: STORE, after: $after) { totalCount } }"
        assert (await world.client.ask(other, after=cursor)).codes == ["BAD_USER_INPUT"]


async def test_a_viewer_sees_their_own_channel_first(database_url: str) -> None:
    async with open_small_world(database_url) as world:
        query = "{ viewer { kind channels { key } serverTime locations { key authority { key } channels { key } } } }"
        viewer: dict[str, Any] = (await world.client.fetch_data(query, CLERK))["viewer"]
        assert (viewer["kind"], viewer["serverTime"]) == ("STAFF", "2026-01-05T09:00:00Z")
        assert [channel["key"] for channel in viewer["channels"]] == ["web", "till"]
        london = viewer["locations"][0]
        assert (london["authority"], london["channels"]) == ({"key": "till"}, [{"key": "till"}, {"key": "web"}])
