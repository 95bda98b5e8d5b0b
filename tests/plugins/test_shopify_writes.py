"""Writes to a web store: executed once whatever is lost, and proved by the counts of the store."""

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
from gateway.commerce.channel_orders import reconciliation
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
from gateway_shopify.read_documents import KEY, NAMESPACE
from gateway_shopify.stock_writes import REASONS
from gateway_shopify_sandbox import fulfillment_orders
from tests.graphql.mutation_documents import list_user_error_codes
from tests.graphql.shopper import Shopper, run_as_staff
from tests.graphql.world import ADMIN
from tests.graphql.writable_channels import select_variant_id
from tests.plugins.shopify import CHANNEL, SOON
from tests.plugins.shopify_selling import ShopifySalesTestbed, get_amount, open_sales_testbed

pytestmark = [pytest.mark.anyio, pytest.mark.long]

STATE, PARTS, COPIES = tables.reservations.c.state, tables.channel_orders.c.state, tables.orders.c.attached_to
OUTBOX = tables.outbox.c.state


@pytest.fixture
async def web(database_url: str, tmp_path: Path) -> AsyncIterator[ShopifySalesTestbed]:
    async with open_sales_testbed(database_url, tmp_path) as opened:
        yield opened


def build_adjustment(web: ShopifySalesTestbed, delta: int, **more: Any) -> AdjustStock:
    item, location = Ref(web.find_item_id("TEA-1")), web.sandbox.locations["leeds"]
    return AdjustStock(**{"key": "k", "subject": item, "place": location, "delta": delta, **_SALE, **more})


_SALE: dict[str, Any] = {"reason": MovementReason.SALE}


def push(web: ShopifySalesTestbed, quantity: int, seen: int | None, key: str = "p") -> SetStock:
    item, location = web.find_item_id("TEA-1"), web.sandbox.locations["leeds"]
    return SetStock(key=key, subject=Ref("1"), item=item, place=location, quantity=quantity, seen=seen)


async def read_status(web: ShopifySalesTestbed, order: dict[str, Any]) -> tuple[str, str, str]:
    """Read the status of an order in the gateway."""
    query = """query ($order: String!) { order(by: { accessToken: $order }) {
        status fulfillmentStatus fulfillments { status }
    } }"""
    found = (await web.client.fetch_data(query, order=order["accessToken"]))["order"]
    return found["status"], found["fulfillmentStatus"], found["fulfillments"][0]["status"]


# ------------------------------------------------------------------------------------------------ placement


async def test_an_order_is_taken_and_leaves_from_its_place_and_is_in_the_stores_count(web: ShopifySalesTestbed) -> None:
    order = await web.submit_order(2)
    assert (order["status"], order["fulfillments"][0]["status"]) == ("OPEN", "ACCEPTED")
    assert web.read_store_counts("TEA-1", "leeds") == (1, 2, 3) and web.read_store_counts("TEA-1", "london") == (
        12,
        0,
        12,
    )
    await web.advance()
    assert await web.select_column(STATE) == ["SETTLED"] and await web.read_stock("TEA-1", "leeds") == (3, 0)


async def test_the_store_gets_what_the_customer_was_promised(web: ShopifySalesTestbed) -> None:
    order = await web.submit_order(2)
    (there,) = web.orders
    assert get_amount(there, "totalPriceSet") == Decimal(order["total"]["amount"])
    assert get_amount(there, "totalShippingPriceSet") == Decimal("3.00")
    assert get_amount(there, "totalTaxSet") == Decimal(order["taxTotal"]["amount"]) > 0
    assert (there["email"], there["note"]) == ("ada@example.com", f"Order {order['number']}")
    assert there["shippingAddress"]["name"] == "Ada Lovelace" and there["shippingAddress"]["countryCodeV2"] == "GB"
    assert (there["tags"], there["displayFinancialStatus"]) == (["commerce-gateway"], "PAID")
    assert there["metafields"][NAMESPACE, KEY]["value"] == there["sourceIdentifier"]


async def test_the_stores_own_record_of_it_is_the_same_order(web: ShopifySalesTestbed) -> None:
    order = await web.submit_order(1)
    await web.advance(2)
    found = await web.client.fetch_data("{ orders { nodes { number } } }", ADMIN)
    assert [one["number"] for one in found["orders"]["nodes"]].count(order["number"]) == 1
    assert len(found["orders"]["nodes"]) == 2 and sum(copy is not None for copy in await web.select_column(COPIES)) == 1


