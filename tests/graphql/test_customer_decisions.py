"""Customers over channels: recognized by evidence, reviewed, merged, split, and everything undone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from gateway.commerce.customers.ingest import ingest_customers
from gateway.commerce.ingest_batch import IngestBatch, IngestedRecord, IngestRules
from gateway.model.ids import derive_id
from gateway.sdk import CustomerRecord
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.graphql.world import ADMIN, STAFF, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.writes]

CUSTOMERS = """{ customers { nodes { id displayName hasLogin statistics { count }
  identities { nodes { id externalId channel { key } evidence { rule verdict value other { externalId } } } } } } }"""
SNAPSHOT = """{ customers { nodes { id displayName givenName emails { value verified primary } phones { value }
  identities { nodes { id evidence { rule verdict value other { id } } } }
  orders { nodes { number } } sources { field rule alternatives identity { id } } } } }"""
MERGE = """mutation ($ids: [ID!]!, $proved: Boolean! = false, $key: String!) {
  customerMerge(input: {customerIds: $ids, proved: $proved, note: "same card", idempotencyKey: $key}) {
    customer { id displayName identities { nodes { id } } } merge { id kind by note mergedIds }
    userErrors { code field } } }"""
SPLIT = """mutation ($id: ID!, $identities: [ID!]!, $key: String!) {
  customerSplit(input: {customerId: $id, identityIds: $identities, note: "the mother", idempotencyKey: $key}) {
    customers { id identities { nodes { externalId } } } merge { id kind } userErrors { code field } } }"""
UNDO = """mutation ($id: ID!, $key: String!) {
  customerMergeUndo(input: {mergeId: $id, note: "two sisters", idempotencyKey: $key}) {
    customers { id } merge { undoneAt } userErrors { code } } }"""
REVIEWS = """{ customerReviews(states: [OPEN]) { totalCount nodes { id reason state
  customers { id displayName } evidence { rule verdict } } } }"""
DECIDE = """mutation ($id: ID!, $same: Boolean!, $key: String!) {
  customerReviewDecide(input: {reviewId: $id, same: $same, idempotencyKey: $key}) {
    review { state decidedBy merge { id } } customer { id } userErrors { code } } }"""


def build_stores() -> dict[str, MemoryStore]:
    """Build a till and a web store that know Ada by a card, Bea by one mobile number with two names, and Cleo."""
    till, web = MemoryStore(), MemoryStore()
    customer = record_builders.build_customer
    for row in (
        customer("t-ada", name="Ada Lovelace", card="9826000000017"),
        customer("t-bea", name="Bea Bright", phone="+447911123456"),
        customer("t-cleo", name="Cleo Crane", email="cleo@example.com"),
    ):
        till.put("customers", row)
    for row in (
        customer("w-ada", name="Ada Lovelace", card="9826000000017", email="ada@example.com", verified=True),
        customer("w-bea", name="Bea Brown", phone="+447911123456", email="bea@example.com"),
        customer("w-cleo", name="Cleo Crane", email="cleo@example.com"),
    ):
        web.put("customers", row)
    line = record_builders.build_line("1", None, 1, "5.00")
    till.put("orders", record_builders.build_order("r1", [line], customer="t-ada"))
    web.put("orders", record_builders.build_order("o1", [line], customer="w-ada"))
    return {"till": till, "web": web}


@pytest.fixture
async def retailer_world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), locations={}) as world:
        yield world


async def list_groups(world: World) -> set[frozenset[str]]:
    nodes = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    return {frozenset(one["externalId"] for one in node["identities"]["nodes"]) for node in nodes}


async def find_customer(world: World, external_id: str) -> dict[str, Any]:
    nodes = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    (found,) = (node for node in nodes if external_id in {one["externalId"] for one in node["identities"]["nodes"]})
    result: dict[str, Any] = found
    return result


async def change(world: World, mutation: str, name: str, **variables: Any) -> dict[str, Any]:
    result: dict[str, Any] = (await world.client.fetch_data(mutation, ADMIN, **variables))[name]
    assert result["userErrors"] == [], result
    return result


async def test_one_card_makes_one_customer_with_the_orders_of_both_channels(retailer_world: World) -> None:
    ada = await find_customer(retailer_world, "t-ada")
    assert {one["externalId"] for one in ada["identities"]["nodes"]} == {"t-ada", "w-ada"}
    assert ada["statistics"] == {"count": 2}
    reasons = [one["evidence"] for one in ada["identities"]["nodes"] if one["externalId"] == "t-ada"]
    card = {"rule": "LOYALTY_NUMBER", "verdict": "LINKS", "value": "9826000000017", "other": {"externalId": "w-ada"}}
    assert card in reasons[0]


async def test_a_merge_is_undone_without_loss(retailer_world: World) -> None:
    world = retailer_world
    before = await world.client.fetch_data(SNAPSHOT, STAFF)
    ids = [(await find_customer(world, external_id))["id"] for external_id in ("t-cleo", "t-ada")]
    merged = await change(world, MERGE, "customerMerge", ids=ids, key="1")
    assert merged["merge"]["kind"] == "MERGED"
    assert len(merged["customer"]["identities"]["nodes"]) > 2
    for id_ in ids:  # every ID that was ever given leads to the customer of today
        found = await world.client.fetch_data("query ($id: ID!) { customer(id: $id) { id } }", STAFF, id=id_)
        assert found == {"customer": {"id": merged["customer"]["id"]}}
    undone = await change(world, UNDO, "customerMergeUndo", id=merged["merge"]["id"], key="2")
    assert len(undone["customers"]) > 1
    assert undone["merge"]["undoneAt"] is not None
    assert await world.client.fetch_data(SNAPSHOT, STAFF) == before


async def test_a_split_outlasts_a_new_sync_and_is_undone_without_loss(retailer_world: World) -> None:
    world = retailer_world
    before = await world.client.fetch_data(SNAPSHOT, STAFF)
    ada = await find_customer(world, "t-ada")
    till = [one["id"] for one in ada["identities"]["nodes"] if one["externalId"] == "t-ada"]
    split = await change(world, SPLIT, "customerSplit", id=ada["id"], identities=till, key="1")
    assert {frozenset({"t-ada"}), frozenset({"w-ada"})} <= await list_groups(world)
    world.stores["till"].change("customers", "t-ada", name="Ada King")
    world.clock.forward(days=2)
    await world.gateway.run_due()
    assert frozenset({"t-ada"}) in await list_groups(world)
    world.stores["till"].change("customers", "t-ada", name="Ada Lovelace")
    world.clock.forward(days=2)
    await world.gateway.run_due()
    await change(world, UNDO, "customerMergeUndo", id=split["merge"]["id"], key="2")
    after = await world.client.fetch_data(SNAPSHOT, STAFF)
    assert after == before


async def test_one_mobile_number_under_two_names_is_a_review(retailer_world: World) -> None:
    world = retailer_world
    assert {frozenset({"t-bea"}), frozenset({"w-bea"})} <= await list_groups(world)
    (review,) = (await world.client.fetch_data(REVIEWS, STAFF))["customerReviews"]["nodes"]
    assert {one["displayName"] for one in review["customers"]} == {"Bea Bright", "Bea Brown"}
    decided = await change(world, DECIDE, "customerReviewDecide", id=review["id"], same=True, key="1")
    assert decided["review"]["state"] == "SAME"
    assert frozenset({"t-bea", "w-bea"}) in await list_groups(world)
    await change(world, UNDO, "customerMergeUndo", id=decided["review"]["merge"]["id"], key="2")
    (again,) = (await world.client.fetch_data(REVIEWS, STAFF))["customerReviews"]["nodes"]
    assert again["id"] == review["id"]
    decided = await change(world, DECIDE, "customerReviewDecide", id=review["id"], same=False, key="3")
    assert decided["review"]["state"] == "DIFFERENT"
    assert (await world.client.fetch_data(REVIEWS, STAFF))["customerReviews"]["totalCount"] == 0
    assert {frozenset({"t-bea"}), frozenset({"w-bea"})} <= await list_groups(world)


async def test_refused_merges_and_splits_change_nothing(retailer_world: World) -> None:
    world = retailer_world
    ada, cleo = [await find_customer(world, external_id) for external_id in ("t-ada", "t-cleo")]
    before = await world.client.fetch_data(SNAPSHOT, STAFF)
    everything = [one["id"] for one in ada["identities"]["nodes"]]
    others = [one["id"] for one in cleo["identities"]["nodes"]][:1]
    refused = [
        (MERGE, "customerMerge", {"ids": [ada["id"], ada["id"]]}, "INVALID"),
        (MERGE, "customerMerge", {"ids": [ada["id"]]}, "INVALID"),
        (SPLIT, "customerSplit", {"id": ada["id"], "identities": everything}, "INVALID"),
        (SPLIT, "customerSplit", {"id": ada["id"], "identities": []}, "INVALID"),
        (SPLIT, "customerSplit", {"id": ada["id"], "identities": others}, "NOT_FOUND"),
    ]
    for n, (mutation, name, variables, code) in enumerate(refused):
        result = (await world.client.fetch_data(mutation, ADMIN, key=f"k{n}", **variables))[name]
        assert [error["code"] for error in result["userErrors"]] == [code], (n, result)
    assert await world.client.fetch_data(SNAPSHOT, STAFF) == before


async def test_a_preview_of_a_merge_writes_nothing(retailer_world: World) -> None:
    world = retailer_world
    ids = [(await find_customer(world, external_id))["id"] for external_id in ("t-ada", "t-bea")]
    before = await world.client.fetch_data(SNAPSHOT, STAFF)
    query = """query ($ids: [ID!]!) { customerMergePreview(customerIds: $ids) {
      displayName orders identities { externalId } sources { field rule } contradictions { rule } } }"""
    preview = (await world.client.fetch_data(query, ADMIN, ids=ids))["customerMergePreview"]
    assert preview["orders"] == 2
    assert {one["externalId"] for one in preview["identities"]} == {"t-ada", "w-ada", "t-bea"}
    assert await world.client.fetch_data(SNAPSHOT, STAFF) == before


async def test_the_merge_of_a_channel_is_followed_and_ends_with_it(retailer_world: World) -> None:
    world = retailer_world
    world.stores["web"].change("customers", "w-cleo", merged_into="w-bea")
    await world.gateway.run_due()
    world.clock.forward(days=2)
    await world.gateway.run_due()
    assert any({"w-cleo", "w-bea"} <= group for group in await list_groups(world))
    world.stores["web"].change("customers", "w-cleo", merged_into=None)
    world.clock.forward(days=2)
    await world.gateway.run_due()
    assert not any({"w-cleo", "w-bea"} <= group for group in await list_groups(world))


async def test_the_keys_of_a_policy_join_records(database_url: str) -> None:
    def recognize(_channel: str, customers: Sequence[CustomerRecord]) -> list[str | None]:
        return ["household" if "Bea" in (one.display_name or "") else None for one in customers]

    async with open_world(database_url, {"till": MemoryStore(), "web": MemoryStore()}, locations={}) as world:
        config = replace(world.gateway.selling.customers, policy=recognize)
        selling = replace(world.gateway.selling, customers=config)

        def ingest(conn: Connection) -> None:
            for channel in ("till", "web"):
                records = [record_builders.read_customer(record_builders.build_customer(f"{channel}-1", name="Bea B."))]
                seen = [IngestedRecord(derive_id("customer", channel, record.ref.id, 1), record) for record in records]
                batch: IngestBatch[CustomerRecord] = IngestBatch(
                    channel, seen, (), (), 1, world.clock(), IngestRules(selling=selling)
                )
                ingest_customers(conn, batch)

        await world.gateway.database.write(ingest)
        assert await list_groups(world) == {frozenset({"till-1", "web-1"})}
