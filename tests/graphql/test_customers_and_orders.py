"""Customers, orders, and lookup by id."""

from __future__ import annotations

import base64
import json
import logging
from functools import partial
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.storage.tables import orders
from tests.graphql.world import ADMIN, CLERK, STAFF, World, build_global_id

pytestmark = pytest.mark.anyio

ORDERS = """query ($search: String, $filter: OrderFilter, $sort: OrderSort) {
  orders(search: $search, filter: $filter, sort: $sort) { totalCount nodes { number channel { key } } } }"""
CUSTOMERS = """query ($search: String, $filter: CustomerFilter, $sort: CustomerSort) {
  customers(search: $search, filter: $filter, sort: $sort) { totalCount nodes { displayName } } }"""


async def list_numbers(world: World, **variables: Any) -> list[str]:
    found = (await world.client.fetch_data(ORDERS, STAFF, **variables))["orders"]
    assert found["totalCount"] == len(found["nodes"])
    return [f"{node['channel']['key']} {node['number']}" for node in found["nodes"]]


async def list_names(world: World, **variables: Any) -> list[str]:
    found = (await world.client.fetch_data(CUSTOMERS, STAFF, **variables))["customers"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["displayName"] for node in found["nodes"]]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"filter": {"channelKeys": ["web"]}}, ["web o1"]),
        ({"filter": {"locationKey": "london", "skus": ["mug"]}}, ["till o1"]),
        ({"filter": {"placedSince": "2025-01-06T12:00:00Z", "statuses": ["COMPLETED"]}, "search": "o2"}, ["till o2"]),
        ({"filter": {"placedBefore": "2025-01-06T12:00:00Z"}}, []),
        ({"filter": {"locationKey": "leeds"}}, []),
        ({"sort": {"key": "TOTAL"}}, ["web o1", "till o1", "till o2"]),
        ({"sort": {"key": "TOTAL", "direction": "ASC"}}, ["till o2", "till o1", "web o1"]),
    ],
)
async def test_orders_are_filtered_and_sorted(world: World, variables: dict[str, Any], expected: list[str]) -> None:
    assert await list_numbers(world, **variables) == expected


@pytest.mark.writes
async def test_totals_of_two_currencies_cannot_be_compared(world: World) -> None:
    euro = orders.update().where(orders.c.channel == "web").values(currency="EUR")
    await world.gateway.database.write(lambda conn: conn.execute(euro))
    assert (await world.client.ask(ORDERS, STAFF, sort={"key": "TOTAL"})).codes == ["BAD_USER_INPUT"]
    assert await list_numbers(world, sort={"key": "TOTAL"}, filter={"channelKeys": ["web"]}) == ["web o1"]


async def test_an_order_shows_where_it_was_sold_to_whom_and_what(world: World) -> None:
    query = """{ order(by: {number: {channelKey: "till", number: "o2"}}) { id total { amount } location { key }
      reverses { number } customer { displayName emails { value channels { key } } lifetimeValue { amount }
        orders(filter: {channelKeys: ["till"]}) { totalCount } }
      lines { nodes { id quantity variant { sku } } } } }"""
    order = (await world.client.fetch_data(query, STAFF))["order"]
    ada = {"displayName": "Ada Lovelace", "lifetimeValue": [{"amount": "5.50"}], "orders": {"totalCount": 2}}
    assert order["customer"] == {**ada, "emails": [{"value": "Ada@example.com", "channels": [{"key": "till"}]}]}
    assert (order["total"], order["location"], order["reverses"]) == (
        {"amount": "-4.50"},
        {"key": "london"},
        {"number": "o1"},
    )
    (line,) = order["lines"]["nodes"]
    assert (line["quantity"], line["variant"]) == (-1, {"sku": "MUG"})
    again = "query ($id: ID!) { order(by: {id: $id}) { number } }"
    assert await world.client.fetch_data(again, STAFF, id=order["id"]) == {"order": {"number": "o2"}}
    found = "query ($id: ID!) { node(id: $id) { ... on OrderLine { quantity } } }"
    assert await world.client.fetch_data(found, STAFF, id=line["id"]) == {"node": {"quantity": -1}}
    assert (await world.client.ask(found, id=line["id"])).codes == ["UNAUTHENTICATED"]


