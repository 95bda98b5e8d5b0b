"""What the gateway changes in a web store: once, whatever is lost, and proved by what the store then counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
import pytest

import gateway_shopify
from gateway.app import create_app
from gateway.commerce import attaching
from gateway.sdk import (
    Accepted,
    AdjustStock,
    AuthError,
    CancelOrder,
    ChannelError,
    Done,
    MovementReason,
    OrderFulfillmentStatus,
    OrderRecord,
    OutcomeUnknownError,
    RateLimitedError,
    Ref,
    Refused,
    SetStock,
    ShipOrder,
    UnavailableError,
)
from gateway.storage import tables
from gateway_shopify.operations import KEY, NAMESPACE
from gateway_shopify.sandbox import routes
from gateway_shopify.stocking import REASONS
from tests.graphql.buying import Shopper, staff
from tests.graphql.mutating import codes
from tests.graphql.selling import variant_id
from tests.graphql.world import ADMIN

from .shopify import CHANNEL, SOON
from .shopify_selling import Selling, amount, selling

pytestmark = [pytest.mark.anyio, pytest.mark.long]

STATE, PARTS, COPIES = tables.reservations.c.state, tables.channel_orders.c.state, tables.orders.c.attached_to
OUTBOX = tables.outbox.c.state


@pytest.fixture
async def web(database_url: str, tmp_path: Path) -> AsyncIterator[Selling]:
    async with selling(database_url, tmp_path) as opened:
        yield opened


def adjustment(web: Selling, delta: int, **more: Any) -> AdjustStock:
    item, place = Ref(web.item("TEA-1")), web.sandbox.places["leeds"]
    return AdjustStock(**{"key": "k", "subject": item, "place": place, "delta": delta, **_SALE, **more})


_SALE: dict[str, Any] = {"reason": MovementReason.SALE}


def push(web: Selling, quantity: int, seen: int | None, key: str = "p") -> SetStock:
    item, place = web.item("TEA-1"), web.sandbox.places["leeds"]
    return SetStock(key=key, subject=Ref("1"), item=item, place=place, quantity=quantity, seen=seen)


async def status(web: Selling, order: dict[str, Any]) -> tuple[str, str, str]:
    """How the gateway's own order stands."""
    query = """query ($order: String!) { order(by: { accessToken: $order }) {
        status fulfillmentStatus fulfillments { status }
    } }"""
    found = (await web.client.data(query, order=order["accessToken"]))["order"]
    return found["status"], found["fulfillmentStatus"], found["fulfillments"][0]["status"]


# ------------------------------------------------------------------------------------------------ placing


async def test_an_order_is_taken_and_leaves_from_its_place_and_is_in_the_stores_count(web: Selling) -> None:
    order = await web.bought(2)
    assert (order["status"], order["fulfillments"][0]["status"]) == ("OPEN", "ACCEPTED")
    assert web.counts("TEA-1", "leeds") == (1, 2, 3) and web.counts("TEA-1", "london") == (12, 0, 12)
    await web.later()
    assert await web.column(STATE) == ["SETTLED"] and await web.stock("TEA-1", "leeds") == (3, 0)


async def test_the_store_is_told_what_the_buyer_was_promised(web: Selling) -> None:
    order = await web.bought(2)
    (there,) = web.orders
    assert amount(there, "totalPriceSet") == Decimal(order["total"]["amount"])
    assert amount(there, "totalShippingPriceSet") == Decimal("3.00")
    assert amount(there, "totalTaxSet") == Decimal(order["taxTotal"]["amount"]) > 0
    assert (there["email"], there["note"]) == ("ada@example.com", f"Order {order['number']}")
    assert there["shippingAddress"]["name"] == "Ada Lovelace" and there["shippingAddress"]["countryCodeV2"] == "GB"
    assert (there["tags"], there["displayFinancialStatus"]) == (["commerce-gateway"], "PENDING")
    assert there["metafields"][NAMESPACE, KEY]["value"] == there["sourceIdentifier"]


async def test_the_stores_own_record_of_it_is_the_same_order(web: Selling) -> None:
    order = await web.bought(1)
    await web.later(2)
    found = await web.client.data("{ orders { nodes { number } } }", ADMIN)
    assert [one["number"] for one in found["orders"]["nodes"]].count(order["number"]) == 1
    assert len(found["orders"]["nodes"]) == 2 and sum(copy is not None for copy in await web.column(COPIES)) == 1


