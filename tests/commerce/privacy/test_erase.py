"""An erase removes the data of a customer here and in the channels, and nothing brings it back (rules C11, C12)."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.context import SellingContext
from gateway.commerce.privacy import erase
from gateway.model.ids import GlobalId
from gateway.runtime import data_requests
from gateway.runtime.status_log import StatusLog
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.privacy.personal_data import PERSONAL
from gateway.storage.tables import metadata
from gateway.sync.consistency_check import check_consistency
from tests.graphql.world import ADMIN, STAFF, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

REQUEST = """request { id kind state executesAt dueAt customer { id }
  parts { channel { key } state attempts proof kept fault { code } completedAt } } userErrors { code field }"""
ERASE = f"""mutation ($id: ID!, $confirm: String!, $key: String!) {{
  customerErase(input: {{customerId: $id, confirm: $confirm, idempotencyKey: $key}}) {{ {REQUEST} }} }}"""
CANCEL = f"""mutation ($id: ID!, $key: String!) {{
  dataRequestCancel(input: {{requestId: $id, idempotencyKey: $key}}) {{ {REQUEST} }} }}"""
RECORD = f"""mutation ($id: ID!, $channel: String!, $key: String!) {{ dataRequestPartRecord(
  input: {{requestId: $id, channelKey: $channel, proof: "ticket 7", idempotencyKey: $key}}) {{ {REQUEST} }} }}"""
FIND = "query ($id: ID!) { node(id: $id) { ... on DataRequest { state parts { channel { key } state proof } } } }"
CUSTOMERS = "{ customers { nodes { id displayName emails { value } orders { totalCount } } } }"
MARKERS = ("Ada", "Lovelace", "ada@example.com", "447911123456", "9826000000017", "12 Marker Street")
RANDOM_TEXT = re.compile(r"[A-Za-z0-9_/+=-]{40,}")
"""Ciphertexts and digests, which have a short name by chance."""

CHANNELS: Mapping[str, Mapping[str, Any]] = {"till": {"config": {"writes": ["erase"]}}, "web": {}}
ADDRESS = {"name": "Ada Lovelace", "line1": "12 Marker Street", "city": "London", "country_code": "GB"}


def put_ada(store: MemoryStore, id: str = "ada", **more: Any) -> None:
    values = {"email": "ada@example.com", "phone": "+447911123456", "card": "9826000000017", **more}
    store.put("customers", record_builders.build_customer(id, name="Ada Lovelace", addresses=[ADDRESS], **values))


def build_stores() -> dict[str, MemoryStore]:
    till, web = MemoryStore(), MemoryStore()
    put_ada(till)
    put_ada(web, "w-ada")
    till.put("customers", record_builders.build_customer("bob", name="Bob Bird", email="bob@example.com"))
    line = record_builders.build_line("1", None, 1, "5.00")
    contact = {"name": "Ada Lovelace", "email": "ada@example.com", "phone": None}
    for number, status in (("done", "COMPLETED"), ("open", "OPEN")):
        order = record_builders.build_order(
            number, [line], customer="w-ada", status=status, contact=contact, billing_address=ADDRESS
        )
        web.put("orders", order)
    return {"till": till, "web": web}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    tables: dict[str, Any] = {"locations": {}, "privacy": {"cooling_off": "3d"}, "channels": CHANNELS}
    async with open_world(database_url, build_stores(), **tables) as world:
        yield world


async def sync(world: World, **time: int) -> None:
    world.clock.forward(**(time or {"days": 2}))
    await world.gateway.run_due()


async def find_customer(world: World, name: str) -> str:
    nodes = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    (id_,) = (node["id"] for node in nodes if node["displayName"] == name)
    return str(id_)


async def find_ada(world: World) -> str:
    return await find_customer(world, "Ada Lovelace")


async def request_erase(world: World, key: str = "1") -> dict[str, Any]:
    document = {"id": await find_ada(world), "confirm": "ADA@example.com", "key": key}
    payload: dict[str, Any] = (await world.client.fetch_data(ERASE, ADMIN, **document))["customerErase"]
    assert payload["userErrors"] == [], payload
    request: dict[str, Any] = payload["request"]
    return request


def get_states(request: Mapping[str, Any]) -> dict[str, str]:
    return {(part["channel"] or {"key": ""})["key"]: part["state"] for part in request["parts"]}


async def find_states(world: World, id: str) -> tuple[str, dict[str, str]]:
    node = (await world.client.fetch_data(FIND, ADMIN, id=id))["node"]
    return node["state"], get_states(node)


def find_markers(conn: Connection) -> dict[str, set[str]]:
    """Find the tables that still contain a marker, with the order or record they are about."""
    found: dict[str, set[str]] = {}
    for table in metadata.sorted_tables:
        for row in conn.execute(sa.select(table)):
            text = RANDOM_TEXT.sub("", json.dumps([str(value) for value in row]))
            if any(marker in text for marker in MARKERS):
                found.setdefault(table.name, set()).add(str(row._mapping.get("number", row[0])))
    return found


async def test_the_request_says_what_it_will_do_and_what_stays(world: World) -> None:
    request = await request_erase(world)
    assert (request["kind"], request["state"]) == ("ERASE", "QUEUED")
    assert get_states(request) == {"": "QUEUED", "till": "QUEUED", "web": "NOT_SUPPORTED"}
    (own,) = (part for part in request["parts"] if part["channel"] is None)
    assert own["kept"][0] == "contact of order open, until it is complete"
    assert "1 invoices" in own["kept"][1]
    assert (await request_erase(world, "2"))["id"] == request["id"], "a second one is the first"
    await sync(world, days=1)
    assert (await find_states(world, request["id"]))[0] == "QUEUED"
    assert await find_ada(world)


@pytest.mark.parametrize("confirm", ["", "bob@example.com", "ada@example.co"])
async def test_a_wrong_confirmation_erases_nothing(world: World, confirm: str) -> None:
    variables = {"id": await find_ada(world), "confirm": confirm, "key": "1"}
    answer = await world.client.ask(ERASE, ADMIN, **variables)
    if confirm:
        assert answer.data["customerErase"]["userErrors"] == [{"code": "INVALID", "field": ["input", "confirm"]}]
    else:
        assert answer.codes == ["BAD_USER_INPUT"]


async def test_a_canceled_erase_changes_nothing(world: World) -> None:
    request = await request_erase(world)
    canceled = (await world.client.fetch_data(CANCEL, ADMIN, id=request["id"], key="2"))["dataRequestCancel"]
    assert canceled["request"]["state"] == "CANCELLED"
    await sync(world, days=9)
    assert await find_ada(world)
    again = (await world.client.fetch_data(CANCEL, ADMIN, id=request["id"], key="3"))["dataRequestCancel"]
    assert [error["code"] for error in again["userErrors"]] == ["NOT_ALLOWED_IN_STATE"]


async def test_nothing_shows_an_erased_customer_and_each_channel_has_its_proof(world: World) -> None:
    request, id_ = await request_erase(world), await find_ada(world)
    await sync(world, days=4)
    customers = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    assert [node["displayName"] for node in customers] == ["Bob Bird"]
    search = '{ customers(search: "ada") { nodes { id } } }'
    assert (await world.client.fetch_data(search, STAFF))["customers"]["nodes"] == []
    found = await world.client.fetch_data("query ($id: ID!) { customer(id: $id) { id } }", STAFF, id=id_)
    assert found["customer"] is None
    state, parts = await find_states(world, request["id"])
    assert (state, parts) == ("RUNNING", {"": "WAITING", "till": "DONE", "web": "NOT_SUPPORTED"})
    left = await world.gateway.database.read(find_markers)
    assert left == {"orders": {"open"}}, "only the open order keeps its contact"
    world.stores["web"].change("orders", "open", status="COMPLETED")
    await sync(world)
    assert await world.gateway.database.read(find_markers) == {}
    assert (await find_states(world, request["id"]))[1] == {"": "DONE", "till": "DONE", "web": "NOT_SUPPORTED"}
    recorded = await world.client.fetch_data(RECORD, ADMIN, id=request["id"], channel="web", key="5")
    assert recorded["dataRequestPartRecord"]["userErrors"] == []
    assert recorded["dataRequestPartRecord"]["request"]["state"] == "DONE"
    findings = await check_consistency(
        world.gateway.database, world.gateway.channel_syncs.values(), world.gateway.selling.topology
    )
    assert not findings.waiting


async def test_a_channel_that_reports_the_record_again_does_not_bring_it_back(world: World) -> None:
    await request_erase(world)
    await sync(world, days=4)
    world.stores["web"].change("customers", "w-ada", tags=["vip"])  # cannot erase, and still has it all
    world.stores["web"].change("orders", "done", payment_status="REFUNDED")
    world.stores["web"].change("orders", "open", status="COMPLETED")
    put_ada(world.stores["till"], "copy", card=None, phone=None, created_at="2020-01-01T00:00:00+00:00")
    await sync(world)
    assert await world.gateway.database.read(find_markers) == {}
    nodes = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    assert [node["displayName"] for node in nodes] == ["Bob Bird"]


async def test_a_customer_who_registers_again_is_taken_anew(world: World) -> None:
    await request_erase(world)
    await sync(world, days=4)
    now = world.clock().isoformat()
    put_ada(world.stores["till"], "new", card=None, created_at=now)
    await sync(world)
    nodes = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    (ada,) = (node for node in nodes if node["displayName"] == "Ada Lovelace")
    assert ada["orders"]["totalCount"] == 0


async def test_a_person_with_the_same_phone_number_stays(world: World) -> None:
    other = record_builders.build_customer("eve", name="Eve Elm", phone="+447911123456")
    world.stores["till"].put("customers", other)
    await sync(world)
    await request_erase(world)
    await sync(world, days=4)
    nodes = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    assert sorted(node["displayName"] for node in nodes) == ["Bob Bird", "Eve Elm"]


NOTE = """mutation ($id: ID!, $key: String!) { interactionAdd(input: {customerId: $id, kind: NOTE, summary: "called",
  idempotencyKey: $key}) { userErrors { code } } }"""
CONSENT = """mutation ($id: ID!, $key: String!) { consentSet(input: {customerId: $id, purpose: PROFILING, granted: true,
  wording: "page 3", idempotencyKey: $key}) { userErrors { code } } }"""


@pytest.mark.parametrize("document", [NOTE, CONSENT, ERASE])
async def test_nothing_is_attached_to_an_erased_customer(world: World, document: str) -> None:
    await request_erase(world)
    id_ = await find_ada(world)
    await sync(world, days=4)
    variables = {"confirm": "ada@example.com"} if document == ERASE else {}
    (payload,) = (await world.client.fetch_data(document, ADMIN, id=id_, key="9", **variables)).values()
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]


async def test_an_erase_that_fails_holds_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    request = await request_erase(world)
    bob = {"confirm": "bob@example.com", "key": "2", "id": await find_customer(world, "Bob Bird")}
    other = (await world.client.fetch_data(ERASE, ADMIN, **bob))["customerErase"]["request"]

    def fail(conn: Connection, request_id: str, context: SellingContext) -> object:
        if GlobalId("DataRequest", (request_id,)) == GlobalId.parse(request["id"]):
            raise ValueError("poison")
        return erase.begin_erase(conn, request_id, context)

    monkeypatch.setattr(data_requests, "begin_erase", fail)
    await sync(world, days=4)
    assert [(await find_states(world, one["id"]))[0] for one in (request, other)] == ["QUEUED", "DONE"]
    monkeypatch.undo()
    await sync(world, days=1)
    assert (await find_states(world, request["id"]))[0] == "RUNNING"


async def test_operators_see_an_erase_that_waits_for_a_person(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    status = StatusLog(world.gateway)
    await status.observe()
    request = await request_erase(world)
    world.stores["web"].change("orders", "open", status="COMPLETED")
    await sync(world, days=4)
    assert (await find_states(world, request["id"]))[0] == "PARTLY_DONE"
    await status.observe()
    assert "1 erases of customers wait for a person" in caplog.text
    await world.client.fetch_data(RECORD, ADMIN, id=request["id"], channel="web", key="5")
    await status.observe()
    assert "no erase of a customer waits" in caplog.text


def test_the_markers_are_in_columns_that_are_declared() -> None:
    assert {"identities", "orders", "audit_values"} <= PERSONAL.keys()


async def test_several_orders_that_are_reported_again_stay_cleared_and_their_invoices_are_retained(
    world: World,
) -> None:
    line = record_builders.build_line("1", None, 1, "5.00")
    contact = {"name": "Ada Lovelace", "email": "ada@example.com", "phone": None}
    for number in ("o1", "o2", "o3"):
        order = record_builders.build_order(
            number, [line], customer="w-ada", status="COMPLETED", contact=contact, billing_address=ADDRESS
        )
        world.stores["web"].put("orders", order)
    world.stores["web"].change("orders", "open", status="COMPLETED")
    await sync(world)
    await request_erase(world)
    await sync(world, days=4)
    for number in ("o1", "o2", "o3"):
        world.stores["web"].change("orders", number, payment_status="REFUNDED")
    await sync(world)
    assert await world.gateway.database.read(find_markers) == {}
    count = sa.text("SELECT count(*) FROM retained_invoices")
    assert await world.gateway.database.read(lambda conn: conn.scalar(count)) == 5


async def test_a_guest_order_of_another_at_the_same_mailbox_stays(world: World) -> None:
    line = record_builders.build_line("1", None, 1, "5.00")
    contact = {"name": "Ben Lovelace", "email": "ada@example.com", "phone": None}
    world.stores["web"].put("orders", record_builders.build_order("son", [line], status="COMPLETED", contact=contact))
    await sync(world)
    await request_erase(world)
    await sync(world, days=4)
    world.stores["web"].change("orders", "son", payment_status="REFUNDED")
    await sync(world)
    query = '{ orders(search: "son") { nodes { contact { name } } } }'
    orders = (await world.client.fetch_data(query, ADMIN))["orders"]["nodes"]
    assert [order["contact"]["name"] for order in orders] == ["Ben Lovelace"]


async def test_orders_of_a_customer_who_buys_on_are_left_alone(world: World) -> None:
    """The account stays in the channel that cannot erase. What is bought with it later is not what was to be erased."""
    request = await request_erase(world)
    await sync(world, days=4)
    line, contact = record_builders.build_line("1", None, 1, "5.00"), {"name": "Zoe Zed", "email": None, "phone": "1"}
    order = record_builders.build_order(
        "later", [line], customer="w-ada", status="OPEN", contact=contact, placed_at=world.clock()
    )
    world.stores["web"].put("orders", order)
    await sync(world)
    world.stores["web"].change("orders", "open", status="COMPLETED")
    await sync(world)
    assert (await find_states(world, request["id"]))[1][""] == "DONE", "the later order holds nothing up"
    world.stores["web"].change("orders", "later", status="COMPLETED")
    await sync(world)
    query = '{ orders(search: "later") { nodes { contact { name } } } }'
    (later,) = (await world.client.fetch_data(query, ADMIN))["orders"]["nodes"]
    assert later["contact"]["name"] == "Zoe Zed"