@pytest.mark.writes
async def test_what_was_sold_before_the_catalog_knew_it_is_shown_once_it_does(world: World) -> None:
    query = '{ order(by: {number: {channelKey: "till", number: "o1"}}) { lines { nodes { variant { title } } } } }'
    lines = (await world.client.fetch_data(query, STAFF))["order"]["lines"]["nodes"]
    assert [line["variant"] and line["variant"]["title"] for line in lines] == ["Mug, white", None]
    world.stores["till"].put("products", record_builders.build_product("gone", title="Back again"))
    world.clock.forward(hours=1)
    await world.gateway.run_due()
    lines = (await world.client.fetch_data(query, STAFF))["order"]["lines"]["nodes"]
    assert [line["variant"]["title"] for line in lines] == ["Mug, white", "Back again"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ["Ada Lovelace", "Grace Hopper"]),
        ({"search": "lovel"}, ["Ada Lovelace"]),
        ({"search": "77"}, ["Ada Lovelace"]),
        ({"search": "example"}, []),
        ({"filter": {"email": "ADA@EXAMPLE.COM"}}, ["Ada Lovelace"]),
        ({"filter": {"loyaltyNumber": "77"}}, ["Ada Lovelace"]),
        ({"filter": {"loyaltyNumber": "7"}}, []),
        ({"filter": {"channelKeys": ["web"]}}, []),
        ({"sort": {"key": "NAME"}}, ["Grace Hopper", "Ada Lovelace"]),
        ({"sort": {"key": "LIFETIME_VALUE"}}, ["Ada Lovelace", "Grace Hopper"]),
        ({"sort": {"key": "LAST_ORDER_AT", "direction": "ASC"}}, ["Ada Lovelace", "Grace Hopper"]),
    ],
)
async def test_customers_are_found(world: World, variables: dict[str, Any], expected: list[str]) -> None:
    assert await list_names(world, **variables) == expected


async def test_who_may_not_see_an_address_may_not_ask_by_it(world: World) -> None:
    for filter_ in ({"email": "ada@example.com"}, {"phone": "1"}):
        assert (await world.client.ask(CUSTOMERS, CLERK, filter=filter_)).codes == ["FORBIDDEN"]
    query = "{ customers { nodes { displayName emails { value } identities { nodes { evidence { value } } } } } }"
    answer = await world.client.ask(query, CLERK)
    ada, _ = answer.body["data"]["customers"]["nodes"]
    assert set(answer.codes) == {"FORBIDDEN"}
    assert (ada["displayName"], ada["emails"]) == ("Ada Lovelace", None)
    assert ada["identities"]["nodes"] == [{"evidence": [{"value": "c***"}, {"value": "7***"}]}]


# ------------------------------------------------------------------------------------------------ ids and cursors


async def test_a_guarded_node_is_no_way_round_its_scopes(world: World) -> None:
    query = """{ customers { nodes { id identities { nodes { id } } } } orders { nodes { id } }
      syncRejects { nodes { id } } }"""
    found = await world.client.fetch_data(query, ADMIN)
    customer = found["customers"]["nodes"][0]
    ids = [customer["id"], customer["identities"]["nodes"][0]["id"], found["orders"]["nodes"][0]["id"]]
    ids.append(found["syncRejects"]["nodes"][0]["id"])
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }"
    assert all((await world.client.fetch_data(query, ADMIN, ids=ids))["nodes"])
    answer = await world.client.ask(query, ids=ids)
    assert (answer.codes, answer.body["data"]) == (["UNAUTHENTICATED"] * 4, {"nodes": [None] * 4})


async def test_a_bad_id_among_good_ones_is_an_error_at_its_place(world: World) -> None:
    ids = [
        build_global_id("Channel", "till"),
        "forged",
        build_global_id("Channel", "none"),
        build_global_id("Query", "x"),
        "\u0000"[:0],
    ]
    answer = await world.client.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
    assert answer.body["data"]["nodes"] == [{"id": ids[0]}, None, None, None, None]
    assert [(error["path"], error["extensions"]["code"]) for error in answer.body["errors"]] == [
        (["nodes", index], "BAD_USER_INPUT") for index in (1, 3, 4)
    ]
    assert (await world.client.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["x"] * 101)).codes == [
        "BAD_USER_INPUT"
    ]