@pytest.mark.parametrize("carried_out", [True, False])
async def test_an_order_whose_answer_is_lost_is_there_once(web: ShopifySalesTestbed, carried_out: bool) -> None:
    web.sandbox.behavior.lost_responses["PlaceOrder"] = carried_out
    order = await web.submit_order(2)
    assert order["status"] == "PENDING" and len(web.orders) == carried_out
    await web.advance(3)
    assert (await read_status(web, order))[0] == "OPEN"
    assert len(web.orders) == 1 and web.read_store_counts("TEA-1", "leeds") == (1, 2, 3)
    await web.advance()
    assert await web.read_stock("TEA-1", "leeds") == (3, 0) and await web.select_column(OUTBOX) == ["DONE"]


async def test_a_lost_order_is_found_by_what_the_store_keeps_unique_and_not_by_its_feed(
    web: ShopifySalesTestbed,
) -> None:
    command = web.order()
    web.sandbox.behavior.lost_responses["PlaceOrder"] = True
    with pytest.raises(OutcomeUnknownError):
        raise_if_error(*await web.send(command))
    found = await web.find(command, None)
    assert isinstance(found, Done) and found.moved_stock
    assert found.ref is not None and found.ref.id in web.orders[0]["id"]
    assert await web.find(web.order(), None) is None


async def test_an_order_that_is_sent_twice_is_there_once(web: ShopifySalesTestbed) -> None:
    command = web.order(2)
    first, second = await web.send(command), await web.send(command)
    assert first == second and isinstance(first[0], Done)
    assert len(web.orders) == 1 and web.read_store_counts("TEA-1", "leeds") == (1, 2, 3)


async def test_what_the_store_has_not_got_is_refused(web: ShopifySalesTestbed) -> None:
    (answer,) = await web.send(web.order(16))
    assert isinstance(answer, Refused) and answer.code == "INVENTORY_CLAIM_FAILED"
    assert web.orders == []


async def test_an_order_that_was_sold_out_meanwhile_fails_and_gives_back_what_it_held(web: ShopifySalesTestbed) -> None:
    shopper = Shopper(web)
    await shopper.fill(CHANNEL, TEA_1=3)
    option = await shopper.find_option("SHIPPING", "leeds")
    for location in ("leeds", "london"):
        await web.sandbox.count_stock("TEA-1", location, 0)
    order = (await shopper.buy(option, by=ADMIN))["order"]
    await web.advance(2)
    assert (await read_status(web, order))[0] in ("FAILED", "CANCELLED") and web.orders == []
    assert await web.read_stock("TEA-1", "leeds") == (0, 0)


@pytest.mark.parametrize("carried_out", [True, False])
async def test_an_order_that_is_not_in_its_place_yet_is_not_taken_for_placed(
    web: ShopifySalesTestbed, carried_out: bool
) -> None:
    web.sandbox.behavior.lost_responses["MoveRoute"] = carried_out
    order = await web.submit_order(2)
    assert order["status"] == "PENDING" and len(web.orders) == 1
    await web.advance(2)
    assert (await read_status(web, order))[0] == "OPEN"
    assert web.read_store_counts("TEA-1", "leeds") == (1, 2, 3) and web.read_store_counts("TEA-1", "london") == (
        12,
        0,
        12,
    )


async def test_the_feed_does_not_say_yes_to_an_order_that_would_leave_from_elsewhere(web: ShopifySalesTestbed) -> None:
    assert await submit_order_before_move(web) == ["SUBMITTED"]


async def test_the_proof_without_that_rule_it_would(web: ShopifySalesTestbed) -> None:
    with patch.object(reconciliation, "_is_confirmation", lambda *_: True):
        assert await submit_order_before_move(web) == ["ACCEPTED"]


async def submit_order_before_move(web: ShopifySalesTestbed) -> list[Any]:
    """Order, and return the fulfillments once the feed has shown the order, while it would still ship from London."""
    web.sandbox.behavior.lost_responses["MoveRoute"] = False
    await web.submit_order(2)
    for _ in range(2):
        web.sandbox.behavior.lost_responses["OrderHandled"] = False
        await web.gateway.request_sync(CHANNEL)
        await web.gateway.run_due()
    assert web.read_store_counts("TEA-1", "london") == (10, 2, 12)
    return await web.select_column(PARTS)


