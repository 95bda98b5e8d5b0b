"""Orders that cannot be placed or fulfilled as requested: they are refused with an error, or need an operator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gateway.sdk import OutcomeUnknownError, Refused, UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import lose_answer, raise_error, return_value
from tests.graphql.mutation_documents import build_document, list_user_error_codes
from tests.graphql.shopper import LOCATIONS, TABLES, Shopper, build_stores, make_key, run_as_staff
from tests.graphql.world import ADMIN, CLERK, World, open_world
from tests.graphql.writable_channels import list_reservation_states, read_counter, read_on_hand

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

NO = return_value([Refused(code="CLOSED", message="no orders today")])
SHIPPING_SHOPS: Mapping[str, Any] = {
    **TABLES,
    "locations": {
        **LOCATIONS,
        "london": {**LOCATIONS["london"], "fulfillment_methods": ["IN_STORE", "PICKUP", "SHIPPING"]},
    },
}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **TABLES) as world:
        yield world


@pytest.fixture
async def shopper(world: World) -> Shopper:
    shopper = Shopper(world)
    await shopper.fill("web", MUG=2)
    return shopper


async def advance(world: World, **amount: float) -> None:
    world.clock.forward(**(amount or {"minutes": 10}))
    for channel in world.stores:
        await world.gateway.request_sync(channel)
    await world.gateway.run_due()


async def fetch_order(world: World, order: dict[str, Any]) -> dict[str, Any]:
    query = """query ($id: ID!) { order(by: { id: $id }) { status paymentStatus version attention
        channelOrders { state externalId fault { code } }
        fulfillments { id version status method location { key } } } }"""
    found: dict[str, Any] = (await world.client.fetch_data(query, ADMIN, id=order["id"]))["order"]
    return found


def build_money(amount: str, currency: str = "GBP") -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"payments": [{"kind": "PROVIDER", "amount": build_money("12.99")}]}, ["PAYMENT_MISMATCH"]),
        ({"payments": [{"kind": "PROVIDER", "amount": build_money("13.01")}]}, ["PAYMENT_MISMATCH"]),
        ({"payments": []}, ["PAYMENT_REQUIRED"]),
        ({"payments": [{"kind": "PROVIDER", "amount": build_money("13.00", "EUR")}]}, ["CURRENCY_MISMATCH"]),
        ({"payments": [{"kind": "PROVIDER", "amount": build_money("-13.00")}]}, ["INVALID"]),
        ({"payments": [{"kind": "ON_COLLECTION", "amount": build_money("13.00")}]}, ["INVALID"]),
        (
            {"expectedTotal": build_money("1.00"), "payments": [{"kind": "PROVIDER", "amount": build_money("1.00")}]},
            ["TOTAL_CHANGED"],
        ),
        ({"shippingAddress": None}, ["INVALID"]),
        ({"contact": {}}, ["INVALID"]),
        ({"cartVersion": 99}, ["CONFLICT"]),
        ({"fulfillmentOptionToken": "x.y"}, ["INVALID"]),
    ],
)
async def test_an_inconsistent_order_request_is_refused_and_reserves_nothing(
    world: World, shopper: Shopper, given: dict[str, Any], expected: list[str]
) -> None:
    payload = await shopper.buy(await shopper.find_option("SHIPPING", "depot"), **given)
    assert list_user_error_codes(payload) == expected and payload["order"] is None
    assert await list_reservation_states(world) == [] and await read_counter(world, "w-mug", "D") == (5, 0)


async def test_an_order_is_not_marked_as_paid_without_the_scope(world: World, shopper: Shopper) -> None:
    option = await shopper.find_option("SHIPPING", "depot")
    tendered = {
        "cartToken": shopper.cart["token"],
        "cartVersion": shopper.cart["version"],
        "fulfillmentOptionToken": option["token"],
        "contact": {"name": "A"},
        "shippingAddress": {"line1": "1 Road"},
        "payments": [{"kind": "TENDERED", "amount": build_money("13.00")}],
        "expectedTotal": build_money("13.00"),
        "idempotencyKey": make_key(),
    }
    for token, code in ((None, "UNAUTHENTICATED"), (CLERK, "FORBIDDEN")):
        answer = await world.client.ask(build_document("orderPlace"), token, input=tendered)
        assert answer.codes == [code]
    assert await list_reservation_states(world) == []


async def test_an_option_that_is_too_old_is_refused(world: World, shopper: Shopper) -> None:
    option = await shopper.find_option("SHIPPING", "depot")
    world.clock.forward(minutes=16)
    assert list_user_error_codes(await shopper.buy(option)) == ["OPTION_EXPIRED"]


async def test_a_price_that_changed_meanwhile_is_not_charged(world: World, shopper: Shopper) -> None:
    option = await shopper.find_option("SHIPPING", "depot")
    world.stores["web"].put(
        "products", record_builders.build_product("w-mug", gtin="4006381333931", price="6.00", title="Mug, white")
    )
    await world.gateway.request_sync("web")
    await world.gateway.run_due()
    assert (
        list_user_error_codes(await shopper.buy(option)) == ["PRICE_CHANGED"]
        and await list_reservation_states(world) == []
    )


async def test_what_is_not_offered_any_more_is_not_sold(world: World, shopper: Shopper) -> None:
    option = await shopper.find_option("SHIPPING", "depot")
    world.stores["web"].remove("products", "w-mug")
    await world.gateway.request_sync("web", sweep=True)
    await world.gateway.run_due()
    assert (
        list_user_error_codes(await shopper.buy(option)) == ["NOT_OFFERED"]
        and await list_reservation_states(world) == []
    )


async def test_an_empty_cart_is_not_ordered(world: World, shopper: Shopper) -> None:
    option = await shopper.find_option("SHIPPING", "depot")
    await shopper.ask("cartLinesRemove", cartToken=shopper.cart["token"], lineIds=[shopper.cart["lines"][0]["id"]])
    nothing = build_money("0.00")
    payload = await shopper.buy(option, payments=[], expectedTotal=nothing)
    assert list_user_error_codes(payload) == ["CART_EMPTY"]


# ------------------------------------------------------------------------------------------------ channels


async def test_an_order_whose_channel_is_down_waits_and_goes_on(world: World, shopper: Shopper) -> None:
    world.stores["web"].apply(raise_error(UnavailableError("the store is off")), feed="PlaceOrder")
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
    assert order["status"] == "PENDING" and await read_counter(world, "w-mug", "D") == (5, 2)
    world.stores["web"].mend()
    await advance(world)
    assert (await fetch_order(world, order))["status"] == "OPEN"
    assert read_on_hand(world.stores["web"], "w-mug", "D") == 3


async def test_an_order_whose_answer_is_lost_is_found_and_not_placed_again(world: World, shopper: Shopper) -> None:
    lost = lose_answer(OutcomeUnknownError("the connection broke"))
    world.stores["web"].apply(lost, feed="PlaceOrder", method="send", times=1)
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
    assert order["status"] == "PENDING"
    assert [one["state"] for one in (await fetch_order(world, order))["channelOrders"]] == ["UNKNOWN"]
    await advance(world)
    assert (await fetch_order(world, order))["status"] == "OPEN"
    assert len(world.stores["web"].rows("orders")) == 2 and read_on_hand(world.stores["web"], "w-mug", "D") == 3


async def test_the_channels_own_record_can_come_before_its_answer(world: World, shopper: Shopper) -> None:
    """The webhook may arrive before the response to our own request; it counts as that response."""
    lost = lose_answer(OutcomeUnknownError("the connection broke"))
    world.stores["web"].apply(lost, feed="PlaceOrder", method="send", times=1)
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
    for method in ("find", "send"):
        world.stores["web"].apply(raise_error(UnavailableError("off")), feed="PlaceOrder", method=method)
    await advance(world, minutes=1)
    found = await fetch_order(world, order)
    assert found["status"] == "OPEN" and found["channelOrders"][0]["state"] == "ACCEPTED"
    await advance(world)
    assert len(world.stores["web"].rows("orders")) == 2


async def test_a_refused_part_comes_from_elsewhere(database_url: str) -> None:
    async with open_world(database_url, build_stores(), **SHIPPING_SHOPS) as world:
        shopper = Shopper(world)
        await shopper.fill("web", MUG=2)
        world.stores["web"].apply(NO, feed="PlaceOrder", method="send")
        order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
        found = await fetch_order(world, order)
        assert found["status"] == "OPEN" and found["channelOrders"][0]["state"] == "REJECTED"
        assert sorted((one["location"]["key"], one["status"]) for one in found["fulfillments"]) == [
            ("depot", "REJECTED"),
            ("london", "ACCEPTED"),
        ]
        await advance(world)
        assert await read_counter(world, "w-mug", "D") == (5, 0) and await read_counter(world, "t-mug", "L") == (38, 0)


async def test_an_order_that_no_location_can_fulfill_fails_and_releases_its_reservations(
    world: World, shopper: Shopper
) -> None:
    world.stores["web"].apply(NO, feed="PlaceOrder", method="send")
    tendered = [{"kind": "TENDERED", "provider": "cash", "amount": build_money("13.00")}]
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot"), by=ADMIN, payments=tendered))["order"]
    found = await fetch_order(world, order)
    assert found["status"] == "FAILED" and found["attention"] == ["PAYMENT_DUE_BACK"]
    assert await read_counter(world, "w-mug", "D") == (5, 0) and await list_reservation_states(world) == ["RELEASED"]


async def test_what_cannot_be_looked_up_waits_for_a_person(database_url: str) -> None:
    blind = {**TABLES["channels"]["web"]["config"], "enforces_keys": False, "finds": False}
    tables = {**TABLES, "channels": {**TABLES["channels"], "web": {"config": blind}}}
    async with open_world(database_url, build_stores(), **tables) as world:
        shopper = Shopper(world)
        await shopper.fill("web", MUG=2)
        lost = raise_error(OutcomeUnknownError("the connection broke"))
        world.stores["web"].apply(lost, feed="PlaceOrder", method="send", times=1)
        order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
        for _ in range(20):
            await advance(world)
        found = await fetch_order(world, order)
        assert found["status"] == "PENDING" and found["attention"] == ["OUTCOME_UNKNOWN"]
        assert await read_counter(world, "w-mug", "D") == (5, 2)
        dead = await world.client.fetch_data(
            "{ outboxEntries(states: [DEAD]) { nodes { id operation attempts } } }", ADMIN
        )
        (entry,) = dead["outboxEntries"]["nodes"]
        assert entry["operation"] == "PlaceOrder"


async def test_a_cancel_queues_behind_what_it_cancels(world: World, shopper: Shopper) -> None:
    world.stores["web"].apply(raise_error(UnavailableError("the store is off")), feed="PlaceOrder")
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
    version = (await fetch_order(world, order))["version"]
    canceled = await run_as_staff(world, "orderCancel", orderId=order["id"], version=version)
    assert list_user_error_codes(canceled) == [] and canceled["order"]["status"] == "CANCELLING"
    world.stores["web"].mend()
    await advance(world)
    await advance(world)
    assert (await fetch_order(world, order))["status"] == "CANCELLED"
    assert await read_counter(world, "w-mug", "D") == (5, 0) and read_on_hand(world.stores["web"], "w-mug", "D") == 5


async def test_an_order_that_left_meanwhile_is_not_canceled(world: World, shopper: Shopper) -> None:
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
    (id_,) = [one for one in world.stores["web"].rows("orders") if one.startswith("m-")]
    lines = world.stores["web"].rows("orders")[id_]["lines"]
    world.stores["web"].change("orders", id_, lines=[line | {"fulfilled": 2} for line in lines])
    version = (await fetch_order(world, order))["version"]
    await run_as_staff(world, "orderCancel", orderId=order["id"], version=version)
    await advance(world)
    found = await fetch_order(world, order)
    assert found["status"] == "COMPLETED" and "REFUND_BY_HAND" in found["attention"]


async def test_what_a_channel_cannot_cancel_is_a_task_and_no_dead_command(database_url: str) -> None:
    """A till that takes orders as receipts refunds them itself; to send the cancellation again would be of no use."""
    till = {"config": {**TABLES["channels"]["till"]["config"], "writes": ["adjust", "place"]}}
    tables = {**TABLES, "channels": {**TABLES["channels"], "till": till}}
    async with open_world(database_url, build_stores(), **tables) as w:
        shopper = Shopper(w)
        await shopper.fill("till", MUG=1)
        order = (await shopper.buy(await shopper.find_option("PICKUP", "london")))["order"]
        version = (await fetch_order(w, order))["version"]
        await run_as_staff(w, "orderCancel", orderId=order["id"], version=version)
        await advance(w)
        found = await fetch_order(w, order)
        assert (found["status"], found["attention"]) == ("OPEN", ["REFUND_BY_HAND"])
        states = "{ outboxEntries(states: [QUEUED, SENDING, DONE, DEAD]) { nodes { operation state fault { code } } } }"
        entries = (await w.client.fetch_data(states, ADMIN))["outboxEntries"]["nodes"]
        (canceled,) = [entry for entry in entries if entry["operation"] == "CancelOrder"]
        assert (canceled["state"], canceled["fault"]["code"]) == ("DONE", "REJECTED")


async def test_what_a_channel_ships_is_shipped_here(world: World, shopper: Shopper) -> None:
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
    (id_,) = [one for one in world.stores["web"].rows("orders") if one.startswith("m-")]
    lines = world.stores["web"].rows("orders")[id_]["lines"]
    world.stores["web"].change("orders", id_, lines=[line | {"fulfilled": 2} for line in lines])
    await advance(world)
    assert [one["status"] for one in (await fetch_order(world, order))["fulfillments"]] == ["IN_TRANSIT"]


# ------------------------------------------------------------------------------------------------ handover


async def prepare_pickup_order(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """Place an order that is ready for pickup in London; return it with its fulfillment."""
    shopper = Shopper(world)
    await shopper.fill("till", MUG=1)
    paid = [{"kind": "ON_COLLECTION", "amount": build_money("4.50")}]
    order = (await shopper.buy(await shopper.find_option("PICKUP", "london"), payments=paid))["order"]
    (one,) = order["fulfillments"]
    await run_as_staff(world, "fulfillmentMarkReady", fulfillmentId=one["id"], version=one["version"])
    return order, one


async def test_a_wrong_code_opens_nothing_and_too_many_of_them_close_the_door(world: World) -> None:
    _, one = await prepare_pickup_order(world)
    wrong = "000000" if one["pickupCode"] != "000000" else "111111"
    tries = [
        await run_as_staff(world, "fulfillmentCollect", fulfillmentId=one["id"], pickupCode=wrong) for _ in range(6)
    ]
    assert [list_user_error_codes(answer) for answer in tries] == [["CODE_WRONG"]] * 5 + [["TOO_MANY_ATTEMPTS"]]
    right = {"fulfillmentId": one["id"], "pickupCode": one["pickupCode"]}
    assert list_user_error_codes(await run_as_staff(world, "fulfillmentCollect", **right)) == ["TOO_MANY_ATTEMPTS"]
    world.clock.forward(minutes=16)
    assert list_user_error_codes(await run_as_staff(world, "fulfillmentCollect", **right)) == []
    assert list_user_error_codes(await run_as_staff(world, "fulfillmentCollect", **right)) == ["NOT_ALLOWED_IN_STATE"]


async def test_what_is_not_on_the_shelf_comes_from_elsewhere_or_is_seen_to(world: World, shopper: Shopper) -> None:
    _, one = await prepare_pickup_order(world)
    ready = await run_as_staff(
        world, "fulfillmentReject", fulfillmentId=one["id"], version=2, reason="not on the shelf"
    )
    assert list_user_error_codes(ready) == [] and ready["fulfillment"]["status"] == "REJECTED"
    await advance(world)
    assert read_on_hand(world.stores["web"], "w-mug", "D") == 4  # transferred from the depot


async def test_a_part_that_is_sent_leaves_the_rest_to_be_sent(world: World, shopper: Shopper) -> None:
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
    (one,) = order["fulfillments"]
    (line,) = order["lines"]["nodes"]
    given = {"fulfillmentId": one["id"], "version": one["version"], "tracking": [{"number": "RM1"}]}
    odd = await run_as_staff(world, "fulfillmentShip", **given, lines=[{"lineId": line["id"], "quantity": 3}])
    assert list_user_error_codes(odd) == ["INVALID"]
    sent = await run_as_staff(world, "fulfillmentShip", **given, lines=[{"lineId": line["id"], "quantity": 1}])
    assert list_user_error_codes(sent) == [] and sent["fulfillment"]["status"] == "IN_TRANSIT"
    found = await fetch_order(world, order)
    assert sorted(one["status"] for one in found["fulfillments"]) == ["ACCEPTED", "IN_TRANSIT"]


async def test_money_that_is_recorded_makes_an_order_paid(world: World, shopper: Shopper) -> None:
    order = (await shopper.submit(await shopper.find_option("SHIPPING", "depot")))["order"]
    wrong = {"kind": "PROVIDER", "provider": "stripe", "amount": build_money("13.01")}
    assert list_user_error_codes(
        await run_as_staff(world, "orderPaymentRecord", orderId=order["id"], payment=wrong)
    ) == ["PAYMENT_MISMATCH"]
    right = {"kind": "PROVIDER", "provider": "stripe", "reference": "pi_1", "amount": build_money("13.00")}
    paid = await run_as_staff(world, "orderPaymentRecord", orderId=order["id"], payment=right)
    assert paid["order"]["paymentStatus"] == "PAID" and len(paid["order"]["payments"]) == 1
    again = await run_as_staff(world, "orderPaymentRecord", orderId=order["id"], payment=right)
    assert list_user_error_codes(again) == [] and len(again["order"]["payments"]) == 1