@pytest.mark.parametrize(
    "id_", ["x", "", build_global_id("Product", "0" * 32), build_global_id("Customer", "x"), "é", "=" * 600]
)
async def test_an_id_of_another_type_is_bad_input(world: World, id_: str) -> None:
    assert (await world.client.ask("query ($id: ID!) { customer(id: $id) { id } }", STAFF, id=id_)).codes == [
        "BAD_USER_INPUT"
    ]


async def test_a_well_formed_id_of_nothing_is_null(world: World) -> None:
    id_ = build_global_id("Customer", "0" * 32)
    assert await world.client.fetch_data("query ($id: ID!) { customer(id: $id) { id } }", STAFF, id=id_) == {
        "customer": None
    }


PAGE = """query ($first: Int, $last: Int, $after: String, $before: String, $search: String) {
  products(first: $first, last: $last, after: $after, before: $before, search: $search) {
    edges { cursor node { title } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def test_a_list_is_paged_by_cursors_from_either_end(world: World) -> None:
    async def page(**variables: Any) -> tuple[list[str], dict[str, Any]]:
        found = (await world.client.fetch_data(PAGE, **variables))["products"]
        return [edge["node"]["title"] for edge in found["edges"]], found["pageInfo"]

    first, info = await page(first=3)
    assert (first, info["hasNextPage"], info["hasPreviousPage"]) == (["Gift card", "Lamp", "Mug, white"], True, False)
    second, info = await page(first=3, after=info["endCursor"])
    assert (second, info["hasNextPage"], info["hasPreviousPage"]) == (["T-shirt"], False, True)
    back, info = await page(last=2, before=info["startCursor"])
    assert (back, info["hasNextPage"], info["hasPreviousPage"]) == (["Lamp", "Mug, white"], True, True)
    assert (await page(last=2))[0] == ["Mug, white", "T-shirt"]


@pytest.mark.parametrize(
    "variables", [{"first": 0}, {"first": -1}, {"first": 101}, {"last": 101}, {"first": 1, "last": 1}]
)
async def test_a_page_has_one_to_a_hundred_items(world: World, variables: dict[str, Any]) -> None:
    assert (await world.client.ask(PAGE, **variables)).codes == ["BAD_USER_INPUT"]


async def test_a_cursor_that_was_forged_or_is_of_another_list_is_bad_input(world: World) -> None:
    """Not even what the gateway has sealed is taken for a position, nor what an earlier version would have written."""
    cursor = (await world.client.fetch_data(PAGE, first=1))["products"]["pageInfo"]["endCursor"]
    mark, value, row = json.loads(world.gateway.cursors.unseal(cursor, world.clock()) or b"")
    wrong = ([mark, 7, row], [mark, value], [mark, value, row, 1], [mark, value, 7], {"a": 1}, 3, None,
             [mark, [value], row], [mark, True, row], ["0" * 18, value, row], [mark, "a\x00", row],
             [mark, "\ud800", row])  # fmt: skip
    forged = [*map(partial(seal_cursor, world), wrong), *map(write_readable_cursor, (*wrong, [mark, value, row]))]
    for text in (*forged, "", "x", "é", "1", cursor[:-2], cursor + "=", cursor[1:], "A" * 5_000, "1" + "A" * 5_000):
        assert (await world.client.ask(PAGE, after=text)).codes == ["BAD_USER_INPUT"], text
    assert (await world.client.ask(PAGE, after=cursor, search="mug")).codes == ["BAD_USER_INPUT"]
    assert seal_cursor(world, [mark, value, row]) == cursor


def seal_cursor(world: World, part: Any) -> str:
    return world.gateway.cursors.seal(json.dumps(part, separators=(",", ":")).encode())


def write_readable_cursor(part: Any) -> str:
    """Write a cursor as earlier versions did."""
    text = json.dumps(part, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


# ------------------------------------------------------------------------------------------------ failures


@pytest.mark.writes
async def test_what_fails_inside_is_masked_and_found_again_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.gateway.database.write(lambda conn: conn.exec_driver_sql("DROP TABLE orders"))
    with caplog.at_level(logging.ERROR):
        answer = await world.client.ask('{ channel(key: "till") { key } orders { nodes { id } } }', STAFF)
    assert answer.body["data"] == {"channel": {"key": "till"}, "orders": None}
    (error,) = answer.body["errors"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["extensions"]["requestId"] in caplog.text
    assert "orders" not in error["message"]
