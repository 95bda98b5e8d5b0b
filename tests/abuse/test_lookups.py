"""Lookups of single objects: what does not exist and what is somebody else's answer alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.execution.caller import Scopes
from gateway.execution.context import Context
from gateway.graphql import node_resolver
from gateway.graphql.node_resolver import NODE_LOADERS
from gateway.storage import tables
from tests.abuse.clients import place_order_for_pickup
from tests.graphql.shopper import TABLES, build_stores
from tests.graphql.world import ADMIN, Answer, World, build_global_id, get_schema, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ABSENT = "0" * 32
NODE = "query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }"
BY_NUMBER = """query ($number: String!) {
  order(by: { number: { channelKey: "web", number: $number } }) { id } }"""
BY_ID = "query ($id: ID!) { order(by: { id: $id }) { id } }"
CUSTOMER = "query ($id: ID!) { customer(id: $id) { id } }"
TABLES_OF_TYPES: dict[str, tuple[sa.Table, tuple[str, ...]]] = {
    "Customer": (tables.customers, ("id",)),
    "CustomerIdentity": (tables.identities, ("id",)),
    "Order": (tables.orders, ("id",)),
    "OrderLine": (tables.order_lines, ("id",)),
    "ChannelOrder": (tables.channel_orders, ("id",)),
    "Fulfillment": (tables.fulfillments, ("id",)),
    "Payment": (tables.payments, ("id",)),
    "OrderEvent": (tables.order_events, ("id",)),
    "Reservation": (tables.reservations, ("id",)),
    "OutboxEntry": (tables.outbox, ("key",)),
    "SyncReject": (tables.rejects, ("id",)),
    "Cart": (tables.carts, ("id",)),
}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **TABLES) as world:
        yield world


@pytest.fixture
async def order(world: World) -> dict[str, Any]:
    return await place_order_for_pickup(world)


def describe(answer: Answer) -> Any:
    """Describe what a client can tell of an answer, apart from its request id."""
    return (answer.status, answer.codes, answer.body.get("data"))


async def find_ids(world: World) -> dict[str, str]:
    """Find the global ID of one existing object of each type."""
    ids: dict[str, str] = {}
    for name, (table, columns) in TABLES_OF_TYPES.items():
        row = await world.gateway.database.read(
            lambda conn, table=table, columns=columns: conn.execute(  # type: ignore[misc]
                sa.select(*(table.c[column] for column in columns)).limit(1)
            ).first()
        )
        if row is not None:
            ids[name] = build_global_id(name, *map(str, row))
    query = '{ stockLevels(first: 1, locationKey: "london") { nodes { id } } }'
    levels = await world.client.fetch_data(query, ADMIN)
    return {**ids, "StockLevel": levels["stockLevels"]["nodes"][0]["id"]}


def build_absent_id(name: str) -> str:
    return build_global_id(name, *((ABSENT, "london") if name == "StockLevel" else (ABSENT,)))


async def compare_lookups(world: World, given: dict[str, str]) -> list[str]:
    """List the types whose existing object answers unlike an absent one, without a token."""
    different = []
    for name, id_ in given.items():
        answers = [await world.client.ask(NODE, id=one) for one in (id_, build_absent_id(name))]
        if describe(answers[0]) != describe(answers[1]):
            different.append(name)
    return different


async def test_a_node_of_somebody_else_answers_as_one_that_does_not_exist(world: World, order: dict[str, Any]) -> None:
    ids = await find_ids(world)
    assert len(ids) >= 10 and await compare_lookups(world, ids) == []


async def test_the_proof_that_without_the_check_before_loading_they_differ(
    world: World, order: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def load(context: Any, batch: Any, key: Any, _scopes: Scopes) -> Any:
        return await context.load(batch, key)

    monkeypatch.setattr(node_resolver, "load_guarded", load)
    assert {"Customer", "CustomerIdentity", "StockLevel"} <= set(await compare_lookups(world, await find_ids(world)))


async def test_an_order_of_somebody_else_answers_as_none(world: World, order: dict[str, Any]) -> None:
    numbered = [await world.client.ask(BY_NUMBER, number=one) for one in (order["number"], "absent")]
    assert describe(numbered[0]) == describe(numbered[1]) == (200, ["UNAUTHENTICATED"], {"order": None})
    by_id = [await world.client.ask(BY_ID, id=one) for one in (order["id"], build_global_id("Order", ABSENT))]
    assert describe(by_id[0]) == describe(by_id[1])
    customer = (await find_ids(world))["Customer"]
    asked = [await world.client.ask(CUSTOMER, id=one) for one in (customer, build_global_id("Customer", ABSENT))]
    assert describe(asked[0]) == describe(asked[1])


async def test_who_shows_the_token_of_one_order_learns_nothing_of_others(world: World, order: dict[str, Any]) -> None:
    query = """query ($access: String!, $id: ID!) {
      mine: order(by: { accessToken: $access }) { id } other: node(id: $id) { id } }"""
    ids = [(await find_ids(world))["Customer"], build_global_id("Customer", ABSENT), build_global_id("Order", ABSENT)]
    answers = [await world.client.ask(query, access=order["accessToken"], id=id_) for id_ in ids]
    assert {str(describe(answer)) for answer in answers} == {str(describe(answers[0]))}
    own = await world.client.ask(query, access=order["accessToken"], id=order["id"])
    assert own.data["mine"] == own.data["other"] == {"id": order["id"]}


async def test_scopes_are_checked_before_anything_is_loaded(
    world: World, order: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[object] = []
    load = Context.load

    def note_load(context: Context, batch: Any, key: Any, **arguments: Any) -> Any:
        loaded.append(batch)
        return load(context, batch, key, **arguments)

    ids = await find_ids(world)
    monkeypatch.setattr(Context, "load", note_load)
    for name in ids:
        if NODE_LOADERS[name].scopes:
            await world.client.ask(NODE, id=ids[name])
    assert loaded == []


def test_the_loaders_of_nodes_know_the_scopes_of_their_types() -> None:
    schema = get_schema()
    for name, loader in NODE_LOADERS.items():
        origin = schema.type_map[name].extensions["strawberry-definition"].origin
        assert loader.scopes == origin.__scopes__, name
