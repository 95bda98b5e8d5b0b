"""The timeline and the consents of customers, over channels, merges and splits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.graphql.world import ADMIN, STAFF, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.writes]

TIMELINE = """query ($first: Int, $after: String, $kinds: [InteractionKind!], $channelKey: String) {
  customers(search: "Ada") { nodes { id timeline(first: $first, after: $after, kinds: $kinds, channelKey: $channelKey) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { id kind occurredAt summary channel { key } by public subject { ... on Order { number } } } } } } }"""
ADD = """mutation ($id: ID!, $kind: InteractionKind! = SERVICE_CONTACT, $summary: String!, $source: String,
    $key: String!) {
  interactionAdd(input: {customerId: $id, kind: $kind, summary: $summary, sourceKey: $source, idempotencyKey: $key}) {
    interaction { id kind summary by } userErrors { code field } } }"""
CONSENTS = """{ customers(search: "Ada") { nodes { id consents {
  purpose address granted state source channel { key } decisions { state channel { key } } } } } }"""
SET = """mutation ($id: ID!, $purpose: ConsentPurpose! = MARKETING_EMAIL, $address: String, $granted: Boolean!,
    $key: String!) {
  consentSet(input: {customerId: $id, purpose: $purpose, address: $address, granted: $granted, wording: "page 3",
      idempotencyKey: $key}) {
    consent { address state source wording } customer { id } userErrors { code field } } }"""


def build_stores() -> dict[str, MemoryStore]:
    """Build a till and a web store that know Ada by a card, with an order each and consents."""
    till, web = MemoryStore(), MemoryStore()
    customer = record_builders.build_customer
    granted = {"purpose": "MARKETING_EMAIL", "granted": True, "address": "ada@example.com"}
    dated = {**granted, "decided_at": "2025-01-02T10:00:00Z"}
    till.put("customers", customer("t-ada", card="9826000000017"))
    web.put(
        "customers",
        customer("w-ada", card="9826000000017", email="ada@example.com", verified=True, consents=[dated]),
    )
    line = record_builders.build_line("1", None, 1, "5.00")
    till.put("orders", record_builders.build_order("r1", [line], customer="t-ada"))
    web.put("orders", record_builders.build_order("o1", [line], customer="w-ada"))
    return {"till": till, "web": web}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), locations={}) as world:
        yield world


async def fetch_timeline(world: World, **variables: Any) -> dict[str, Any]:
    (ada,) = (await world.client.fetch_data(TIMELINE, STAFF, **variables))["customers"]["nodes"]
    return {"id": ada["id"], **ada["timeline"]}


async def fetch_consents(world: World) -> list[dict[str, Any]]:
    (ada,) = (await world.client.fetch_data(CONSENTS, STAFF))["customers"]["nodes"]
    consents: list[dict[str, Any]] = ada["consents"]
    return consents


async def test_the_timeline_has_what_happened_in_every_channel(world: World) -> None:
    found = await fetch_timeline(world)
    assert {(one["kind"], one["channel"]["key"], one["summary"], str(one["subject"])) for one in found["nodes"]} == {
        ("ORDER", "till", "Order r1", "{'number': 'r1'}"),
        ("ORDER", "web", "Order o1", "{'number': 'o1'}"),
        ("CONSENT", "web", "Consent: marketing email granted", "None"),
    }
    assert (await fetch_timeline(world, channelKey="till"))["totalCount"] == 1
    assert (await fetch_timeline(world, kinds=["NOTE"]))["totalCount"] == 0
    page = await fetch_timeline(world, first=1)
    rest = await fetch_timeline(world, first=2, after=page["pageInfo"]["endCursor"])
    assert page["nodes"] + rest["nodes"] == found["nodes"]
    node = "query ($id: ID!) { node(id: $id) { ... on Interaction { summary } } }"
    first = found["nodes"][0]
    assert await world.client.fetch_data(node, STAFF, id=first["id"]) == {"node": {"summary": first["summary"]}}
    assert (await world.client.ask(node, id=first["id"])).codes == ["UNAUTHENTICATED"]


async def test_an_interaction_counts_once_by_its_source_key(world: World) -> None:
    id_ = (await fetch_timeline(world))["id"]
    added = {"id": id_, "summary": "asked where the parcel is", "source": "crm/17"}
    for key in ("1", "2"):  # two callers, or one that has lost its key
        result = (await world.client.fetch_data(ADD, ADMIN, key=key, **added))["interactionAdd"]
        assert result["userErrors"] == []
    assert result["interaction"]["by"] == "admin"
    assert (await fetch_timeline(world, kinds=["SERVICE_CONTACT"]))["totalCount"] == 1
    other = (await world.client.fetch_data(ADD, ADMIN, key="3", **{**added, "summary": "other"}))["interactionAdd"]
    assert [error["code"] for error in other["userErrors"]] == ["CONFLICT"]
    assert other["interaction"]["summary"] == "asked where the parcel is"
    order = (await world.client.fetch_data(ADD, ADMIN, key="4", **{**added, "kind": "ORDER"}))["interactionAdd"]
    assert [error["code"] for error in order["userErrors"]] == ["INVALID"]


async def test_a_consent_of_a_channel_is_the_answer_until_a_denial_is_later(world: World) -> None:
    (consent,) = await fetch_consents(world)
    assert (consent["state"], consent["address"], consent["channel"]) == (
        "GRANTED",
        "ada@example.com",
        {"key": "web"},
    )
    id_ = (await fetch_timeline(world))["id"]
    denied = (await world.client.fetch_data(SET, ADMIN, id=id_, granted=False, key="1"))["consentSet"]
    assert denied["userErrors"] == []
    states = {one["address"]: one["state"] for one in await fetch_consents(world)}
    assert states == {None: "DENIED", "ada@example.com": "DENIED"}
    found = await world.client.fetch_data("{ customers(filter: {hasConsent: MARKETING_EMAIL}) { totalCount } }", STAFF)
    assert found["customers"]["totalCount"] == 0
    world.clock.forward(minutes=5)
    granted = (await world.client.fetch_data(SET, ADMIN, id=id_, granted=True, key="2"))["consentSet"]
    assert granted["consent"] == {
        "address": "ada@example.com",
        "state": "GRANTED",
        "source": "STAFF",
        "wording": "page 3",
    }


async def test_a_consent_about_an_address_of_another_customer_is_refused(world: World) -> None:
    id_ = (await fetch_timeline(world))["id"]
    result = await world.client.fetch_data(SET, ADMIN, id=id_, granted=True, address="eve@example.com", key="1")
    assert [error["field"] for error in result["consentSet"]["userErrors"]] == [["input", "address"]]
    assert (await world.client.ask(SET, STAFF, id=id_, granted=True, key="2")).codes == ["FORBIDDEN"]
