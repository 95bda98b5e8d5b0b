"""Orders that cannot be as they were wished: refused in words, or visible to somebody who sees to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gateway.sdk import OutcomeUnknownError, Refused, UnavailableError
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import losing, raising, returning
from tests.graphql.buying import LOCATIONS, TABLES, Shopper, key, staff, stores
from tests.graphql.mutating import codes, document
from tests.graphql.selling import counter, on_hand, states
from tests.graphql.world import ADMIN, CLERK, World, opened

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

NO = returning([Refused(code="CLOSED", message="no orders today")])
SHIPPING_SHOPS: Mapping[str, Any] = {
    **TABLES,
    "locations": {
        **LOCATIONS,
        "london": {**LOCATIONS["london"], "fulfillment_methods": ["IN_STORE", "PICKUP", "SHIPPING"]},
    },
}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with opened(database_url, stores(), **TABLES) as world:
        yield world


@pytest.fixture
async def shopper(world: World) -> Shopper:
    shopper = Shopper(world)
    await shopper.fill("web", MUG=2)
    return shopper


async def later(world: World, **amount: float) -> None:
    world.clock.forward(**(amount or {"minutes": 10}))
    for channel in world.stores:
        await world.gateway.make_due(channel)
    await world.gateway.run_due()


async def seen(world: World, order: dict[str, Any]) -> dict[str, Any]:
    query = """query ($id: ID!) { order(by: { id: $id }) { status paymentStatus version attention
        channelOrders { state externalId fault { code } }
        fulfillments { id version status method location { key } } } }"""
    found: dict[str, Any] = (await world.client.data(query, ADMIN, id=order["id"]))["order"]
    return found


def money(amount: str, currency: str = "GBP") -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"payments": [{"kind": "PROVIDER", "amount": money("12.99")}]}, ["PAYMENT_MISMATCH"]),
        ({"payments": [{"kind": "PROVIDER", "amount": money("13.01")}]}, ["PAYMENT_MISMATCH"]),
        ({"payments": []}, ["PAYMENT_REQUIRED"]),
        ({"payments": [{"kind": "PROVIDER", "amount": money("13.00", "EUR")}]}, ["CURRENCY_MISMATCH"]),
        ({"payments": [{"kind": "PROVIDER", "amount": money("-13.00")}]}, ["INVALID"]),
        ({"payments": [{"kind": "ON_COLLECTION", "amount": money("13.00")}]}, ["INVALID"]),
        (
            {"expectedTotal": money("1.00"), "payments": [{"kind": "PROVIDER", "amount": money("1.00")}]},
            ["TOTAL_CHANGED"],
        ),
        ({"shippingAddress": None}, ["INVALID"]),
        ({"contact": {}}, ["INVALID"]),
        ({"cartVersion": 99}, ["CONFLICT"]),
        ({"fulfillmentOptionToken": "x.y"}, ["INVALID"]),
    ],
)
async def test_a_wish_that_does_not_add_up_is_refused_and_nothing_is_taken(
    world: World, shopper: Shopper, given: dict[str, Any], expected: list[str]
) -> None:
    payload = await shopper.buy(await shopper.option("SHIPPING", "depot"), **given)
    assert codes(payload) == expected and payload["order"] is None
    assert await states(world) == [] and await counter(world, "w-mug", "D") == (5, 0)


async def test_nobody_calls_an_order_paid_without_the_scope(world: World, shopper: Shopper) -> None:
    option = await shopper.option("SHIPPING", "depot")
    tendered = {
        "cartToken": shopper.cart["token"],
        "cartVersion": shopper.cart["version"],
        "fulfillmentOptionToken": option["token"],
        "contact": {"name": "A"},
        "shippingAddress": {"line1": "1 Road"},
        "payments": [{"kind": "TENDERED", "amount": money("13.00")}],
        "expectedTotal": money("13.00"),
        "idempotencyKey": key(),
    }
    for token, code in ((None, "UNAUTHENTICATED"), (CLERK, "FORBIDDEN")):
        answer = await world.client.ask(document("orderPlace"), token, input=tendered)
        assert answer.codes == [code]
    assert await states(world) == []


async def test_an_option_that_is_too_old_is_refused(world: World, shopper: Shopper) -> None:
    option = await shopper.option("SHIPPING", "depot")
    world.clock.forward(minutes=16)
    assert codes(await shopper.buy(option)) == ["OPTION_EXPIRED"]


async def test_a_price_that_changed_meanwhile_is_not_charged(world: World, shopper: Shopper) -> None:
    option = await shopper.option("SHIPPING", "depot")
    world.stores["web"].put("products", rows.product("w-mug", gtin="4006381333931", price="6.00", title="Mug, white"))
    await world.gateway.make_due("web")
    await world.gateway.run_due()
    assert codes(await shopper.buy(option)) == ["PRICE_CHANGED"] and await states(world) == []


async def test_what_is_not_offered_any_more_is_not_sold(world: World, shopper: Shopper) -> None:
    option = await shopper.option("SHIPPING", "depot")
    world.stores["web"].remove("products", "w-mug")
    await world.gateway.make_due("web", sweep=True)
    await world.gateway.run_due()
    assert codes(await shopper.buy(option)) == ["NOT_OFFERED"] and await states(world) == []


async def test_an_empty_cart_is_not_ordered(world: World, shopper: Shopper) -> None:
    option = await shopper.option("SHIPPING", "depot")
    await shopper.ask("cartLinesRemove", cartToken=shopper.cart["token"], lineIds=[shopper.cart["lines"][0]["id"]])
    nothing = money("0.00")
    payload = await shopper.buy(option, payments=[], expectedTotal=nothing)
    assert codes(payload) == ["CART_EMPTY"]


# ------------------------------------------------------------------------------------------------ channels


async def test_an_order_whose_channel_is_down_waits_and_goes_on(world: World, shopper: Shopper) -> None:
    world.stores["web"].apply(raising(UnavailableError("the store is off")), feed="PlaceOrder")
    order = (await shopper.buy(await shopper.option("SHIPPING", "depot")))["order"]
    assert order["status"] == "PENDING" and await counter(world, "w-mug", "D") == (5, 2)
    world.stores["web"].mend()
    await later(world)
    assert (await seen(world, order))["status"] == "OPEN"
    assert on_hand(world.stores["web"], "w-mug", "D") == 3


async def test_an_order_whose_answer_is_lost_is_found_and_not_placed_again(world: World, shopper: Shopper) -> None:
    lost = losing(OutcomeUnknownError("the connection broke"))
    world.stores["web"].apply(lost, feed="PlaceOrder", method="send", times=1)
    order = (await shopper.buy(await shopper.option("SHIPPING", "depot")))["order"]
    assert order["status"] == "PENDING"
    assert [one["state"] for one in (await seen(world, order))["channelOrders"]] == ["UNKNOWN"]
    await later(world)
    assert (await seen(world, order))["status"] == "OPEN"
    assert len(world.stores["web"].rows("orders")) == 2 and on_hand(world.stores["web"], "w-mug", "D") == 3


async def test_the_channels_own_record_can_come_before_its_answer(world: World, shopper: Shopper) -> None:
    """The webhook may beat our own answer: it is that answer."""
    lost = losing(OutcomeUnknownError("the connection broke"))
    world.stores["web"].apply(lost, feed="PlaceOrder", method="send", times=1)
    order = (await shopper.buy(await shopper.option("SHIPPING", "depot")))["order"]
    for method in ("find", "send"):
        world.stores["web"].apply(raising(UnavailableError("off")), feed="PlaceOrder", method=method)
    await later(world, minutes=1)
    found = await seen(world, order)
    assert found["status"] == "OPEN" and found["channelOrders"][0]["state"] == "ACCEPTED"
    await later(world)
    assert len(world.stores["web"].rows("orders")) == 2


async def test_a_refused_part_comes_from_elsewhere(database_url: str) -> None:
    async with opened(database_url, stores(), **SHIPPING_SHOPS) as world:
        shopper = Shopper(world)
        await shopper.fill("web", MUG=2)
        world.stores["web"].apply(NO, feed="PlaceOrder", method="send")
        order = (await shopper.buy(await shopper.option("SHIPPING", "depot")))["order"]
        found = await seen(world, order)
        assert found["status"] == "OPEN" and found["channelOrders"][0]["state"] == "REJECTED"
        assert sorted((one["location"]["key"], one["status"]) for one in found["fulfillments"]) == [
            ("depot", "REJECTED"),
            ("london", "ACCEPTED"),
        ]
        await later(world)
        assert await counter(world, "w-mug", "D") == (5, 0) and await counter(world, "t-mug", "L") == (38, 0)


async def test_an_order_that_nobody_can_serve_fails_and_gives_back_what_it_took(world: World, shopper: Shopper) -> None:
    world.stores["web"].apply(NO, feed="PlaceOrder", method="send")
    tendered = [{"kind": "TENDERED", "provider": "cash", "amount": money("13.00")}]
    order = (await shopper.buy(await shopper.option("SHIPPING", "depot"), by=ADMIN, payments=tendered))["order"]
    found = await seen(world, order)
    assert found["status"] == "FAILED" and found["attention"] == ["PAYMENT_DUE_BACK"]
    assert await counter(world, "w-mug", "D") == (5, 0) and await states(world) == ["RELEASED"]


async def test_what_cannot_be_looked_up_waits_for_a_person(database_url: str) -> None:
    blind = {**TABLES["channels"]["web"]["config"], "enforces_keys": False, "finds": False}
    tables = {**TABLES, "channels": {**TABLES["channels"], "web": {"config": blind}}}
    async with opened(database_url, stores(), **tables) as world:
        shopper = Shopper(world)
        await shopper.fill("web", MUG=2)
        lost = raising(OutcomeUnknownError("the connection broke"))
        world.stores["web"].apply(lost, feed="PlaceOrder", method="send", times=1)
        order = (await shopper.buy(await shopper.option("SHIPPING", "depot")))["order"]
        for _ in range(20):
            await later(world)
        found = await seen(world, order)
        assert found["status"] == "PENDING" and found["attention"] == ["OUTCOME_UNKNOWN"]
        assert await counter(world, "w-mug", "D") == (5, 2)
        dead = await world.client.data("{ outboxEntries(states: [DEAD]) { nodes { id operation attempts } } }", ADMIN)
        (entry,) = dead["outboxEntries"]["nodes"]
        assert entry["operation"] == "PlaceOrder"


async def test_a_cancel_queues_behind_what_it_cancels(world: World, shopper: Shopper) -> None:
    world.stores["web"].apply(raising(UnavailableError("the store is off")), feed="PlaceOrder")
    order = (await shopper.buy(await shopper.option("SHIPPING", "depot")))["order"]
    version = (await seen(world, order))["version"]
    canceled = await staff(world, "orderCancel", orderId=order["id"], version=version)
    assert codes(canceled) == [] and canceled["order"]["status"] == "CANCELLING"
    world.stores["web"].mend()
    await later(world)
    await later(world)
    assert (await seen(world, order))["status"] == "CANCELLED"
    assert await counter(world, "w-mug", "D") == (5, 0) and on_hand(world.stores["web"], "w-mug", "D") == 5


async def test_an_order_that_left_meanwhile_is_not_canceled(world: World, shopper: Shopper) -> None:
    order = (await shopper.buy(await shopper.option("SHIPPING", "depot")))["order"]
    (id_,) = [one for one in world.stores["web"].rows("orders") if one.startswith("m-")]
    lines = world.stores["web"].rows("orders")[id_]["lines"]
    world.stores["web"].change("orders", id_, lines=[line | {"fulfilled": 2} for line in lines])
    version = (await seen(world, order))["version"]
    await staff(world, "orderCancel", orderId=order["id"], version=version)
    await later(world)
    found = await seen(world, order)
    assert found["status"] == "OPEN" and "REFUND_BY_HAND" in found["attention"]


async def test_what_a_channel_ships_is_shipped_here(world: World, shopper: Shopper) -> None:
    order = (await shopper.buy(await shopper.option("SHIPPING", "depot")))["order"]
    (id_,) = [one for one in world.stores["web"].rows("orders") if one.startswith("m-")]
    lines = world.stores["web"].rows("orders")[id_]["lines"]
    world.stores["web"].change("orders", id_, lines=[line | {"fulfilled": 2} for line in lines])
    await later(world)
    assert [one["status"] for one in (await seen(world, order))["fulfillments"]] == ["IN_TRANSIT"]


# ------------------------------------------------------------------------------------------------ handing over


async def collected(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """An order that lies ready in London, and its fulfillment."""
    shopper = Shopper(world)
    await shopper.fill("till", MUG=1)
    paid = [{"kind": "ON_COLLECTION", "amount": money("4.50")}]
    order = (await shopper.buy(await shopper.option("PICKUP", "london"), payments=paid))["order"]
    (one,) = order["fulfillments"]
    await staff(world, "fulfillmentMarkReady", fulfillmentId=one["id"], version=one["version"])
    return order, one


async def test_a_wrong_code_opens_nothing_and_too_many_of_them_close_the_door(world: World) -> None:
    _, one = await collected(world)
    wrong = "000000" if one["pickupCode"] != "000000" else "111111"
    tries = [await staff(world, "fulfillmentCollect", fulfillmentId=one["id"], pickupCode=wrong) for _ in range(6)]
    assert [codes(answer) for answer in tries] == [["CODE_WRONG"]] * 5 + [["TOO_MANY_ATTEMPTS"]]
    right = {"fulfillmentId": one["id"], "pickupCode": one["pickupCode"]}
    assert codes(await staff(world, "fulfillmentCollect", **right)) == ["TOO_MANY_ATTEMPTS"]
    world.clock.forward(minutes=16)
    assert codes(await staff(world, "fulfillmentCollect", **right)) == []
    assert codes(await staff(world, "fulfillmentCollect", **right)) == ["NOT_ALLOWED_IN_STATE"]


async def test_what_is_not_on_the_shelf_comes_from_elsewhere_or_is_seen_to(world: World, shopper: Shopper) -> None:
    _, one = await collected(world)
    ready = await staff(world, "fulfillmentReject", fulfillmentId=one["id"], version=2, reason="not on the shelf")
    assert codes(ready) == [] and ready["fulfillment"]["status"] == "REJECTED"
    await later(world)
    assert on_hand(world.stores["web"], "w-mug", "D") == 4  # it is brought from the depot


async def test_a_part_that_is_sent_leaves_the_rest_to_be_sent(world: World, shopper: Shopper) -> None:
    order = (await shopper.buy(await shopper.option("SHIPPING", "depot")))["order"]
    (one,) = order["fulfillments"]
    (line,) = order["lines"]["nodes"]
    given = {"fulfillmentId": one["id"], "version": one["version"], "tracking": [{"number": "RM1"}]}
    odd = await staff(world, "fulfillmentShip", **given, lines=[{"lineId": line["id"], "quantity": 3}])
    assert codes(odd) == ["INVALID"]
    sent = await staff(world, "fulfillmentShip", **given, lines=[{"lineId": line["id"], "quantity": 1}])
    assert codes(sent) == [] and sent["fulfillment"]["status"] == "IN_TRANSIT"
    found = await seen(world, order)
    assert sorted(one["status"] for one in found["fulfillments"]) == ["ACCEPTED", "IN_TRANSIT"]


async def test_money_that_is_recorded_makes_an_order_paid(world: World, shopper: Shopper) -> None:
    order = (await shopper.buy(await shopper.option("SHIPPING", "depot")))["order"]
    wrong = {"kind": "PROVIDER", "provider": "stripe", "amount": money("13.01")}
    assert codes(await staff(world, "orderPaymentRecord", orderId=order["id"], payment=wrong)) == ["PAYMENT_MISMATCH"]
    right = {"kind": "PROVIDER", "provider": "stripe", "reference": "pi_1", "amount": money("13.00")}
    paid = await staff(world, "orderPaymentRecord", orderId=order["id"], payment=right)
    assert paid["order"]["paymentStatus"] == "PAID" and len(paid["order"]["payments"]) == 1
    again = await staff(world, "orderPaymentRecord", orderId=order["id"], payment=right)
    assert codes(again) == ["PAYMENT_MISMATCH"]
