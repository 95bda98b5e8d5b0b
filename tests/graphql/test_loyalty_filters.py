"""Customers are found by their points and their tier, over all accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.settings.loading import parse
from gateway.settings.problems import SettingsError
from tests.commerce.loyalty.programs import PROGRAM
from tests.gateways import build_configuration
from tests.graphql.world import ADMIN, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

FIND = "query ($filter: CustomerFilter!) { customers(filter: $filter) { totalCount nodes { displayName } } }"
SORTED = """query ($direction: SortDirection!, $after: String) {
  customers(first: 1, after: $after, sort: {key: LOYALTY_BALANCE, direction: $direction}) {
    nodes { displayName } pageInfo { endCursor hasNextPage } } }"""
POST = """mutation ($number: String!, $points: Int!) { loyaltyPost(input: {loyaltyNumber: $number, points: $points,
  kind: EARN, reason: "gift", sourceKey: $number, idempotencyKey: $number}) { userErrors { code } } }"""
GIVEN = {"9826000000017": 150, "9826000000025": 250, "9826000000033": 20}
SEGMENTS = {"silver": {"title": "Silver", "filter": {"loyalty_tiers": ["silver"], "loyalty_balance": {"min": 1}}}}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A till whose customers Ada, Bea and Cleo have points, and Dora has none."""
    till, web = MemoryStore(), MemoryStore()
    for name, number in zip(("Ada", "Bea", "Cleo"), GIVEN, strict=True):
        till.put("customers", record_builders.build_customer(name, name=name, card=number))
    till.put("customers", record_builders.build_customer("Dora", name="Dora"))
    tables: dict[str, Any] = {"locations": {}, "loyalty": PROGRAM, "segments": SEGMENTS}
    async with open_world(database_url, {"till": till, "web": web}, **tables) as world:
        for number, points in GIVEN.items():
            posted = await world.client.fetch_data(POST, ADMIN, number=number, points=points)
            assert posted["loyaltyPost"]["userErrors"] == []
        yield world


async def find_names(world: World, **filter: Any) -> list[str]:
    found = (await world.client.fetch_data(FIND, ADMIN, filter=filter))["customers"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["displayName"] for node in found["nodes"]]


async def test_customers_are_found_by_points_and_tier(world: World) -> None:
    assert await find_names(world, loyaltyBalance={"min": 100}) == ["Ada", "Bea"]
    assert await find_names(world, loyaltyBalance={"min": 0, "max": 150}) == ["Ada", "Cleo"]
    assert await find_names(world, loyaltyTiers=["silver"]) == ["Ada"], "who has gold is not silver"
    assert await find_names(world, loyaltyTiers=["silver", "gold"], loyaltyBalance={"min": 200}) == ["Bea"]
    assert await find_names(world, segment="silver") == ["Ada"]
    world.clock.forward(days=900)
    assert await find_names(world, loyaltyTiers=["silver", "gold"]) == [], "tiers end"


async def test_customers_are_sorted_by_points_page_by_page(world: World) -> None:
    for direction, names in (("DESC", ["Bea", "Ada", "Cleo", "Dora"]), ("ASC", ["Cleo", "Ada", "Bea", "Dora"])):
        found: list[str] = []
        after = None
        while len(found) < len(names):
            page = (await world.client.fetch_data(SORTED, ADMIN, direction=direction, after=after))["customers"]
            found += [node["displayName"] for node in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
        assert found == names, "those without an account come last"
        assert not page["pageInfo"]["hasNextPage"]


async def test_the_preview_of_a_merge_has_the_points_of_all(world: World) -> None:
    nodes = (await world.client.fetch_data("{ customers { nodes { id } } }", ADMIN))["customers"]["nodes"]
    query = "query ($ids: [ID!]!) { customerMergePreview(customerIds: $ids) { loyaltyBalance } }"
    preview = (await world.client.fetch_data(query, ADMIN, ids=[node["id"] for node in nodes]))["customerMergePreview"]
    assert preview["loyaltyBalance"] == 420


async def test_an_unknown_tier_is_an_error(world: World) -> None:
    answer = await world.client.ask(FIND, ADMIN, filter={"loyaltyTiers": ["platinum"]})
    assert answer.codes == ["BAD_USER_INPUT"]
    assert "expected one of silver, gold" in answer.body["errors"][0]["message"]


def test_a_segment_of_an_unknown_tier_is_refused() -> None:
    segments = {"top": {"title": "Top", "filter": {"loyalty_tiers": ["platinum"]}}}
    document = build_configuration("sqlite://", {"till": {}}, segments=segments, loyalty=PROGRAM)
    with pytest.raises(SettingsError, match="platinum"):
        parse(document, {})
