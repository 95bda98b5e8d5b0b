"""Orders that wait for their payment: what is sent when, and what happens without a payment (rule U1)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.storage import tables
from gateway.storage.database import Connection
from gateway.sync.consistency_check import check_consistency
from tests.graphql.mutation_documents import list_user_error_codes
from tests.graphql.shopper import SELLING, TABLES, Shopper, build_stores, record_payment, run_as_staff
from tests.graphql.world import ADMIN, World, open_world
from tests.graphql.writable_channels import read_counter, read_on_hand

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ORDER = """query ($id: ID!) { order(by: { id: $id }) {
  status paymentStatus payBy version attention channelOrders { state } events { nodes { kind } }
  fulfillments { id version status readyAt collectBy } payments { status } } }"""
SENT_UNPAID: Mapping[str, Any] = {**TABLES, "selling": {**SELLING, "send_unpaid": ["web"]}}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **TABLES) as world:
        yield world


async def place_order(world: World, quantity: int = 2, channel: str = "web", way: str = "SHIPPING") -> dict[str, Any]:
    """Place an order that a provider has to pay. The total of two mugs is 13.00."""
    shopper = Shopper(world)
    await shopper.fill(channel, MUG=quantity)
    location = {"SHIPPING": "depot", "PICKUP": "london"}[way]
    payload = await shopper.submit(await shopper.find_option(way, location))
    assert payload["userErrors"] == []
    order: dict[str, Any] = payload["order"]
    return order


async def fetch_order(world: World, order: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await world.client.fetch_data(ORDER, ADMIN, id=order["id"]))["order"]
    found["events"] = [event["kind"] for event in found["events"]["nodes"]]
    return found


async def wait(world: World, **amount: float) -> None:
    world.clock.forward(**amount)
    for channel in world.stores:
        await world.gateway.request_sync(channel)
    await world.gateway.run_due()


def list_payloads(conn: Connection) -> list[str]:
    return list(conn.scalars(sa.select(tables.outbox.c.payload).where(tables.outbox.c.operation == "PlaceOrder")))


def list_commands(world: World, channel: str = "web") -> list[str]:
    return [call.feed for call in world.stores[channel].calls if call.method == "send"]


def read_time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


# ------------------------------------------------------------------------------------------------ before the payment


async def test_nothing_is_sent_before_the_provider_has_paid(world: World) -> None:
    order = await place_order(world)
    await wait(world, minutes=10)
    found = await fetch_order(world, order)
    assert (found["status"], found["channelOrders"]) == ("PENDING", [{"state": "QUEUED"}])
    assert read_time(found["payBy"]) == world.clock() + timedelta(minutes=20)
    assert list_commands(world) == [] and found["events"] == ["PLACED"]
    assert await read_counter(world, "w-mug", "D") == (5, 2), "the units are claimed"


async def test_the_payment_sends_the_order_as_paid(world: World) -> None:
    order = await place_order(world)
    paid = (await record_payment(world, order["id"], "13.00", "pi_1"))["order"]
    assert (paid["status"], paid["paymentStatus"]) == ("OPEN", "PAID")
    assert list_commands(world) == ["PlaceOrder"]
    (payload,) = await world.gateway.database.read(list_payloads)
    assert '"payment_status":"PAID"' in payload
    found = await fetch_order(world, order)
    assert found["payBy"] is None and found["events"] == ["PLACED", "PAID", "SUBMITTED", "ACCEPTED"]
    await wait(world, days=1)
    assert (await fetch_order(world, order))["status"] == "OPEN"
    assert await read_counter(world, "w-mug", "D") == (3, 0)


async def test_no_transfer_is_requested_before_the_payment(world: World) -> None:
    shopper = Shopper(world)
    await shopper.fill("web", MUG=3)
    option = next(one for one in await shopper.list_options() if one["label"] == "Pickup in Leeds")
    order = (await shopper.submit(option))["order"]
    assert "TRANSFER_REQUESTED" not in (await fetch_order(world, order))["events"]
    await record_payment(world, order["id"], order["total"]["amount"])
    found = await fetch_order(world, order)
    assert "TRANSFER_REQUESTED" in found["events"] and found["status"] == "OPEN"


async def test_a_command_that_waits_for_a_payment_blocks_no_other(world: World) -> None:
    """Adjustments of one counter are sent one after the other."""
    first = await place_order(world, 1, "till", "PICKUP")
    second = await place_order(world, 1, "till", "PICKUP")
    await record_payment(world, second["id"], "4.50", "pi_2")
    await wait(world, minutes=1)
    assert list_commands(world, "till") == ["AdjustStock"] and read_on_hand(world.stores["till"], "t-mug", "L") == 39
    assert [one["status"] for one in (await fetch_order(world, first))["fulfillments"]] == ["PENDING"]
    await record_payment(world, first["id"], "4.50", "pi_1")
    await wait(world, minutes=1)
    assert read_on_hand(world.stores["till"], "t-mug", "L") == 38
    assert [one["status"] for one in (await fetch_order(world, first))["fulfillments"]] == ["ACCEPTED"]


async def test_a_policy_may_send_orders_before_they_are_paid(database_url: str) -> None:
    async with open_world(database_url, build_stores(), **SENT_UNPAID) as world:
        found = await fetch_order(world, await place_order(world))
        assert (found["status"], list_commands(world)) == ("OPEN", ["PlaceOrder"]) and found["payBy"] is not None


async def test_a_part_that_is_rejected_before_the_payment_is_not_sent_with_it(world: World) -> None:
    order = await place_order(world, 1)
    (part,) = order["fulfillments"]
    await run_as_staff(world, "fulfillmentReject", fulfillmentId=part["id"], version=part["version"], reason="broken")
    await record_payment(world, order["id"], "8.00")
    await wait(world, minutes=1)
    assert list_commands(world) == [] and await read_counter(world, "w-mug", "D") == (5, 0)


# ------------------------------------------------------------------------------------------------ the deadline


async def test_an_order_that_is_not_paid_in_time_is_canceled_and_its_units_are_free(world: World) -> None:
    order = await place_order(world)
    await wait(world, minutes=29)
    assert (await fetch_order(world, order))["status"] == "PENDING"
    await wait(world, minutes=1)
    found = await fetch_order(world, order)
    assert (found["status"], found["payBy"], found["attention"]) == ("CANCELLED", None, [])
    assert found["events"] == ["PLACED", "PAYMENT_EXPIRED", "CANCELLED"]
    assert await read_counter(world, "w-mug", "D") == (5, 0) and list_commands(world) == []


async def test_an_order_that_is_paid_on_collection_waits_until_its_goods_are_not_held_any_more(world: World) -> None:
    shopper = Shopper(world)
    await shopper.fill("till", MUG=1)
    money = {"amount": "4.50", "currencyCode": "GBP"}
    payments = [{"kind": "ON_COLLECTION", "amount": money}]
    order = (await shopper.submit(await shopper.find_option("PICKUP", "london"), payments=payments))["order"]
    found = await fetch_order(world, order)
    (part,) = found["fulfillments"]
    assert read_time(found["payBy"]) == read_time(part["readyAt"]) + timedelta(days=7)
    await wait(world, hours=1)
    await run_as_staff(world, "fulfillmentMarkReady", fulfillmentId=part["id"], version=part["version"])
    found = await fetch_order(world, order)
    assert found["payBy"] == found["fulfillments"][0]["collectBy"]
    await wait(world, days=7)
    assert (await fetch_order(world, order))["status"] == "CANCELLED"
    await wait(world, minutes=1)
    assert read_on_hand(world.stores["till"], "t-mug", "L") == 40


async def test_what_a_channel_has_already_is_recalled(database_url: str) -> None:
    async with open_world(database_url, build_stores(), **SENT_UNPAID) as world:
        order = await place_order(world)
        await wait(world, minutes=30)
        await wait(world, minutes=1)
        found = await fetch_order(world, order)
        assert (found["status"], found["attention"]) == ("CANCELLED", [])
        assert list_commands(world) == ["PlaceOrder", "CancelOrder", "AdjustStock"]
        assert read_on_hand(world.stores["web"], "w-mug", "D") == 5


async def test_while_a_part_is_recalled_an_operator_sees_it(database_url: str) -> None:
    async with open_world(database_url, build_stores(), **SENT_UNPAID) as world:
        order = await place_order(world)
        await run_as_staff(world, "channelPause", channelKey="web", reason="maintenance")
        await wait(world, minutes=30)
        found = await fetch_order(world, order)
        assert (found["status"], found["attention"]) == ("CANCELLING", ["PAYMENT_OVERDUE"])
        assert await list_overdue(world) == [
            f"order {order['number']}: PAYMENT_OVERDUE: It was not paid in time, and a part of it is being recalled."
        ]
        await record_payment(world, order["id"], "13.00", "pi_1")
        assert (await fetch_order(world, order))["attention"] == ["PAYMENT_OVERDUE"], "decided when it is given back"
        await run_as_staff(world, "channelResume", channelKey="web")
        await wait(world, minutes=1)
        found = await fetch_order(world, order)
        assert (found["status"], found["attention"]) == ("OPEN", []), "all units were there"


async def test_an_order_that_is_paid_in_part_is_not_canceled(world: World) -> None:
    order = await place_order(world)
    await record_payment(world, order["id"], "5.00", "pi_1")
    await wait(world, minutes=31)
    found = await fetch_order(world, order)
    assert (found["status"], found["attention"]) == ("PENDING", ["PAYMENT_OVERDUE"])
    assert await list_overdue(world) == [
        f"order {order['number']}: PAYMENT_OVERDUE: It is paid in part, and the rest was not paid in time."
    ]
    await record_payment(world, order["id"], "8.00", "pi_2")
    found = await fetch_order(world, order)
    assert (found["status"], found["attention"], found["payBy"]) == ("OPEN", [], None)


async def list_overdue(world: World) -> list[str]:
    topology = world.gateway.rules.topology
    return (await check_consistency(world.gateway.database, world.gateway.channel_syncs.values(), topology)).overdue


# ------------------------------------------------------------------------------------------------ late payments


async def test_a_late_payment_takes_the_units_again_if_all_are_there(world: World) -> None:
    order = await place_order(world)
    await wait(world, minutes=31)
    paid = (await record_payment(world, order["id"], "13.00", "pi_1"))["order"]
    assert (paid["status"], paid["paymentStatus"], paid["total"]["amount"]) == ("OPEN", "PAID", "13.00")
    found = await fetch_order(world, order)
    assert found["attention"] == [] and [one["state"] for one in found["channelOrders"]] == ["CANCELLED", "ACCEPTED"]
    await wait(world, minutes=1)
    assert read_on_hand(world.stores["web"], "w-mug", "D") == 3


async def test_a_late_payment_is_due_back_if_its_units_are_sold(world: World) -> None:
    order = await place_order(world)
    await wait(world, minutes=31)
    other = Shopper(world)
    await other.fill("web", MUG=4)
    assert (await other.buy(await other.find_option("SHIPPING", "depot"), by=ADMIN))["userErrors"] == []
    await record_payment(world, order["id"], "13.00", "pi_1")
    found = await fetch_order(world, order)
    assert (found["status"], found["paymentStatus"], found["attention"]) == ("CANCELLED", "PAID", ["PAYMENT_DUE_BACK"])


async def test_a_late_payment_is_due_back_after_a_cancellation_by_staff(world: World) -> None:
    order = await place_order(world)
    await run_as_staff(world, "orderCancel", orderId=order["id"], version=order["version"])
    await record_payment(world, order["id"], "13.00", "pi_1")
    found = await fetch_order(world, order)
    assert (found["status"], found["attention"]) == ("CANCELLED", ["PAYMENT_DUE_BACK"])


async def test_a_reference_of_a_provider_is_recorded_once(world: World) -> None:
    first, second = await place_order(world, 1), await place_order(world, 1)
    for _ in range(2):
        assert (await record_payment(world, first["id"], "8.00", "pi_1"))["userErrors"] == []
    for order, amount in ((second, "8.00"), (first, "1.00")):
        payload = await record_payment(world, order["id"], amount, "pi_1")
        assert list_user_error_codes(payload) == ["PAYMENT_MISMATCH"]
    assert [one["status"] for one in (await fetch_order(world, first))["payments"]] == ["PAID"]
    assert (await fetch_order(world, second))["paymentStatus"] == "PENDING"


async def test_money_that_a_provider_took_twice_is_recorded_and_due_back(world: World) -> None:
    order = await place_order(world)
    for reference in ("pi_1", "pi_2"):
        assert (await record_payment(world, order["id"], "13.00", reference))["userErrors"] == []
    found = await fetch_order(world, order)
    assert (found["status"], found["attention"], len(found["payments"])) == ("OPEN", ["PAYMENT_DUE_BACK"], 2)


# ------------------------------------------------------------------------------------------------ customers and staff


async def test_customers_cancel_their_own_unpaid_order(world: World) -> None:
    order, other = await place_order(world, 1), await place_order(world, 1)
    given = {"orderId": order["id"], "version": order["version"], "reason": "changed my mind"}
    for token in ("", "x.y", other["accessToken"]):
        payload = await Shopper(world).ask("orderCancel", **given, orderAccessToken=token)
        assert list_user_error_codes(payload) == ["NOT_FOUND"] and payload["order"] is None
    payload = await Shopper(world).ask("orderCancel", **given, orderAccessToken=order["accessToken"])
    assert payload["userErrors"] == [] and payload["order"]["status"] == "CANCELLED"
    assert await read_counter(world, "w-mug", "D") == (5, 1)


async def test_customers_do_not_cancel_an_order_that_they_have_paid(world: World) -> None:
    order = await place_order(world)
    paid = (await record_payment(world, order["id"], "13.00"))["order"]
    given = {"orderId": order["id"], "version": paid["version"], "orderAccessToken": order["accessToken"]}
    assert list_user_error_codes(await Shopper(world).ask("orderCancel", **given)) == ["NOT_ALLOWED_IN_STATE"]


@pytest.mark.parametrize("channel", ["web", "till"])
async def test_goods_leave_after_the_money_has_come(database_url: str, channel: str) -> None:
    selling = {**SELLING, "send_unpaid": ["web", "till"]}
    async with open_world(database_url, build_stores(), **{**TABLES, "selling": selling}) as world:
        order = await place_order(world, 1, channel, "SHIPPING" if channel == "web" else "PICKUP")
        (part,) = (await fetch_order(world, order))["fulfillments"]
        name = "fulfillmentShip" if channel == "web" else "fulfillmentMarkReady"
        given = {"fulfillmentId": part["id"], "version": part["version"]}
        assert list_user_error_codes(await run_as_staff(world, name, **given)) == ["PAYMENT_REQUIRED"]
        await record_payment(world, order["id"], order["total"]["amount"])
        assert list_user_error_codes(await run_as_staff(world, name, **given)) == []


async def test_a_channel_that_delivers_on_invoice_waits_for_no_payment(database_url: str) -> None:
    async with open_world(
        database_url, build_stores(), **{**TABLES, "selling": {**SELLING, "invoices": ["web"]}}
    ) as world:
        order = await place_order(world)
        await wait(world, days=1)
        found = await fetch_order(world, order)
        assert (found["status"], found["payBy"]) == ("OPEN", None)
        (part,) = found["fulfillments"]
        shipped = await run_as_staff(world, "fulfillmentShip", fulfillmentId=part["id"], version=part["version"])
        assert shipped["userErrors"] == []


# ------------------------------------------------------------------------------------------------ upgrade


async def test_an_order_of_an_earlier_version_waits_for_a_whole_payment_window_after_the_upgrade(world: World) -> None:
    """The migration marks open, unpaid orders; the gateway, which knows its configuration, sets their deadline."""
    order = await place_order(world)
    await wait(world, minutes=29)
    await world.gateway.database.write(mark_order, order["number"])
    assert (await fetch_order(world, order))["payBy"] is None
    await wait(world, minutes=29)
    found = await fetch_order(world, order)
    assert (found["status"], read_time(found["payBy"])) == ("PENDING", world.clock() + timedelta(minutes=30))


def mark_order(conn: Connection, number: str) -> None:
    conn.execute(sa.update(tables.orders).where(tables.orders.c.number == number).values(pay_by=tables.EPOCH))
