"""Who buys on after an erase is a customer again, with what is new since (rule C12).

The account stays in a channel that cannot erase, and here it is a shell. An order that is placed with it later is that
of a guest.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce.context import SellingContext
from gateway.commerce.privacy.keyed_values import build_download_token
from gateway.commerce.privacy.restored_erases import request_missing_erases
from gateway.model.ids import GlobalId
from gateway.sdk.testing import record_builders
from gateway.storage.privacy.suppressions import list_suppressions, store_suppressions
from gateway.storage.tables import customers, identities, orders, suppressions
from tests.commerce.privacy.test_erase import (
    ADDRESS,
    CHANNELS,
    CUSTOMERS,
    ERASE,
    build_stores,
    find_customer,
    find_markers,
    find_states,
    request_erase,
    sync,
)
from tests.graphql.world import ADMIN, STAFF, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

EXPORT = """mutation ($id: ID!) { customerExport(input: {customerId: $id, idempotencyKey: "e"}) {
  request { id } userErrors { code } } }"""
FIND_ORDER = "query ($text: String!) { orders(search: $text) { nodes { contact { name } customer { displayName } } } }"
NEW_CONTACT = {"name": "Ada Lovelace", "email": "new@example.com", "phone": None}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A customer who was erased, and whose account stays in the web store."""
    tables: dict[str, Any] = {"locations": {}, "privacy": {"cooling_off": "0s"}, "channels": CHANNELS}
    stores = build_stores()
    stores["web"].change("orders", "open", status="COMPLETED")
    async with open_world(database_url, stores, **tables) as world:
        await request_erase(world)
        await sync(world)
        assert await world.gateway.database.read(find_markers) == {}
        yield world


async def put_order(world: World, number: str, **more: Any) -> None:
    line = record_builders.build_line("1", None, 1, "5.00")
    values = {"customer": "w-ada", "status": "COMPLETED", "contact": NEW_CONTACT, **more}
    placed_at = values.pop("placed_at", world.clock())
    world.stores["web"].put("orders", record_builders.build_order(number, [line], placed_at=placed_at, **values))
    await sync(world)


async def find_order(world: World, number: str) -> dict[str, Any]:
    (order,) = (await world.client.fetch_data(FIND_ORDER, ADMIN, text=number))["orders"]["nodes"]
    return dict(order)


async def erase_again(world: World, confirm: str) -> str:
    variables = {"id": await find_customer(world, "Ada Lovelace"), "confirm": confirm, "key": "2"}
    payload = (await world.client.fetch_data(ERASE, ADMIN, **variables))["customerErase"]
    assert payload["userErrors"] == []
    await sync(world)
    return str(payload["request"]["id"])


async def test_who_buys_again_is_a_customer_with_the_new_order_alone(world: World) -> None:
    await put_order(world, "later")
    nodes = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    (ada,) = (node for node in nodes if node["displayName"] == "Ada Lovelace")
    assert [email["value"] for email in ada["emails"]] == ["new@example.com"]
    assert ada["orders"]["totalCount"] == 1, "those before the erase are not this customer's"
    assert (await find_order(world, "later"))["customer"] == {"displayName": "Ada Lovelace"}
    assert (await find_order(world, "done"))["customer"] is None


async def test_an_export_has_the_new_order_and_nothing_of_before(world: World) -> None:
    await put_order(world, "later")
    id_ = await find_customer(world, "Ada Lovelace")
    request = (await world.client.fetch_data(EXPORT, ADMIN, id=id_))["customerExport"]["request"]
    await sync(world, minutes=1)
    (request_id,) = GlobalId.parse(request["id"]).parts
    content = await world.gateway.read_export(build_download_token(world.gateway.selling, request_id))
    data = json.loads(content or b"")["data"]
    assert [order["number"] for order in data["orders"]] == ["later"]
    assert "new@example.com" in str(data)
    assert "12 Marker Street" not in str(data)


