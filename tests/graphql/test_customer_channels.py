"""A token of some channels reads the customers of these channels, and decides nothing about those of others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.commerce.loyalty.programs import PROGRAM
from tests.graphql.test_customer_decisions import DECIDE, MERGE, SPLIT, UNDO, build_stores, change, find_customer
from tests.graphql.world import ADMIN, TOKENS, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.writes]

WEB = "w" * 40
SCOPES = ["customers:read", "customers:write", "customers:admin", "customers:pii", "orders:read", "loyalty:write"]
OF_ALL_CHANNELS = {
    "channelMix": "BOTH",
    "orderCount": {"min": 1},
    "lastOrderSince": "2020-01-01T00:00:00Z",
    "hasOpenReview": True,
}
CUSTOMER = """query ($id: ID!) { customer(id: $id) { lifetimeValue { amount } merges { id } openReviews { id }
  identities { nodes { externalId evidence { rule verdict value } } } } }"""
NOTE = """mutation ($id: ID!, $key: String!) { interactionAdd(input: {customerId: $id, kind: NOTE, summary: "called",
  idempotencyKey: $key}) { userErrors { code field } } }"""
CONSENT = """mutation ($id: ID!, $key: String!) { consentSet(input: {customerId: $id, purpose: MARKETING_EMAIL,
  granted: false, wording: "no", idempotencyKey: $key}) { userErrors { code field } } }"""
POST = """mutation ($id: ID!, $key: String!) { loyaltyPost(input: {customerId: $id, points: 5, kind: EARN,
  reason: "gift", sourceKey: "gift", idempotencyKey: $key}) { userErrors { code field } } }"""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    limited = {"token": WEB, "kind": "STAFF", "scopes": SCOPES, "channels": ["web"]}
    tables: dict[str, Any] = {"locations": {}, "tokens": TOKENS | {"web": limited}, "loyalty": PROGRAM}
    async with open_world(database_url, build_stores(), **tables) as world:
        yield world


async def test_it_sees_what_its_channels_know_of_a_customer(world: World) -> None:
    ada = await find_customer(world, "w-ada")
    limited, all_ = [
        (await world.client.fetch_data(CUSTOMER, token, id=ada["id"]))["customer"] for token in (WEB, ADMIN)
    ]
    assert [one["externalId"] for one in limited["identities"]["nodes"]] == ["w-ada"]
    assert [one["amount"] for one in limited["lifetimeValue"]] == ["5.00"] != all_["lifetimeValue"]
    evidence = limited["identities"]["nodes"][0]["evidence"]
    shared = [one["value"] for one in evidence if one["rule"] == "LOYALTY_NUMBER" and one["verdict"] == "LINKS"]
    assert sorted(shared) == ["9***", "9826000000017"]  # that of the till's record, and its own


async def test_it_decides_nothing_about_who_is_one(world: World) -> None:
    ada, bea, cleo = [(await find_customer(world, id_)) for id_ in ("w-ada", "w-bea", "w-cleo")]
    merge = (await change(world, MERGE, "customerMerge", ids=[ada["id"], bea["id"]], key="1"))["merge"]
    review_of_bea = "{ customerReviews { nodes { id } } }"
    (review, *_) = (await world.client.fetch_data(review_of_bea, ADMIN))["customerReviews"]["nodes"]
    one = [cleo["identities"]["nodes"][0]["id"]]
    for document, variables in (
        (MERGE, {"ids": [ada["id"], cleo["id"]]}),
        (SPLIT, {"id": cleo["id"], "identities": one}),
        (UNDO, {"id": merge["id"]}),
        (DECIDE, {"id": review["id"], "same": True}),
    ):
        assert (await world.client.ask(document, WEB, key="2", **variables)).codes == ["FORBIDDEN"]
    assert (await world.client.ask(review_of_bea, WEB)).codes == ["FORBIDDEN"]
    customer = await world.client.fetch_data(CUSTOMER, WEB, id=ada["id"])
    assert (customer["customer"]["merges"], customer["customer"]["openReviews"]) == ([], [])
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert (await world.client.fetch_data(query, WEB, ids=[merge["id"], review["id"]]))["nodes"] == [None, None]


@pytest.mark.parametrize("name", OF_ALL_CHANNELS)
async def test_it_does_not_filter_by_what_other_channels_know(world: World, name: str) -> None:
    query = "query ($filter: CustomerFilter!) { customers(filter: $filter) { nodes { id } } }"
    assert (await world.client.ask(query, WEB, filter={name: OF_ALL_CHANNELS[name]})).codes == ["FORBIDDEN"]
    await world.client.fetch_data(query, ADMIN, filter={name: OF_ALL_CHANNELS[name]})


@pytest.mark.parametrize("document", [NOTE, CONSENT, POST])
async def test_it_changes_nothing_of_a_customer_whom_its_channels_do_not_know(world: World, document: str) -> None:
    unseen = (await find_customer(world, "t-bea"))["id"]
    seen = (await find_customer(world, "w-bea"))["id"]
    (refused,) = (await world.client.fetch_data(document, WEB, id=unseen, key="1")).values()
    assert refused["userErrors"] == [{"code": "NOT_FOUND", "field": ["input", "customerId"]}]
    (allowed,) = (await world.client.fetch_data(document, WEB, id=seen, key="2")).values()
    assert allowed["userErrors"] == []