async def test_an_order_that_cannot_leave_from_its_place_is_canceled_there_and_refused(
    web: ShopifySalesTestbed,
) -> None:
    command = web.order(1)
    web.sandbox.shop.levels[int(web.find_item_id("TEA-1"))].pop(int(web.sandbox.locations["leeds"]))
    (answer,) = await web.send(command)
    assert isinstance(answer, Accepted)
    web.clock.forward(minutes=1)
    found = await web.find(command, answer.ticket)
    assert isinstance(found, Refused) and found.code == "CANCELED"
    assert web.orders[0]["cancelledAt"] and web.read_store_counts("TEA-1", "london") == (12, 0, 12)


async def test_an_order_that_can_neither_be_moved_nor_canceled_is_for_a_person(web: ShopifySalesTestbed) -> None:
    web.sandbox.behavior.lost_responses["MoveRoute"] = False
    order = await web.submit_order(2)
    (route,) = web.orders[0]["fulfillmentOrders"]
    fulfillment_orders.ship_items(web.sandbox.shop, [(route, [(route["lineItems"][0], 1)])])
    web.sandbox.shop.levels[int(web.find_item_id("TEA-1"))].pop(int(web.sandbox.locations["leeds"]))
    await web.advance(20, minutes=6)
    assert await web.select_column(OUTBOX) == ["DEAD"] and (await read_status(web, order))[0] == "PENDING"


async def test_an_order_that_has_no_way_yet_waits_for_one(web: ShopifySalesTestbed) -> None:
    unrouted: list[Any] = []

    def remove_route(name: str, answer: Any) -> Any:
        if name == "PlaceOrder":
            answer["data"]["orderCreate"]["order"]["fulfillmentOrders"]["nodes"] = unrouted
        return answer

    web.sandbox.behavior.response_override = remove_route
    assert (await web.submit_order(2))["status"] == "PENDING"
    await web.advance()
    assert web.read_store_counts("TEA-1", "leeds") == (1, 2, 3) and await web.select_column(PARTS) == ["ACCEPTED"]


async def test_what_was_handed_over_in_a_shop_has_left_at_once(web: ShopifySalesTestbed) -> None:
    (answer,) = await web.send(web.order(2, fulfillment_status=OrderFulfillmentStatus.FULFILLED))
    assert isinstance(answer, Done) and web.orders[0]["displayFulfillmentStatus"] == "FULFILLED"
    assert web.read_store_counts("TEA-1", "leeds") == (1, 0, 1) and web.read_store_counts("TEA-1", "london") == (
        12,
        0,
        12,
    )
    assert web.orders[0]["transactions"][0]["amountSet"]["shopMoney"]["amount"] == "6.12"


async def test_the_definition_is_made_once_and_one_that_is_there_is_good(web: ShopifySalesTestbed) -> None:
    await web.send(web.order())
    await web.send(web.order())
    assert web.count_requests("DefineReference") == 1 and len(web.sandbox.shop.list_nodes("MetafieldDefinition")) == 1


async def test_nothing_is_placed_where_orders_cannot_be_distinguished(web: ShopifySalesTestbed) -> None:
    refused = {"data": {"metafieldDefinitionCreate": {"userErrors": [{"code": "LIMIT_EXCEEDED", "field": None}]}}}
    web.sandbox.behavior.response_override = lambda name, answer: refused if name == "DefineReference" else answer
    with pytest.raises(UnavailableError, match="LIMIT_EXCEEDED"):
        raise_if_error(*await web.send(web.order()))
    assert web.count_requests("PlaceOrder") == 0


async def measure_most_on_sale(web: ShopifySalesTestbed) -> int:
    """Measure the most tea on sale between the sale of two of fifteen and the store's count that shows it."""
    query = 'query ($id: ID!) { node(id: $id) { ... on ProductVariant { stock(channelKey: "web") { available } } } }'
    await web.submit_order(2)
    most = 0
    for _ in range(8):
        found = await web.client.fetch_data(query, ADMIN, id=await select_variant_id(web, "TEA-1"))
        most = max(most, found["node"]["stock"]["available"])
        await web.advance(seconds=10)
    return most


async def test_a_count_that_is_slow_to_show_an_order_does_not_put_it_on_sale_again(
    database_url: str, tmp_path: Path
) -> None:
    async with open_sales_testbed(database_url, tmp_path, lag=40) as web:
        assert await measure_most_on_sale(web) == 13
        await web.advance()
        assert await web.select_column(STATE) == ["SETTLED"] and await web.read_stock("TEA-1", "leeds") == (3, 0)


