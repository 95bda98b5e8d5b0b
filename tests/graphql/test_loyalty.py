"""Loyalty points in the API: posted once, redeemed in carts, held by orders, and given back (rules Y2, Y4, Y5, Y8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.commerce.loyalty import redemption
from gateway.commerce.loyalty.redemption import PointsShare
from gateway.storage import tables
from gateway.storage.database import Connection
from gateway.storage.writes.customers import loyalty
from gateway.storage.writes.customers.loyalty import AccountRow
from tests.gateways import START
from tests.graphql.shopper import TRUSTING, Shopper, build_stores, run_as_staff
from tests.graphql.world import ADMIN, CLERK, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

LOYALTY: Mapping[str, Any] = {
    "since": datetime(2025, 2, 1, tzinfo=START.tzinfo),
    "issuer": "till",
    "rates": {"GBP": "1"},
    "worth": {"GBP": "0.01"},
    "expires_after": "100d",
    "tiers": [{"key": "silver", "points": 100}, {"key": "gold", "points": 1_000}],
}
POINTS = """
{ customers(first: 1, search: "Ada") { nodes { id loyalty {
  number numbers balance pending tier nextTier pointsToNextTier worth { amount currencyCode }
  expiring { points expiresAt }
  entries(first: 10) { totalCount nodes { kind points reason order { number } channel { key } sourceKey } }
} } } }
"""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **TRUSTING, loyalty=LOYALTY) as opened:
        yield opened


async def read_points(world: World) -> dict[str, Any]:
    found = await world.client.fetch_data(POINTS, ADMIN)
    customer: dict[str, Any] = found["customers"]["nodes"][0]
    return {"id": customer["id"], **(customer["loyalty"] or {})}


async def post(world: World, points: int, key: str, kind: str = "EARN", **more: Any) -> dict[str, Any]:
    """Post points of Ada's card."""
    given = {"points": points, "kind": kind, "reason": f"of {key}", "sourceKey": key, **more}
    if "customerId" not in given:
        given.setdefault("loyaltyNumber", "77")
    return await run_as_staff(world, "loyaltyPost", **given)


def list_codes(payload: Mapping[str, Any]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def fill_cart(world: World, points: int, channel: str = "web", **skus: int) -> Shopper:
    """Fill a cart of Ada's, and let it redeem points."""
    shopper = Shopper(world, ADMIN)
    await shopper.fill(channel, **(skus or {"MUG": 2}))
    customer_id = (await read_points(world))["id"]
    await shopper.ask("cartCustomerSet", cartToken=shopper.cart["token"], customerId=customer_id)
    await shopper.ask("cartLoyaltySet", cartToken=shopper.cart["token"], points=points)
    return shopper


# ------------------------------------------------------------------------------------------------ posts


async def test_a_post_counts_once_if_it_is_repeated(world: World) -> None:
    first = await post(world, 32, "till/2/2026-01-04/1042", occurredAt="2026-01-04T11:20:00Z", locationKey="london")
    assert first["account"] == {"number": "77", "balance": 32, "pending": 0}
    assert (first["entry"]["kind"], first["entry"]["points"], first["userErrors"]) == ("EARN", 32, [])
    again = await post(world, 32, "till/2/2026-01-04/1042", occurredAt="2026-01-04T11:20:00Z")
    assert again["entry"] == first["entry"] and again["account"]["balance"] == 32


async def test_a_post_that_is_sent_several_times_at_once_counts_once(world: World) -> None:
    posts = (post(world, 32, "k", loyaltyNumber="K-999") for _ in range(6))
    payloads = await asyncio.gather(*posts)
    assert [payload["userErrors"] for payload in payloads] == [[]] * 6
    assert {payload["entry"]["id"] for payload in payloads} == {payloads[0]["entry"]["id"]}
    assert await world.gateway.database.read(count_entries) == 1


async def test_something_else_under_a_key_is_a_conflict(world: World) -> None:
    await post(world, 32, "k")
    for points, kind, more in ((31, "EARN", {}), (32, "REDEEM", {}), (32, "EARN", {"loyaltyNumber": "78"})):
        payload = await post(world, points, "k", kind, **more)
        assert list_codes(payload) == ["CONFLICT"] and payload["entry"]["points"] == 32
    assert (await read_points(world))["balance"] == 32


async def test_points_that_are_not_there_are_redeemed_by_a_till_that_was_offline_only(world: World) -> None:
    await post(world, 30, "earned")
    refused = await post(world, 31, "now", "REDEEM")
    assert list_codes(refused) == ["INSUFFICIENT_POINTS"] and refused["userErrors"][0]["availableQuantity"] == 30
    offline = await post(world, 31, "offline", "REDEEM", occurredAt=START.isoformat())
    assert offline["account"]["balance"] == -1
    assert list_codes(await post(world, 1, "then", "REDEEM")) == ["INSUFFICIENT_POINTS"]
    assert (await post(world, 11, "next"))["account"]["balance"] == 10


async def test_a_receipt_that_is_posted_and_fed_earns_once(world: World) -> None:
    await post(world, 9, "till/L/2026-01-05/r7", occurredAt=START.isoformat())
    line = {"id": "1", "variant": "t-mug", "quantity": 2, "price": "4.50", "currency": "GBP", "title": "Mug"}
    placed_at = (START - timedelta(hours=1)).isoformat()
    row = {"id": "row", "number": "r7", "placed_at": placed_at, "lines": [line], "place": "L", "customer": "c1"}
    world.stores["till"].put("orders", row)
    await world.gateway.request_sync("till")
    await world.gateway.run_due()
    assert (await read_points(world))["balance"] == 9
    world.stores["till"].put("orders", {**row, "id": "row-again"})
    await world.gateway.request_sync("till")
    await world.gateway.run_due()
    assert (await read_points(world))["balance"] == 9
    late = await post(world, 9, "till/L/2026-01-05/r7", occurredAt=START.isoformat())
    assert late["userErrors"] == [] and late["account"]["balance"] == 9


async def test_what_cannot_be_posted_is_refused(world: World) -> None:
    unknown = "Q3VzdG9tZXI6MDE5NDAwMDAwMDAwNzAwMDgwMDAwMDAwMDAwMDAwMDA"
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"kind": "EXPIRE"}, "INVALID"),
        ({"points": -1}, "INVALID"),
        ({"points": 0, "kind": "ADJUST"}, "INVALID"),
        ({"occurredAt": "2031-01-01T00:00:00Z"}, "INVALID"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "INVALID"),
        ({"customerId": unknown}, "NOT_FOUND"),
    ]
    for given, code in refusals:
        payload = await post(world, **{"points": 5, "key": "k", **given})
        assert list_codes(payload) == [code] and payload["entry"] is None