@pytest.mark.parametrize("carried_out", [True, False])
async def test_an_order_whose_answer_is_lost_is_there_once(web: Selling, carried_out: bool) -> None:
    web.sandbox.manners.lost["PlaceOrder"] = carried_out
    order = await web.bought(2)
    assert order["status"] == "PENDING" and len(web.orders) == carried_out
    await web.later(3)
    assert (await status(web, order))[0] == "OPEN"
    assert len(web.orders) == 1 and web.counts("TEA-1", "leeds") == (1, 2, 3)
    await web.later()
    assert await web.stock("TEA-1", "leeds") == (3, 0) and await web.column(OUTBOX) == ["DONE"]


async def test_a_lost_order_is_found_by_what_the_store_keeps_unique_and_not_by_its_feed(web: Selling) -> None:
    command = web.order()
    web.sandbox.manners.lost["PlaceOrder"] = True
    with pytest.raises(OutcomeUnknownError):
        raise_if_error(*await web.send(command))
    found = await web.find(command, None)
    assert isinstance(found, Done) and found.moved_stock
    assert found.ref is not None and found.ref.id in web.orders[0]["id"]
    assert await web.find(web.order(), None) is None


async def test_an_order_that_is_sent_twice_is_there_once(web: Selling) -> None:
    command = web.order(2)
    first, second = await web.send(command), await web.send(command)
    assert first == second and isinstance(first[0], Done)
    assert len(web.orders) == 1 and web.counts("TEA-1", "leeds") == (1, 2, 3)


async def test_what_the_store_has_not_got_is_refused(web: Selling) -> None:
    (answer,) = await web.send(web.order(16))
    assert isinstance(answer, Refused) and answer.code == "INVENTORY_CLAIM_FAILED"
    assert web.orders == []


async def test_an_order_that_was_sold_out_meanwhile_fails_and_gives_back_what_it_held(web: Selling) -> None:
    shopper = Shopper(web)
    await shopper.fill(CHANNEL, TEA_1=3)
    option = await shopper.option("SHIPPING", "leeds")
    for place in ("leeds", "london"):
        await web.sandbox.count("TEA-1", place, 0)
    order = (await shopper.buy(option))["order"]
    await web.later(2)
    assert (await status(web, order))[0] in ("FAILED", "CANCELLED") and web.orders == []
    assert await web.stock("TEA-1", "leeds") == (0, 0)


@pytest.mark.parametrize("carried_out", [True, False])
async def test_an_order_that_is_not_in_its_place_yet_is_not_taken_for_placed(web: Selling, carried_out: bool) -> None:
    web.sandbox.manners.lost["MoveRoute"] = carried_out
    order = await web.bought(2)
    assert order["status"] == "PENDING" and len(web.orders) == 1
    await web.later(2)
    assert (await status(web, order))[0] == "OPEN"
    assert web.counts("TEA-1", "leeds") == (1, 2, 3) and web.counts("TEA-1", "london") == (12, 0, 12)


async def test_the_feed_does_not_say_yes_to_an_order_that_would_leave_from_elsewhere(web: Selling) -> None:
    assert await seen_before_it_is_moved(web) == ["SUBMITTED"]


async def test_the_proof_without_that_rule_it_would(web: Selling) -> None:
    with patch.object(attaching, "_as_told", lambda *_: True):
        assert await seen_before_it_is_moved(web) == ["ACCEPTED"]


async def seen_before_it_is_moved(web: Selling) -> list[Any]:
    """How an order's part stands once the feed has shown it, while it would leave from London."""
    web.sandbox.manners.lost["MoveRoute"] = False
    await web.bought(2)
    for _ in range(2):
        web.sandbox.manners.lost["OrderHandled"] = False
        await web.gateway.make_due(CHANNEL)
        await web.gateway.run_due()
    assert web.counts("TEA-1", "london") == (10, 2, 12)
    return await web.column(PARTS)