async def test_an_erase_reaches_the_new_order_and_lasts(world: World) -> None:
    await put_order(world, "later", billing_address=ADDRESS)
    request = await erase_again(world, "new@example.com")
    world.stores["web"].change("orders", "later", payment_status="REFUNDED")
    await sync(world)
    assert await world.gateway.database.read(find_markers) == {}
    assert (await find_states(world, request))[1] == {"": "DONE", "web": "NOT_SUPPORTED"}


@pytest.mark.parametrize("contact", [{"name": "Ada Lovelace", "email": None, "phone": None}, None])
async def test_a_new_order_without_email_and_phone_is_within_reach_too(
    world: World, contact: dict[str, Any] | None
) -> None:
    await put_order(world, "later", contact=contact, billing_address=ADDRESS)
    nodes = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    (customer,) = (node for node in nodes if node["displayName"] != "Bob Bird")
    variables = {"id": customer["id"], "confirm": "-", "key": "3"}
    assert (await world.client.fetch_data(ERASE, ADMIN, **variables))["customerErase"]["userErrors"] == []
    await sync(world)
    world.stores["web"].change("orders", "later", payment_status="REFUNDED")
    await sync(world)
    assert await world.gateway.database.read(find_markers) == {}


async def test_a_namesake_who_buys_without_email_and_phone_is_another_customer(world: World) -> None:
    contact = {"name": "Ada Lovelace", "email": None, "phone": None}
    for number in ("later1", "later2"):
        await put_order(world, number, contact=contact)
    nodes = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    assert [node["displayName"] for node in nodes].count("Ada Lovelace") == 2


async def test_an_order_of_before_the_erase_that_arrives_late_is_not_that_of_a_customer(world: World) -> None:
    await put_order(world, "late", placed_at=record_builders.PLACED_AT)
    assert await find_order(world, "late") == {"contact": None, "customer": None}
    assert await world.gateway.database.read(find_markers) == {}


async def test_an_order_without_personal_data_gets_no_identity(world: World) -> None:
    await put_order(world, "later", contact=None)
    count = sa.select(sa.func.count()).select_from(identities).where(identities.c.channel == "guest:web")
    assert await world.gateway.database.read(lambda conn: conn.scalar(count)) == 0


async def test_a_contact_that_the_channel_removes_is_removed_from_the_guest(world: World) -> None:
    await put_order(world, "later", billing_address=ADDRESS)
    world.stores["web"].change("orders", "later", contact=None, billing_address=None)
    await sync(world)
    assert await world.gateway.database.read(find_markers) == {}
    named = sa.select(orders.c.customer_channel).where(orders.c.number == "later")
    assert await world.gateway.database.read(lambda conn: conn.scalar(named)) == "guest:web"
    nodes = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    assert [node["displayName"] for node in nodes] == ["Bob Bird"]


async def test_a_restored_backup_is_erased_as_of_the_erase_that_it_does_not_have(world: World) -> None:
    database = world.gateway.database
    listed = await database.read(list_suppressions)
    await database.write(restore_account)
    await put_order(world, "later")
    assert (await find_order(world, "later"))["customer"]["displayName"] == "Ada Again"
    context = SellingContext(world.gateway.selling, world.clock())
    await database.write(store_suppressions, listed)
    assert await database.write(request_missing_erases, listed, context) == 1
    await world.gateway.run_data_requests()
    await sync(world)
    assert await find_order(world, "later") == {
        "contact": {"name": "Ada Lovelace"},
        "customer": {"displayName": "Ada Lovelace"},
    }, "it was placed after the erase"
    times = {row.digest: row.erased_at for row in await database.read(list_suppressions)}
    assert times == {row.digest: row.erased_at for row in listed}, "who has registered since then stays"


def restore_account(conn: Connection) -> None:
    """Store the account as a backup from before the erase has it."""
    conn.execute(sa.delete(suppressions))
    account = sa.update(identities).where(identities.c.external_id == "w-ada")
    conn.execute(account.values(erased_at=None, display_name="Ada Again"))
    customer_id = conn.scalar(sa.select(identities.c.customer_id).where(identities.c.external_id == "w-ada"))
    conn.execute(
        sa.update(customers).where(customers.c.id == customer_id).values(display_name="Ada Again", visible=True)
    )