async def test_what_a_customer_has_is_shown_to_staff(world: World) -> None:
    await post(world, 120, "a", occurredAt="2026-01-04T10:00:00Z", expiresAt="2026-02-01T00:00:00Z")
    await post(world, -20, "b", "ADJUST")
    points = await read_points(world)
    assert (points["number"], points["numbers"], points["balance"]) == ("77", ["77"], 100)
    assert (points["tier"], points["nextTier"], points["pointsToNextTier"]) == ("silver", "gold", 880)
    assert points["worth"] == [{"amount": "1.00", "currencyCode": "GBP"}]
    assert points["expiring"] == [{"points": 100, "expiresAt": "2026-02-01T00:00:00Z"}]
    assert [(one["kind"], one["points"]) for one in points["entries"]["nodes"]] == [("ADJUST", -20), ("EARN", 120)]
    assert points["entries"]["totalCount"] == 2
    node = "{ customers(first: 1) { nodes { loyalty { balance entries { nodes { sourceKey } } } } } }"
    assert "FORBIDDEN" in (await world.client.ask(node, CLERK)).codes


# ------------------------------------------------------------------------------------------------ carts and orders


async def test_points_lower_the_total_of_a_cart(world: World) -> None:
    await post(world, 500, "earned")
    shopper = await fill_cart(world, 300)
    assert shopper.cart["loyaltyPoints"] == 300 and shopper.cart["loyaltyDiscount"] == {"amount": "3.00"}
    assert (shopper.cart["discountTotal"], shopper.cart["total"]) == ({"amount": "3.00"}, {"amount": "7.00"})
    await shopper.ask("cartLoyaltySet", cartToken=shopper.cart["token"], points=0)
    assert shopper.cart["loyaltyDiscount"] is None and shopper.cart["total"] == {"amount": "10.00"}


async def test_a_cart_redeems_no_more_than_its_goods_cost(world: World) -> None:
    await post(world, 5_000, "earned")
    shopper = await fill_cart(world, 5_000)
    assert (shopper.cart["loyaltyPoints"], shopper.cart["total"]) == (1_000, {"amount": "0.00"})