async def test_an_order_that_cannot_leave_from_its_place_is_canceled_there_and_refused(web: Selling) -> None:
    command = web.order(1)
    web.sandbox.shop.levels[int(web.item("TEA-1"))].pop(int(web.sandbox.places["leeds"]))
    (answer,) = await web.send(command)
    assert isinstance(answer, Accepted)
    web.clock.forward(minutes=1)
    found = await web.find(command, answer.ticket)
    assert isinstance(found, Refused) and found.code == "CANCELED"
    assert web.orders[0]["cancelledAt"] and web.counts("TEA-1", "london") == (12, 0, 12)


async def test_an_order_that_can_neither_be_moved_nor_canceled_is_for_a_person(web: Selling) -> None:
    web.sandbox.manners.lost["MoveRoute"] = False
    order = await web.bought(2)
    (route,) = web.orders[0]["fulfillmentOrders"]
    routes.sent(web.sandbox.shop, [(route, [(route["lineItems"][0], 1)])])
    web.sandbox.shop.levels[int(web.item("TEA-1"))].pop(int(web.sandbox.places["leeds"]))
    await web.later(20, minutes=6)
    assert await web.column(OUTBOX) == ["DEAD"] and (await status(web, order))[0] == "PENDING"


async def test_an_order_that_has_no_way_yet_waits_for_one(web: Selling) -> None:
    unrouted: list[Any] = []

    def twist(name: str, answer: Any) -> Any:
        if name == "PlaceOrder":
            answer["data"]["orderCreate"]["order"]["fulfillmentOrders"]["nodes"] = unrouted
        return answer

    web.sandbox.manners.twist = twist
    assert (await web.bought(2))["status"] == "PENDING"
    await web.later()
    assert web.counts("TEA-1", "leeds") == (1, 2, 3) and await web.column(PARTS) == ["ACCEPTED"]


async def test_what_was_handed_over_in_a_shop_has_left_at_once(web: Selling) -> None:
    (answer,) = await web.send(web.order(2, fulfillment_status=OrderFulfillmentStatus.FULFILLED))
    assert isinstance(answer, Done) and web.orders[0]["displayFulfillmentStatus"] == "FULFILLED"
    assert web.counts("TEA-1", "leeds") == (1, 0, 1) and web.counts("TEA-1", "london") == (12, 0, 12)
    assert web.orders[0]["transactions"][0]["amountSet"]["shopMoney"]["amount"] == "6.12"


async def test_the_definition_is_made_once_and_one_that_is_there_is_good(web: Selling) -> None:
    await web.send(web.order())
    await web.send(web.order())
    assert web.asked("DefineReference") == 1 and len(web.sandbox.shop.all("MetafieldDefinition")) == 1


async def test_nothing_is_placed_where_orders_cannot_be_told_apart(web: Selling) -> None:
    refused = {"data": {"metafieldDefinitionCreate": {"userErrors": [{"code": "LIMIT_EXCEEDED", "field": None}]}}}
    web.sandbox.manners.twist = lambda name, answer: refused if name == "DefineReference" else answer
    with pytest.raises(UnavailableError, match="LIMIT_EXCEEDED"):
        raise_if_error(*await web.send(web.order()))
    assert web.asked("PlaceOrder") == 0


async def most_on_sale(web: Selling) -> int:
    """The most tea that was on sale at any time since two of fifteen were sold, until the store's count shows it."""
    query = 'query ($id: ID!) { node(id: $id) { ... on ProductVariant { stock(channelKey: "web") { available } } } }'
    await web.bought(2)
    most = 0
    for _ in range(8):
        found = await web.client.data(query, ADMIN, id=await variant_id(web, "TEA-1"))
        most = max(most, found["node"]["stock"]["available"])
        await web.later(seconds=10)
    return most


async def test_a_count_that_is_slow_to_show_an_order_does_not_put_it_on_sale_again(
    database_url: str, tmp_path: Path
) -> None:
    async with selling(database_url, tmp_path, lag=40) as web:
        assert await most_on_sale(web) == 13
        await web.later()
        assert await web.column(STATE) == ["SETTLED"] and await web.stock("TEA-1", "leeds") == (3, 0)


async def test_the_proof_if_its_answer_were_believed_at_once_it_would(database_url: str, tmp_path: Path) -> None:
    with patch.object(gateway_shopify, "SETTLE", timedelta(0)):
        async with selling(database_url, tmp_path, lag=40) as web:
            assert await most_on_sale(web) == 15