async def test_the_proof_if_its_answer_were_believed_at_once_it_would(database_url: str, tmp_path: Path) -> None:
    with patch.object(gateway_shopify, "STOCK_SETTLE_TIME", timedelta(0)):
        async with open_sales_testbed(database_url, tmp_path, lag=40) as web:
            assert await measure_most_on_sale(web) == 15


async def test_the_feed_contains_the_origin_of_an_order_and_its_location(web: ShopifySalesTestbed) -> None:
    command = web.order(2)
    await web.send(command)
    channel = web.gateway.channel_syncs[CHANNEL].channel
    page = await channel.page("orders", None, None, SOON)
    *_, record = await channel.read("orders", page.items)
    assert isinstance(record, OrderRecord)
    assert (record.client_reference, record.stock_posted) == (command.key, True)
    assert [line.place for line in record.lines] == [web.sandbox.locations["leeds"]]


# ------------------------------------------------------------------------------------------------ cancellation


@pytest.mark.parametrize("lost", [None, True, False])
async def test_a_canceled_order_is_canceled_there_and_gives_back_what_it_took(
    web: ShopifySalesTestbed, lost: bool | None
) -> None:
    order = await web.submit_order(2)
    await web.advance()
    version = (await fetch_order(web, order))["version"]
    if lost is not None:
        web.sandbox.behavior.lost_responses["CancelOrder"] = lost
    canceled = await run_as_staff(web, "orderCancel", orderId=order["id"], version=version)
    assert list_user_error_codes(canceled) == [] and canceled["order"]["status"] == "CANCELLING"
    await web.advance(4)
    assert (await read_status(web, order))[0] == "CANCELLED" and web.orders[0]["cancelledAt"]
    assert web.read_store_counts("TEA-1", "leeds") == (3, 0, 3) and await web.read_stock("TEA-1", "leeds") == (3, 0)


async def test_what_has_left_is_not_canceled(web: ShopifySalesTestbed) -> None:
    (placed,) = await web.send(web.order(1))
    assert isinstance(placed, Done)
    assert placed.ref is not None
    await web.sandbox.fulfill_order(placed.ref.id)
    (answer,) = await web.send(CancelOrder(key="c", subject=placed.ref, reason="no more"))
    assert isinstance(answer, Refused) and answer.code == "INVALID"


async def test_a_job_that_ends_without_having_canceled_is_a_no(web: ShopifySalesTestbed) -> None:
    (placed,) = await web.send(web.order(1))
    assert isinstance(placed, Done)
    assert placed.ref is not None
    command = CancelOrder(key="c", subject=placed.ref, reason="no more")
    (answer,) = await web.send(command)
    assert isinstance(answer, Accepted)
    assert isinstance(await web.find(command, answer.ticket), Accepted)
    await web.sandbox.fulfill_order(placed.ref.id)
    web.clock.forward(minutes=1)
    assert await web.find(command, answer.ticket) == Refused(
        code="NOT_CANCELED", message="the shop has not canceled the order"
    )


async def test_an_order_that_is_canceled_already_is_canceled(web: ShopifySalesTestbed) -> None:
    (placed,) = await web.send(web.order(1))
    assert isinstance(placed, Done)
    assert placed.ref is not None
    await web.sandbox.cancel_order(placed.ref.id)
    assert await web.send(CancelOrder(key="c", subject=placed.ref, reason="")) == [Done(moved_stock=True)]


# ------------------------------------------------------------------------------------------------ shipping


async def fetch_order(web: ShopifySalesTestbed, order: dict[str, Any]) -> dict[str, Any]:
    query = """query ($order: String!) { order(by: { accessToken: $order }) {
        version fulfillments { id version status } lines { nodes { id } }
    } }"""
    found: dict[str, Any] = (await web.client.fetch_data(query, order=order["accessToken"]))["order"]
    return found


async def ship(web: ShopifySalesTestbed, order: dict[str, Any], quantity: int, tracking: str) -> None:
    known = await fetch_order(web, order)
    (waiting,) = [one for one in known["fulfillments"] if one["status"] == "ACCEPTED"]
    sent = await run_as_staff(
        web,
        "fulfillmentShip",
        fulfillmentId=waiting["id"],
        version=waiting["version"],
        lines=[{"lineId": known["lines"]["nodes"][0]["id"], "quantity": quantity}],
        tracking=[{"number": tracking, "carrier": "Royal Mail"}],
    )
    assert list_user_error_codes(sent) == []