async def test_a_number_that_is_known_redeems_nothing(world: World) -> None:
    """A cart without its customer, more points than there are, and a caller without the scope are refused (rule Y4)."""
    await post(world, 500, "earned")
    shopper = Shopper(world, ADMIN)
    await shopper.fill("web", MUG=1)
    refused = await shopper.ask("cartLoyaltySet", cartToken=shopper.cart["token"], points=100)
    assert list_codes(refused) == ["NOT_ALLOWED_IN_STATE"]
    shopper = await fill_cart(world, 100)
    refused = await shopper.ask("cartLoyaltySet", cartToken=shopper.cart["token"], points=501)
    assert list_codes(refused) == ["INSUFFICIENT_POINTS"] and refused["userErrors"][0]["availableQuantity"] == 500
    query = "mutation ($input: CartLoyaltySetInput!) { cartLoyaltySet(input: $input) { cart { id } } }"
    given = {"cartToken": shopper.cart["token"], "points": 100, "idempotencyKey": "0123456789abcdef"}
    for token, code in ((None, "UNAUTHENTICATED"), (CLERK, "FORBIDDEN")):
        assert (await world.client.ask(query, token, input=given)).codes == [code]


@pytest.mark.long
async def test_another_customer_of_a_cart_redeems_nothing(world: World) -> None:
    await post(world, 500, "earned")
    shopper = await fill_cart(world, 100)
    await shopper.ask("cartCustomerSet", cartToken=shopper.cart["token"], customerId=None)
    assert shopper.cart["total"] == {"amount": "10.00"}


async def test_an_order_holds_points_spends_them_with_the_goods_and_earns_without_them(world: World) -> None:
    await post(world, 500, "earned")
    shopper = await fill_cart(world, 300)
    placed = await shopper.buy(await shopper.find_option("PICKUP", "london"))
    assert placed["userErrors"] == []
    order = placed["order"]
    assert (order["total"], order["subtotal"]) == ({"amount": "7.00"}, {"amount": "7.00"})
    assert [line["total"] for line in order["lines"]["nodes"]] == [{"amount": "7.00"}]
    await world.gateway.run_due()
    points = await read_points(world)
    assert points["balance"] == 200 and points["entries"]["totalCount"] == 1, "held, not spent yet"
    (part,) = order["fulfillments"]
    ready = {"fulfillmentId": part["id"], "version": part["version"]}
    await run_as_staff(world, "fulfillmentMarkReady", **ready)
    await run_as_staff(world, "fulfillmentCollect", fulfillmentId=part["id"], pickupCode=part["pickupCode"])
    await world.gateway.run_due()
    points = await read_points(world)
    kinds = sorted((one["kind"], one["points"]) for one in points["entries"]["nodes"])
    assert kinds == [("EARN", 7), ("EARN", 500), ("REDEEM", -300)] and points["balance"] == 207


async def test_a_canceled_order_releases_its_points(world: World) -> None:
    await post(world, 500, "earned")
    shopper = await fill_cart(world, 300)
    placed = await shopper.submit(await shopper.find_option("PICKUP", "london"))
    assert (await read_points(world))["balance"] == 200
    order = placed["order"]
    await run_as_staff(world, "orderCancel", orderId=order["id"], version=order["version"])
    await world.gateway.run_due()
    points = await read_points(world)
    assert points["balance"] == 500 and points["entries"]["totalCount"] == 1


async def test_points_of_a_channels_order_lower_what_the_channel_receives(world: World) -> None:
    await post(world, 500, "earned")
    shopper = await fill_cart(world, 301, MUG=3)
    placed = await shopper.buy(await shopper.find_option("SHIPPING", "depot"))
    assert placed["userErrors"] == []
    await world.gateway.run_due()
    (row,) = [row for row in world.stores["web"].rows("orders").values() if row.get("client_reference")]
    assert row["amounts"]["total"] == "14.99"  # three mugs at 5.00, and delivery at 3.00, less 3.01


async def submit_two_orders(world: World) -> list[list[str]]:
    """Place two orders at once that redeem the same points, and return the codes of their errors."""
    await post(world, 300, "earned")
    shoppers = [await fill_cart(world, 300, channel, MUG=1) for channel in ("web", "till")]
    options = [await shopper.find_option("PICKUP", "london") for shopper in shoppers]
    pairs = zip(shoppers, options, strict=True)
    placed = await asyncio.gather(*(shopper.submit(option) for shopper, option in pairs))
    return sorted(map(list_codes, placed))