async def test_the_feed_tells_whose_order_it_is_and_from_where_it_leaves(web: Selling) -> None:
    command = web.order(2)
    await web.send(command)
    channel = web.gateway.syncing[CHANNEL].channel
    page = await channel.page("orders", None, None, SOON)
    *_, told = await channel.read("orders", page.items)
    assert isinstance(told, OrderRecord)
    assert (told.client_reference, told.stock_posted) == (command.key, True)
    assert [line.place for line in told.lines] == [web.sandbox.places["leeds"]]


# ------------------------------------------------------------------------------------------------ canceling


@pytest.mark.parametrize("lost", [None, True, False])
async def test_a_canceled_order_is_canceled_there_and_gives_back_what_it_took(web: Selling, lost: bool | None) -> None:
    order = await web.bought(2)
    await web.later()
    version = (await current(web, order))["version"]
    if lost is not None:
        web.sandbox.manners.lost["CancelOrder"] = lost
    canceled = await staff(web, "orderCancel", orderId=order["id"], version=version)
    assert codes(canceled) == [] and canceled["order"]["status"] == "CANCELLING"
    await web.later(4)
    assert (await status(web, order))[0] == "CANCELLED" and web.orders[0]["cancelledAt"]
    assert web.counts("TEA-1", "leeds") == (3, 0, 3) and await web.stock("TEA-1", "leeds") == (3, 0)


async def test_what_has_left_is_not_canceled(web: Selling) -> None:
    (placed,) = await web.send(web.order(1))
    assert isinstance(placed, Done)
    assert placed.ref is not None
    await web.sandbox.fulfill(placed.ref.id)
    (answer,) = await web.send(CancelOrder(key="c", subject=placed.ref, reason="no more"))
    assert isinstance(answer, Refused) and answer.code == "INVALID"


async def test_a_job_that_ends_without_having_canceled_is_a_no(web: Selling) -> None:
    (placed,) = await web.send(web.order(1))
    assert isinstance(placed, Done)
    assert placed.ref is not None
    command = CancelOrder(key="c", subject=placed.ref, reason="no more")
    (answer,) = await web.send(command)
    assert isinstance(answer, Accepted)
    assert isinstance(await web.find(command, answer.ticket), Accepted)
    await web.sandbox.fulfill(placed.ref.id)
    web.clock.forward(minutes=1)
    assert await web.find(command, answer.ticket) == Refused(
        code="NOT_CANCELED", message="the shop has tried, and has not canceled the order"
    )


async def test_an_order_that_is_canceled_already_is_canceled(web: Selling) -> None:
    (placed,) = await web.send(web.order(1))
    assert isinstance(placed, Done)
    assert placed.ref is not None
    await web.sandbox.cancel(placed.ref.id)
    assert await web.send(CancelOrder(key="c", subject=placed.ref, reason="")) == [Done(moved_stock=True)]


# ------------------------------------------------------------------------------------------------ sending


async def current(web: Selling, order: dict[str, Any]) -> dict[str, Any]:
    query = """query ($order: String!) { order(by: { accessToken: $order }) {
        version fulfillments { id version status } lines { nodes { id } }
    } }"""
    found: dict[str, Any] = (await web.client.data(query, order=order["accessToken"]))["order"]
    return found


async def ship(web: Selling, order: dict[str, Any], quantity: int, tracking: str) -> None:
    known = await current(web, order)
    (waiting,) = [one for one in known["fulfillments"] if one["status"] == "ACCEPTED"]
    sent = await staff(
        web,
        "fulfillmentShip",
        fulfillmentId=waiting["id"],
        version=waiting["version"],
        lines=[{"lineId": known["lines"]["nodes"][0]["id"], "quantity": quantity}],
        tracking=[{"number": tracking, "carrier": "Royal Mail"}],
    )
    assert codes(sent) == []


@pytest.mark.parametrize("lost", [None, True, False])
async def test_what_leaves_in_two_parcels_leaves_the_store_in_two_fulfillments(web: Selling, lost: bool | None) -> None:
    order = await web.bought(2)
    await web.later()
    await ship(web, order, 1, "RM-1")
    await web.later()
    if lost is not None:
        web.sandbox.manners.lost["Ship"] = lost
    await ship(web, order, 1, "RM-2")
    await web.later(3)
    (there,) = web.orders
    assert [one["tracking"]["number"] for one in there["fulfillments"]] == ["RM-1", "RM-2"]
    assert there["displayFulfillmentStatus"] == "FULFILLED" and web.counts("TEA-1", "leeds") == (1, 0, 1)
    assert (await status(web, order))[1:] == ("FULFILLED", "IN_TRANSIT") and await web.stock("TEA-1", "leeds") == (1, 0)


