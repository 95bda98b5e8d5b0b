"""Guests of one contact: they are one customer, and one of them is recognized for all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.reads.customers.outdated import find_outdated_customers
from gateway.storage.tables import identities, identity_evidence, orders
from tests.graphql.test_customer_decisions import MERGE, SPLIT, UNDO, change
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import STAFF, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.writes]

CONTACT = {"name": "Ada Ash", "email": "ada@example.com", "phone": "+447911123456"}
CUSTOMERS = """{ customers { nodes { id displayName orders(first: 50) { totalCount nodes { number } }
  identities(first: 50) { nodes { id evidence { rule verdict } } } } } }"""


def put_order(store: MemoryStore, number: str, **contact: Any) -> None:
    line = record_builders.build_line("1", None, 1, "5.00")
    store.put("orders", record_builders.build_order(number, [line], contact={**CONTACT, **contact}))


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    stores = {"till": MemoryStore(), "web": MemoryStore()}
    put_order(stores["web"], "o1")  # the one that the later ones follow
    async with open_world(database_url, stores, locations={}) as world:
        for number in ("o2", "o3"):
            put_order(stores["web"], number)
        await sync(world)
        yield world


async def sync(world: World) -> None:
    world.clock.forward(days=2)
    await world.gateway.run_due()
    while await count_pending(world):  # the guests that a changed one has led
        world.clock.forward(seconds=10)
        await world.gateway.run_due()


async def count_pending(world: World) -> int:
    count = sa.select(sa.func.count()).where(identities.c.pending_since.is_not(None))
    return int(await world.gateway.database.read(lambda conn: conn.scalar(count) or 0))


async def list_orders(world: World) -> list[list[str]]:
    nodes = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    return sorted(sorted(order["number"] for order in node["orders"]["nodes"]) for node in nodes)


async def count_holders(world: World) -> int:
    count = sa.select(sa.func.count(identity_evidence.c.identity_id.distinct()))
    return int(await world.gateway.database.read(lambda conn: conn.scalar(count) or 0))


async def test_guests_of_one_contact_are_one_customer_and_one_of_them_has_the_evidence(world: World) -> None:
    put_order(world.stores["web"], "o4")
    put_order(world.stores["web"], "o5", name="Bea Birch", email="bea@example.com", phone="+447911123457")
    await sync(world)
    assert await list_orders(world) == [["o1", "o2", "o3", "o4"], ["o5"]]
    assert await count_holders(world) == 2


async def test_a_customer_with_the_same_address_and_name_gets_the_orders_of_all_of_them(world: World) -> None:
    card = record_builders.build_customer("c1", name="Ada Ash", email="ada@example.com")
    world.stores["till"].put("customers", card)
    await sync(world)
    assert await list_orders(world) == [["o1", "o2", "o3"]]
    world.stores["till"].change("customers", "c1", email="other@example.com")
    await sync(world)
    assert await list_orders(world) == [[], ["o1", "o2", "o3"]]


async def test_guests_that_people_parted_stay_apart_and_new_ones_join_neither(world: World) -> None:
    (ada,) = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    one = [ada["identities"]["nodes"][1]["id"]]
    split = await change(world, SPLIT, "customerSplit", id=ada["id"], identities=one, key="1")
    assert sorted(map(len, await list_orders(world))) == [1, 2]
    put_order(world.stores["web"], "o4")
    await sync(world)
    assert sorted(map(len, await list_orders(world))) == [1, 1, 2]
    await change(world, UNDO, "customerMergeUndo", id=split["merge"]["id"], key="2")
    assert await list_orders(world) == [["o1", "o2", "o3", "o4"]]


async def test_a_merge_takes_all_of_them_along_and_gives_all_of_them_back(world: World) -> None:
    world.stores["till"].put("customers", record_builders.build_customer("c1", name="Cleo Crane"))
    await sync(world)
    nodes = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    merged = await change(world, MERGE, "customerMerge", ids=[node["id"] for node in nodes], key="1")
    assert await list_orders(world) == [["o1", "o2", "o3"]]
    await change(world, UNDO, "customerMergeUndo", id=merged["merge"]["id"], key="2")
    assert await list_orders(world) == [[], ["o1", "o2", "o3"]]


@pytest.mark.parametrize(("number", "others"), [("o1", ["o2", "o3"]), ("o3", ["o1", "o2"])])
async def test_a_guest_whose_contact_changes_leaves_the_others(world: World, number: str, others: list[str]) -> None:
    put_order(world.stores["web"], number, name="Bea Birch", email="bea@example.com", phone=None)
    await sync(world)
    assert await list_orders(world) == sorted([[number], others])
    assert await count_holders(world) == 2


async def test_a_further_guest_costs_as_much_however_many_there_are(world: World) -> None:
    counts = []
    for first in (4, 30):
        for number in range(first, first + 20 * (first == 4)):
            put_order(world.stores["web"], f"o{number}")
        await sync(world)
        put_order(world.stores["web"], f"o{first + 20}")
        with capture_statements() as seen:
            await sync(world)
        counts.append(len([one for one in seen if "identit" in one or "evidence" in one]))
    assert counts[1] <= counts[0]
    followers = sa.select(sa.func.count()).where(identities.c.twin_id.is_not(None))
    assert int(await world.gateway.database.read(lambda conn: conn.scalar(followers) or 0)) > 20


def change_contact(conn: Connection, now: datetime) -> None:
    """Give one order the contact of another, and let its guest wait beside the one that it has followed."""
    found = dict(conn.execute(sa.select(orders.c.number, orders.c.id)).all())
    contact = sa.select(orders.c.contact).where(orders.c.id == found["o9"]).scalar_subquery()
    conn.execute(sa.update(orders).where(orders.c.id == found["o2"]).values(contact=contact))
    waiting = sa.update(identities).where(identities.c.external_id.in_([found["o1"], found["o2"]]))
    conn.execute(waiting.values(pending_since=now))


async def test_a_guest_who_follows_another_now_leaves_no_customer_behind(database_url: str) -> None:
    stores = {"till": MemoryStore(), "web": MemoryStore()}
    put_order(stores["web"], "o1")
    put_order(stores["web"], "o9", name="Bea Birch", email="bea@example.com", phone="+447911123457")
    async with open_world(database_url, stores, locations={}) as world:
        put_order(stores["web"], "o2")
        await sync(world)
        await world.gateway.database.write(change_contact, world.clock())
        await sync(world)
        assert await list_orders(world) == [["o1"], ["o2", "o9"]]
        assert await world.gateway.database.read(find_outdated_customers) == []
