"""A copy of an erased customer that a channel shows later is erased there, too, with a proof of its own (rule C12)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.tables import outbox
from tests.commerce.privacy.test_erase import (
    ADDRESS,
    CANCEL,
    CHANNELS,
    CUSTOMERS,
    build_stores,
    find_markers,
    get_states,
    put_ada,
    request_erase,
    sync,
)
from tests.commerce.privacy.test_erase_mixes import EARLIER
from tests.graphql.world import ADMIN, STAFF, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

COPY = "copy of an erased customer"
REQUESTS = """{ dataRequests(kind: ERASE) { nodes {
  id requestedBy state parts { channel { key } state proof } } } }"""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A customer who was erased here and in the till."""
    tables: dict[str, Any] = {"locations": {}, "privacy": {"cooling_off": "3d"}, "channels": CHANNELS}
    stores = build_stores()
    stores["web"].change("orders", "open", status="COMPLETED")
    async with open_world(database_url, stores, **tables) as world:
        await request_erase(world)
        await sync(world, days=4)
        yield world


def put_copy(store: MemoryStore, **more: Any) -> None:
    put_ada(store, "copy", **{"card": None, "phone": None, "created_at": EARLIER, **more})


async def list_copies(world: World) -> list[dict[str, Any]]:
    nodes = (await world.client.fetch_data(REQUESTS, ADMIN))["dataRequests"]["nodes"]
    return [node for node in nodes if node["requestedBy"] == COPY]


async def count_commands(world: World) -> int:
    count = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.operation == "EraseCustomer")
    return await world.gateway.database.read(lambda conn: conn.execute(count).scalar_one())


async def test_a_channel_that_can_erase_erases_the_copy_once_and_proves_it(world: World) -> None:
    before = await count_commands(world)
    put_copy(world.stores["till"])
    await sync(world, days=1)
    (request,) = await list_copies(world)
    assert (request["state"], get_states(request)) == ("QUEUED", {"": "QUEUED", "till": "QUEUED"})
    await sync(world, days=4)
    (request,) = await list_copies(world)
    assert (request["state"], get_states(request)) == ("DONE", {"": "DONE", "till": "DONE"})
    assert "without data when read at" in request["parts"][1]["proof"]
    assert (world.stores["till"].one("customers", "copy") or {})["email"] is None
    world.stores["till"].change("customers", "copy", tags=["again"])
    await sync(world, days=4)
    assert (len(await list_copies(world)), await count_commands(world) - before) == (1, 1)


async def test_a_copy_in_a_channel_that_cannot_erase_waits_for_a_person(world: World) -> None:
    put_copy(world.stores["web"])
    await sync(world, days=1)
    await sync(world, days=4)
    (request,) = await list_copies(world)
    assert (request["state"], get_states(request)) == ("PARTLY_DONE", {"": "DONE", "web": "NOT_SUPPORTED"})


async def test_a_copy_stays_in_the_channel_if_its_erase_is_canceled(world: World) -> None:
    before = await count_commands(world)
    put_copy(world.stores["till"])
    await sync(world, days=1)
    (request,) = await list_copies(world)
    canceled = (await world.client.fetch_data(CANCEL, ADMIN, id=request["id"], key="9"))["dataRequestCancel"]
    assert canceled["userErrors"] == []
    world.stores["till"].change("customers", "copy", tags=["vip"])
    await sync(world, days=9)
    assert (await list_copies(world))[0]["state"] == "CANCELLED"
    assert await count_commands(world) == before
    assert await world.gateway.database.read(find_markers) == {}


@pytest.mark.parametrize("more", [{"created_at": None}, {"email": "ada.2@example.com"}])
async def test_a_record_that_is_taken_is_not_erased(world: World, more: dict[str, Any]) -> None:
    put_copy(world.stores["till"], **more)
    await sync(world, days=9)
    assert await list_copies(world) == []


async def test_orders_that_came_before_the_copy_follow_it(world: World) -> None:
    line, contact = (
        record_builders.build_line("1", None, 1, "5.00"),
        {"name": "Ada Lovelace", "email": None, "phone": "1"},
    )
    for number, placed_at in (("early", record_builders.PLACED_AT), ("later", world.clock())):
        order = record_builders.build_order(
            number,
            [line],
            customer="copy",
            status="COMPLETED",
            contact=contact,
            billing_address=ADDRESS,
            placed_at=placed_at,
        )
        world.stores["web"].put("orders", order)
    await sync(world)
    assert (await world.gateway.database.read(find_markers))["orders"] == {"early", "later"}
    put_copy(world.stores["web"])
    await sync(world)
    assert (await world.gateway.database.read(find_markers))["orders"] == {"later"}
    nodes = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    (ada,) = (node for node in nodes if node["displayName"] == "Ada Lovelace")
    assert ada["orders"]["totalCount"] == 1, "what was bought after the erase"