async def test_more_than_there_is_does_not_leave(web: Selling) -> None:
    (placed,) = await web.send(web.order(1))
    assert isinstance(placed, Done)
    assert placed.ref is not None
    (answer,) = await web.send(ShipOrder(key="s", subject=placed.ref, quantities={web.variant("TEA-1"): 2}))
    assert isinstance(answer, Refused) and answer.code == "NOT_THERE"
    await web.sandbox.cancel(placed.ref.id)
    (answer,) = await web.send(ShipOrder(key="s", subject=placed.ref, quantities={web.variant("TEA-1"): 1}))
    assert isinstance(answer, Refused) and answer.code == "CANCELED"


# ------------------------------------------------------------------------------------------------ stock


@pytest.mark.parametrize("lost", [None, True, False])
async def test_a_count_is_put_right_once(web: Selling, lost: bool | None) -> None:
    if lost is not None:
        web.sandbox.manners.lost["AdjustStock"] = lost
    given = {"variantId": await variant_id(web, "TEA-1"), "locationKey": "leeds", "expectedOnHand": 3, "onHand": 8}
    assert codes(await staff(web, "stockAdjust", reason="COUNT", **given)) == []
    await web.later(3)
    assert web.counts("TEA-1", "leeds") == (8, 0, 8)
    assert await web.stock("TEA-1", "leeds") == (8, 0) and await web.column(STATE) == ["SETTLED"]


async def test_a_change_of_stock_says_why_and_which_it_was(web: Selling) -> None:
    for reason in MovementReason:
        answers = await web.send(adjustment(web, 1, key=reason.value, reason=reason))
        assert answers == [Done(moved_stock=True)]
    told = [one["input"] for one in web.sandbox.shop.all("InventoryAdjustmentGroup")]
    assert [one["reason"] for one in told] == [REASONS[reason] for reason in MovementReason]
    assert told[0]["referenceDocumentUri"] == "gid://commerce-gateway/Movement/COUNT"


async def test_the_same_change_under_the_same_key_is_made_once(web: Selling) -> None:
    command = adjustment(web, -2)
    assert await web.send(command) == await web.send(command) == [Done(moved_stock=True)]
    assert web.counts("TEA-1", "leeds") == (1, 0, 1)


async def test_an_item_that_the_store_does_not_have_is_refused(web: Selling) -> None:
    (answer,) = await web.send(adjustment(web, -2, subject=Ref("9")))
    assert isinstance(answer, Refused) and answer.code == "INVALID_INVENTORY_ITEM"


def first(code: str) -> Callable[[str, Any], Any]:
    """The first change of stock is answered so, and not made."""
    left = [code]

    def twist(name: str, answer: Any) -> Any:
        if name != "AdjustStock" or not left:
            return answer
        field = "inventoryAdjustQuantities"
        return {"data": {field: {"inventoryAdjustmentGroup": None, "userErrors": [{"code": left.pop(), "field": []}]}}}

    return twist


async def test_an_attempt_that_failed_for_certain_is_made_again_under_another_key(web: Selling) -> None:
    web.sandbox.manners.twist = first("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")
    assert await web.send(adjustment(web, -1, key="a")) == [Done(moved_stock=True)]
    assert list(web.sandbox.shop.answered) == ["a", "a:1"]


@pytest.mark.parametrize(
    ("code", "error"),
    [("IDEMPOTENCY_CONCURRENT_REQUEST", OutcomeUnknownError), ("SERVICE_UNAVAILABLE", UnavailableError)],
)
async def test_a_change_that_cannot_be_made_now_is_tried_again(
    web: Selling, code: str, error: type[ChannelError]
) -> None:
    web.sandbox.manners.twist = first(code)
    (answer,) = await web.send(adjustment(web, -1))
    assert type(answer) is error


