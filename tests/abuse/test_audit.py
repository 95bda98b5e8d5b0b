"""The audit trail: who attempted to change what, applied or refused; a refusal is never recorded as applied."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.commerce.access import audit
from gateway.storage import tables
from gateway.storage.audit import list_refusals
from tests.abuse.conftest import LEEDS, LONDON, open_retailer
from tests.gateways import START
from tests.graphql.shopper import Shopper
from tests.graphql.world import ADMIN, CLERK, STAFF, World
from tests.graphql.writable_channels import select_variant_id

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ENTRIES = """query ($filter: AuditFilter) {
  auditEntries(first: 50, filter: $filter) {
    nodes {
      action refused reason requestId actor { kind name tokenId } subjectId subject { id }
      channel { key } location { key } changes { field before after }
    }
  }
}"""


async def list_entries(world: World, token: str = ADMIN, **filter_: Any) -> list[dict[str, Any]]:
    """List entries; the object that an entry is about is shown to those who may read it."""
    query = ENTRIES if token == ADMIN else ENTRIES.replace("subject { id }", "")
    found = await world.client.fetch_data(query, token, filter=filter_)
    entries: list[dict[str, Any]] = found["auditEntries"]["nodes"]
    return entries


async def place_order(world: World, by: str | None = None) -> dict[str, Any]:
    shopper = Shopper(world, by)
    await shopper.fill("web", MUG=1)
    placed = await shopper.buy(await shopper.find_option("PICKUP", "london"))
    order: dict[str, Any] = placed["order"]
    return order


async def test_an_applied_change_names_who_what_and_the_values(retailer: World) -> None:
    order = await place_order(retailer)
    retailer.clock.forward(seconds=1)
    clerk = Shopper(retailer, ADMIN)
    await clerk.ask("orderCancel", orderId=order["id"], version=order["version"], reason="No longer needed")
    actions = ["orderPlace", "orderCancel"]
    cancelled, placed = await list_entries(retailer, subjectId=order["id"], actions=actions)
    assert (cancelled["action"], cancelled["refused"], cancelled["reason"]) == ("orderCancel", None, "No longer needed")
    assert cancelled["actor"] == {"kind": "ADMIN", "name": "admin", "tokenId": None}
    assert cancelled["channel"] == {"key": "web"} and cancelled["requestId"]
    values = {change["field"]: (change["before"], change["after"]) for change in cancelled["changes"]}
    assert values["status"][0] in ("OPEN", "PENDING") and values["status"][1] in ("CANCELLED", "CANCELLING")
    assert (placed["action"], placed["actor"]) == ("orderPlace", {"kind": "ANONYMOUS", "name": "", "tokenId": None})
    assert cancelled["subject"] == {"id": order["id"]}


async def test_the_events_of_an_order_name_who_caused_them_to_staff_only(retailer: World) -> None:
    order = await place_order(retailer)
    await Shopper(retailer, ADMIN).ask("orderCancel", orderId=order["id"], version=order["version"])
    query = """query ($id: ID!) {
      order(by: {id: $id}) { events(first: 50) { nodes { kind actor { kind name tokenId } } } }
    }"""
    found = await retailer.client.fetch_data(query, ADMIN, id=order["id"])
    actors = {event["kind"]: event["actor"] for event in found["order"]["events"]["nodes"]}
    admin = {"kind": "ADMIN", "name": "admin", "tokenId": None}
    assert actors["PLACED"] == {"kind": "ANONYMOUS", "name": "", "tokenId": None}
    assert (actors["PAID"], actors["CANCELLED"]) == (admin, admin)
    owner = "query ($access: String!) { order(by: {accessToken: $access}) { events { nodes { actor { name } } } } }"
    answer = await retailer.client.ask(owner, access=order["accessToken"])
    assert {event["actor"] for event in map(dict, answer.body["data"]["order"]["events"]["nodes"])} == {None}
    assert set(answer.codes) == {"UNAUTHENTICATED"}


async def test_a_retry_is_not_another_attempt(retailer: World) -> None:
    order = await place_order(retailer)
    key, clerk = "one-and-the-same", Shopper(retailer, ADMIN)
    for _ in range(2):
        await clerk.ask("orderCancel", orderId=order["id"], version=order["version"], idempotencyKey=key)
    assert len(await list_entries(retailer, actions=["orderCancel"])) == 1


async def test_a_refusal_is_recorded_as_refused_and_changes_nothing(
    retailer: World, caplog: pytest.LogCaptureFixture
) -> None:
    mug = await select_variant_id(retailer, "MUG")
    count: dict[str, Any] = {
        "variantId": mug,
        "locationKey": "london",
        "expectedOnHand": 1,
        "onHand": 7,
        "reason": "DAMAGE",
    }
    with caplog.at_level(logging.INFO, logger="gateway"):
        refused = await Shopper(retailer, LONDON).ask("stockAdjust", **count, note="a private note")
    assert refused["userErrors"][0]["code"] == "CONFLICT"
    assert "Stock at" not in caplog.text
    (entry,) = await list_entries(retailer, refused=True)
    assert (entry["action"], entry["refused"], entry["location"]) == ("stockAdjust", "CONFLICT", {"key": "london"})
    assert [change["field"] for change in entry["changes"]] == ["reason"]


async def test_changes_of_stock_and_payments_state_the_amounts(retailer: World) -> None:
    mug, order = await select_variant_id(retailer, "MUG"), await place_order(retailer)
    shop = Shopper(retailer, LONDON)
    line = {"variantId": mug, "locationKey": "london", "quantity": 3}
    held = await shop.ask("stockReserve", lines=[line], holdSeconds=60)
    await shop.ask("stockRelease", reservationIds=[held["reservations"][0]["id"]])
    level = await retailer.client.fetch_data(
        '{ stockLevels(locationKey: "london", filter: {skus: ["MUG"]}) { nodes { onHand } } }', ADMIN
    )
    on_hand = level["stockLevels"]["nodes"][0]["onHand"]
    count = {"expectedOnHand": on_hand, "onHand": 7, "reason": "DAMAGE"}
    adjusted = await shop.ask("stockAdjust", variantId=mug, locationKey="london", **count)
    assert adjusted["userErrors"] == []
    recorded = {
        entry["action"]: [(change["field"], change["before"], change["after"]) for change in entry["changes"]]
        for entry in await list_entries(retailer)
    }
    assert recorded["stockReserve"] == [("lines.0", None, f"3 of {mug} at london")]
    assert recorded["stockRelease"] == [("reservationIds", held["reservations"][0]["id"], None)]
    assert recorded["stockAdjust"] == [("onHand", str(on_hand), "7")]
    paid = {field: after for field, _, after in recorded["orderPaymentRecord"]}
    assert paid["payment"].startswith(f"{order['total']['amount']} GBP stripe")


async def test_a_mutation_without_its_scope_is_recorded(retailer: World) -> None:
    answer = await retailer.client.ask(
        'mutation { first: channelPause(input: {channelKey: "web", idempotencyKey: "k"}) { channel { key } } }', CLERK
    )
    assert answer.codes == ["FORBIDDEN"]
    (entry,) = await list_entries(retailer, actor="clerk")
    assert (entry["action"], entry["refused"], entry["subjectId"]) == ("channelPause", "FORBIDDEN", None)


async def test_the_proof_without_the_record_an_attempt_leaves_no_trace(
    retailer: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "record_attempt", lambda *_: None)
    order = await place_order(retailer)
    assert await list_entries(retailer, subjectId=order["id"]) == []


async def test_an_input_that_is_invalid_is_no_attempt(retailer: World) -> None:
    mug = await select_variant_id(retailer, "MUG")
    line = {"variantId": mug, "locationKey": "london", "quantity": 0}
    refused = await Shopper(retailer, LONDON).ask("stockReserve", lines=[line], holdSeconds=60)
    assert refused["userErrors"][0]["code"] == "INVALID"
    assert await list_entries(retailer) == []


async def test_refusals_of_clients_without_a_token_are_counted_and_not_listed(database_url: str) -> None:
    async with open_retailer(database_url, access={"anonymous": {"channels": ["till", "web"]}}) as world:
        shopper = Shopper(world)
        for _ in range(3):
            await shopper.fill("till", MUG=1)
        await world.client.ask(
            'mutation { channelPause(input: {channelKey: "web", idempotencyKey: "k"}) { channel { key } } }'
        )
        await world.gateway.flush_counts()
        await shopper.fill("till", MUG=1)
        await world.gateway.flush_counts()
        refusals = await world.gateway.database.read(list_refusals, START - timedelta(minutes=1), 100)
        counted = {(key.action, key.code): number for key, number in refusals}
        assert counted == {("cartCreate", "CHANNEL_NOT_ALLOWED"): 4, ("channelPause", "UNAUTHENTICATED"): 1}
        assert all("127.0.0.1" not in key.client for key, _ in refusals)
        assert await list_entries(world) == []


async def test_carts_of_clients_without_a_token_are_not_audited(retailer: World) -> None:
    await Shopper(retailer).fill("web", MUG=1)
    assert await list_entries(retailer) == []
    await Shopper(retailer, CLERK).fill("web", MUG=1)
    assert [entry["action"] for entry in await list_entries(retailer)] == ["cartCreate"]


async def test_personal_values_are_masked_without_the_scope(database_url: str) -> None:
    tokens = {
        "auditor": {"token": "auditor", "scopes": ["audit:read"]},
        "admin": {"token": ADMIN, "kind": "ADMIN", "scopes": ["*"]},
    }
    async with open_retailer(database_url, tokens=tokens) as world:
        order = await place_order(world)
        reason = "Ada called"
        await Shopper(world, ADMIN).ask("orderCancel", orderId=order["id"], version=order["version"], reason=reason)
        masked, known = [(await list_entries(world, token, actions=["orderCancel"]))[0] for token in ("auditor", ADMIN)]
        assert (masked["reason"], known["reason"]) == ("***", reason)


async def test_a_shop_reads_the_entries_of_its_location(database_url: str) -> None:
    shop = {"scopes": ["audit:read", "stock:write"], "locations": ["leeds"]}
    tokens = {"shop": {"token": LEEDS, **shop}, "admin": {"token": ADMIN, "kind": "ADMIN", "scopes": ["*"]}}
    async with open_retailer(database_url, tokens=tokens) as world:
        mug = await select_variant_id(world, "MUG")
        for location in ("london", "leeds"):
            count: dict[str, Any] = {
                "variantId": mug,
                "locationKey": location,
                "expectedOnHand": 1,
                "onHand": 7,
                "reason": "DAMAGE",
            }
            await Shopper(world, ADMIN).ask("stockAdjust", **count)
            world.clock.forward(seconds=1)
        assert [entry["location"]["key"] for entry in await list_entries(world)] == ["leeds", "london"]
        assert [entry["location"]["key"] for entry in await list_entries(world, LEEDS)] == ["leeds"]


async def test_the_trail_needs_its_scope_and_is_pruned_by_its_retention(retailer: World) -> None:
    await place_order(retailer)
    assert (await retailer.client.ask(ENTRIES, STAFF)).codes == ["FORBIDDEN"]
    retailer.clock.forward(days=399)
    await retailer.gateway.purge_expired()
    assert len(await list_entries(retailer, actions=["orderPlace"])) == 1
    retailer.clock.forward(days=2)
    await retailer.gateway.purge_expired()
    assert await list_entries(retailer) == []
    values = await retailer.gateway.database.read(lambda conn: conn.execute(sa.select(tables.audit_values)).all())
    assert values == []