@pytest.mark.parametrize("lost", [None, True, False])
async def test_what_leaves_in_two_parcels_leaves_the_store_in_two_fulfillments(
    web: ShopifySalesTestbed, lost: bool | None
) -> None:
    order = await web.submit_order(2)
    await web.advance()
    await ship(web, order, 1, "RM-1")
    await web.advance()
    if lost is not None:
        web.sandbox.behavior.lost_responses["Ship"] = lost
    await ship(web, order, 1, "RM-2")
    await web.advance(3)
    (there,) = web.orders
    assert [one["tracking"]["number"] for one in there["fulfillments"]] == ["RM-1", "RM-2"]
    assert there["displayFulfillmentStatus"] == "FULFILLED" and web.read_store_counts("TEA-1", "leeds") == (1, 0, 1)
    assert (await read_status(web, order))[1:] == ("FULFILLED", "IN_TRANSIT") and await web.read_stock(
        "TEA-1", "leeds"
    ) == (
        1,
        0,
    )


async def test_more_than_there_is_does_not_leave(web: ShopifySalesTestbed) -> None:
    (placed,) = await web.send(web.order(1))
    assert isinstance(placed, Done)
    assert placed.ref is not None
    (answer,) = await web.send(ShipOrder(key="s", subject=placed.ref, quantities={web.find_variant_id("TEA-1"): 2}))
    assert isinstance(answer, Refused) and answer.code == "NOT_THERE"
    await web.sandbox.cancel_order(placed.ref.id)
    (answer,) = await web.send(ShipOrder(key="s", subject=placed.ref, quantities={web.find_variant_id("TEA-1"): 1}))
    assert isinstance(answer, Refused) and answer.code == "CANCELED"


# ------------------------------------------------------------------------------------------------ stock


@pytest.mark.parametrize("lost", [None, True, False])
async def test_a_count_is_put_right_once(web: ShopifySalesTestbed, lost: bool | None) -> None:
    if lost is not None:
        web.sandbox.behavior.lost_responses["AdjustStock"] = lost
    given = {
        "variantId": await select_variant_id(web, "TEA-1"),
        "locationKey": "leeds",
        "expectedOnHand": 3,
        "onHand": 8,
    }
    assert list_user_error_codes(await run_as_staff(web, "stockAdjust", reason="COUNT", **given)) == []
    await web.advance(3)
    assert web.read_store_counts("TEA-1", "leeds") == (8, 0, 8)
    assert await web.read_stock("TEA-1", "leeds") == (8, 0) and await web.select_column(STATE) == ["SETTLED"]


async def test_a_change_of_stock_says_why_and_which_it_was(web: ShopifySalesTestbed) -> None:
    for reason in MovementReason:
        answers = await web.send(build_adjustment(web, 1, key=reason.value, reason=reason))
        assert answers == [Done(moved_stock=True)]
    record = [one["input"] for one in web.sandbox.shop.list_nodes("InventoryAdjustmentGroup")]
    assert [one["reason"] for one in record] == [REASONS[reason] for reason in MovementReason]
    assert record[0]["referenceDocumentUri"] == "gid://commerce-gateway/Movement/COUNT"


async def test_the_same_change_under_the_same_key_is_made_once(web: ShopifySalesTestbed) -> None:
    command = build_adjustment(web, -2)
    assert await web.send(command) == await web.send(command) == [Done(moved_stock=True)]
    assert web.read_store_counts("TEA-1", "leeds") == (1, 0, 1)


async def test_an_item_that_the_store_does_not_have_is_refused(web: ShopifySalesTestbed) -> None:
    (answer,) = await web.send(build_adjustment(web, -2, subject=Ref("9")))
    assert isinstance(answer, Refused) and answer.code == "INVALID_INVENTORY_ITEM"


def build_first_failure(code: str) -> Callable[[str, Any], Any]:
    """Build a override that answers the first stock change with this error and does not apply it."""
    left = [code]

    def fail_first(name: str, answer: Any) -> Any:
        if name != "AdjustStock" or not left:
            return answer
        field = "inventoryAdjustQuantities"
        return {"data": {field: {"inventoryAdjustmentGroup": None, "userErrors": [{"code": left.pop(), "field": []}]}}}

    return fail_first


async def test_an_attempt_that_failed_for_certain_is_made_again_under_another_key(web: ShopifySalesTestbed) -> None:
    web.sandbox.behavior.response_override = build_first_failure("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")
    assert await web.send(build_adjustment(web, -1, key="a")) == [Done(moved_stock=True)]
    assert list(web.sandbox.shop.idempotent_answers) == ["a", "a:1"]