async def test_two_orders_at_once_spend_no_point_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have read the points before either of them holds any: the statement that holds them decides."""
    monkeypatch.setattr(redemption, "plan_shares", plan_stale)
    assert await submit_two_orders(world) == [[], ["INSUFFICIENT_POINTS"]]
    assert (await read_points(world))["balance"] == 0
    assert await world.gateway.database.read(count_units) == 1, "the order that was refused holds no goods"


async def test_the_proof_that_without_the_guard_points_are_spent_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redemption, "plan_shares", plan_stale)
    monkeypatch.setattr(loyalty, "hold_points", hold_unguarded)
    assert await submit_two_orders(world) == [[], []]
    assert (await read_points(world))["balance"] == -300


def plan_stale(_: Connection, accounts: Sequence[AccountRow], points: int, *__: object) -> list[PointsShare]:
    return [PointsShare(accounts[0].id, points)]


def hold_unguarded(conn: Connection, account_id: str, points: int, now: datetime) -> bool:
    row = tables.loyalty_accounts.c
    change = sa.update(tables.loyalty_accounts).where(row.id == account_id).values(held=row.held + points)
    return conn.execute(change).rowcount == 1


def count_units(conn: Connection) -> int:
    held = tables.reservations.c
    return int(conn.scalar(sa.select(sa.func.sum(held.quantity)).where(held.quantity > 0, held.reason == "SALE")) or 0)


# ------------------------------------------------------------------------------------------------ merges


async def test_a_merge_and_its_undo_post_nothing(world: World) -> None:
    """Points hang on the records of customers, so they are summed while these are one customer (rule Y1)."""
    await post(world, 100, "ada")
    grace = await find_customer(world, "Grace")
    await post(world, 40, "grace", customerId=grace["id"])
    ada = await read_points(world)
    given = {"customerIds": [ada["id"], grace["id"]], "note": "one person"}
    merged = await run_as_staff(world, "customerMerge", **given)
    assert list_codes(merged) == []
    points = (await find_customer(world, "", merged["customer"]["id"]))["loyalty"]
    assert (points["balance"], points["entries"]["totalCount"]) == (140, 2)
    undone = await run_as_staff(world, "customerMergeUndo", mergeId=merged["merge"]["id"], note="two persons")
    assert list_codes(undone) == []
    assert (await read_points(world))["balance"] == 100
    assert (await find_customer(world, "Grace"))["loyalty"]["balance"] == 40
    assert await world.gateway.database.read(count_entries) == 2


@pytest.mark.long
async def test_points_of_a_merged_customer_come_from_both_accounts(world: World) -> None:
    """An entry per account, so that a later split leaves neither in debt (rule Y4)."""
    await post(world, 100, "ada", expiresAt="2026-03-01T00:00:00Z")
    grace = await find_customer(world, "Grace")
    await post(world, 40, "grace", customerId=grace["id"], expiresAt="2026-02-01T00:00:00Z")
    ada = await read_points(world)
    given = {"customerIds": [ada["id"], grace["id"]], "note": "one person"}
    merged = await run_as_staff(world, "customerMerge", **given)
    spent = await post(world, 90, "spent", "REDEEM", customerId=merged["customer"]["id"])
    assert spent["userErrors"] == [] and spent["account"]["balance"] == 50
    await run_as_staff(world, "customerMergeUndo", mergeId=merged["merge"]["id"], note="two persons")
    assert (await read_points(world))["balance"] == 50
    assert (await find_customer(world, "Grace"))["loyalty"]["balance"] == 0


async def find_customer(world: World, name: str, id_: str | None = None) -> dict[str, Any]:
    """Find a customer with the points, by name or id."""
    fields = "... on Customer { id loyalty { balance entries { totalCount } } }"
    if id_ is not None:
        query = f"query ($id: ID!) {{ node(id: $id) {{ {fields} }} }}"
        node: dict[str, Any] = (await world.client.fetch_data(query, ADMIN, id=id_))["node"]
        return node
    query = f"query ($name: String!) {{ customers(first: 1, search: $name) {{ nodes {{ {fields} }} }} }}"
    found: dict[str, Any] = (await world.client.fetch_data(query, ADMIN, name=name))["customers"]["nodes"][0]
    return found


def count_entries(conn: Connection) -> int:
    return conn.scalar(sa.select(sa.func.count()).select_from(tables.loyalty_entries)) or 0