async def test_what_a_follower_offers_is_set_if_it_is_what_it_was_seen_to_be(web: Selling) -> None:
    assert await web.send(push(web, 7, 3)) == [Done()] == await web.send(push(web, 7, 3))
    assert web.counts("TEA-1", "leeds") == (7, 0, 7)
    (stale,) = await web.send(push(web, 5, 3, key="q"))
    assert isinstance(stale, Refused) and stale.code == "CHANGE_FROM_QUANTITY_STALE"
    assert await web.send(push(web, 5, 7, key="q")) == [Done()]  # worked out anew, under the same command
    assert await web.send(push(web, 4, None, key="r")) == [Done()]
    assert web.counts("TEA-1", "leeds") == (4, 0, 4)


# ------------------------------------------------------------------------------------------------ faults


def raise_if_error(*answers: Any) -> None:
    for answer in answers:
        if isinstance(answer, ChannelError):
            raise answer


FAULTS: dict[str, type[ChannelError]] = {
    "down": UnavailableError,
    "throttle": RateLimitedError,
    "auth": AuthError,
    "error": OutcomeUnknownError,
    "garbage": OutcomeUnknownError,
    "half": OutcomeUnknownError,
}


@pytest.mark.parametrize("mode", FAULTS)
async def test_each_fault_says_whether_something_may_have_happened(web: Selling, mode: str) -> None:
    await web.sandbox.fault(mode)
    with pytest.raises(FAULTS[mode]) as caught:
        raise_if_error(*await web.send(adjustment(web, -1)))
    assert "shpat_sandbox" not in str(caught.value)
    await web.sandbox.fault("ok")
    assert web.counts("TEA-1", "leeds") == ((2, 0, 2) if mode == "half" else (3, 0, 3))


async def test_a_store_that_hangs_may_have_done_it(database_url: str, tmp_path: Path) -> None:
    async with selling(database_url, tmp_path, call_deadline="2s") as web:
        await web.sandbox.fault("hang")
        order = await web.bought(2)
        await web.sandbox.fault("ok")
        await web.later(4)
        assert order["status"] == "PENDING" and (await status(web, order))[0] == "OPEN"
        assert len(web.orders) == 1 and web.counts("TEA-1", "leeds") == (1, 2, 3)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("THROTTLED", RateLimitedError),
        ("ACCESS_DENIED", AuthError),
        ("INTERNAL_SERVER_ERROR", OutcomeUnknownError),
        ("TIMEOUT", OutcomeUnknownError),
    ],
)
async def test_a_code_says_whether_something_may_have_happened(
    web: Selling, code: str, error: type[ChannelError]
) -> None:
    said = {"errors": [{"message": "", "path": ["orderCreate"], "extensions": {"code": code}}], "data": None}
    web.sandbox.manners.twist = lambda name, answer: said if name == "PlaceOrder" else answer
    with pytest.raises(error) as caught:
        raise_if_error(*await web.send(web.order()))
    assert code != "ACCESS_DENIED" or "write_orders" in str(caught.value)


# ------------------------------------------------------------------------------------------------ the whole


@pytest.mark.parametrize(
    ("config", "kinds"),
    [
        ({}, {"AdjustStock", "SetStock", "PlaceOrder", "CancelOrder", "ShipOrder"}),
        ({"writes": []}, set()),
        ({"writes": ["adjust_stock"]}, {"AdjustStock"}),
    ],
)
async def test_what_can_be_changed_follows_from_the_configuration(
    database_url: str, tmp_path: Path, config: dict[str, Any], kinds: set[str]
) -> None:
    async with selling(database_url, tmp_path, config=config) as web:
        assert {kind.__name__ for kind in web.gateway.syncing[CHANNEL].channel.writes} == kinds


async def test_webhooks_tell_of_what_the_gateway_itself_has_written(web: Selling) -> None:
    transport = httpx2.ASGITransport(create_app(web.gateway))
    web.sandbox.deliveries.client = httpx2.AsyncClient(transport=transport)
    web.sandbox.subscribe("http://gateway/webhooks/web")
    await web.bought(2)
    await web.sandbox.deliveries.sent()
    web.sandbox.manners.asked.clear()
    await web.gateway.run_due()
    assert {"InventoryItemById", "OrderById"} <= set(web.sandbox.manners.asked)
    assert sum(copy is not None for copy in await web.column(COPIES)) == 1