@pytest.mark.parametrize(
    ("code", "error"),
    [("IDEMPOTENCY_CONCURRENT_REQUEST", OutcomeUnknownError), ("SERVICE_UNAVAILABLE", UnavailableError)],
)
async def test_a_change_that_cannot_be_made_now_is_tried_again(
    web: ShopifySalesTestbed, code: str, error: type[ChannelError]
) -> None:
    web.sandbox.behavior.response_override = build_first_failure(code)
    (answer,) = await web.send(build_adjustment(web, -1))
    assert type(answer) is error


async def test_what_a_follower_offers_is_set_if_it_is_what_it_was_seen_to_be(web: ShopifySalesTestbed) -> None:
    assert await web.send(push(web, 7, 3)) == [Done()] == await web.send(push(web, 7, 3))
    assert web.read_store_counts("TEA-1", "leeds") == (7, 0, 7)
    (stale,) = await web.send(push(web, 5, 3, key="q"))
    assert isinstance(stale, Refused) and stale.code == "CHANGE_FROM_QUANTITY_STALE"
    assert await web.send(push(web, 5, 7, key="q")) == [Done()]  # computed again, under the same command
    assert await web.send(push(web, 4, None, key="r")) == [Done()]
    assert web.read_store_counts("TEA-1", "leeds") == (4, 0, 4)


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
async def test_each_fault_says_whether_something_may_have_happened(web: ShopifySalesTestbed, mode: str) -> None:
    await web.sandbox.fault(mode)
    with pytest.raises(FAULTS[mode]) as caught:
        raise_if_error(*await web.send(build_adjustment(web, -1)))
    assert "shpat_sandbox" not in str(caught.value)
    await web.sandbox.fault("ok")
    assert web.read_store_counts("TEA-1", "leeds") == ((2, 0, 2) if mode == "half" else (3, 0, 3))


async def test_a_store_that_hangs_may_have_done_it(database_url: str, tmp_path: Path) -> None:
    async with open_sales_testbed(database_url, tmp_path, call_deadline="2s") as web:
        await web.sandbox.fault("hang")
        order = await web.submit_order(2)
        await web.sandbox.fault("ok")
        await web.advance(4)
        assert order["status"] == "PENDING" and (await read_status(web, order))[0] == "OPEN"
        assert len(web.orders) == 1 and web.read_store_counts("TEA-1", "leeds") == (1, 2, 3)


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
    web: ShopifySalesTestbed, code: str, error: type[ChannelError]
) -> None:
    said = {"errors": [{"message": "", "path": ["orderCreate"], "extensions": {"code": code}}], "data": None}
    web.sandbox.behavior.response_override = lambda name, answer: said if name == "PlaceOrder" else answer
    with pytest.raises(error) as caught:
        raise_if_error(*await web.send(web.order()))
    assert code != "ACCESS_DENIED" or "write_orders" in str(caught.value)


# ------------------------------------------------------------------------------------------------ the whole


@pytest.mark.parametrize(
    ("config", "kinds"),
    [
        ({}, {"AdjustStock", "SetStock", "PlaceOrder", "CancelOrder", "ShipOrder", "SetConsent", "EraseCustomer"}),
        ({"writes": []}, set()),
        ({"writes": ["adjust_stock"]}, {"AdjustStock"}),
    ],
)
async def test_what_can_be_changed_follows_from_the_configuration(
    database_url: str, tmp_path: Path, config: dict[str, Any], kinds: set[str]
) -> None:
    async with open_sales_testbed(database_url, tmp_path, config=config) as web:
        assert {kind.__name__ for kind in web.gateway.channel_syncs[CHANNEL].channel.writes} == kinds


async def test_webhooks_report_writes_of_the_gateway_itself(web: ShopifySalesTestbed) -> None:
    transport = httpx2.ASGITransport(create_app(web.gateway))
    web.sandbox.deliveries.client = httpx2.AsyncClient(transport=transport)
    web.sandbox.subscribe("http://gateway/webhooks/web")
    await web.submit_order(2)
    await web.sandbox.deliveries.wait_until_sent()
    web.sandbox.behavior.operations.clear()
    await web.gateway.run_due()
    assert {"InventoryItemById", "OrderById"} <= set(web.sandbox.behavior.operations)
    assert sum(copy is not None for copy in await web.select_column(COPIES)) == 1
