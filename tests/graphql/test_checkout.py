"""Carts, fulfillment options and orders: on the web, at the till, and across both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.graphql.mutation_documents import list_user_error_codes
from tests.graphql.shopper import TABLES, Shopper, build_stores, run_as_staff, to_cents
from tests.graphql.world import ADMIN, World, open_world
from tests.graphql.writable_channels import list_reservation_states, read_counter, read_on_hand

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **TABLES) as world:
        yield world


@pytest.fixture
def shopper(world: World) -> Shopper:
    return Shopper(world)


def format_instant(moment: datetime) -> str:
    """Format an instant as the schema does."""
    return moment.isoformat().replace("+00:00", "Z")


def list_kinds(order: dict[str, Any]) -> list[str]:
    return [event["kind"] for event in order["events"]["nodes"]]


# ------------------------------------------------------------------------------------------------ carts


async def test_a_cart_has_prices_taxes_and_a_token(shopper: Shopper) -> None:
    payload = await shopper.fill("till", MUG=2)
    cart = payload["cart"]
    assert list_user_error_codes(payload) == [] and cart["token"] and cart["version"] == 1
    assert [(line["sku"], line["quantity"], line["total"]["amount"]) for line in cart["lines"]] == [("MUG", 2, "9.00")]
    assert cart["subtotal"]["amount"] == "9.00" and cart["total"]["amount"] == "9.00"
    assert cart["taxTotal"]["amount"] == "1.50"


async def test_what_a_channel_does_not_sell_does_not_go_into_its_carts(shopper: Shopper) -> None:
    payload = await shopper.fill("till", TEE_B=1)
    assert list_user_error_codes(payload) == ["NOT_OFFERED"] and payload["cart"] is None


async def test_a_cart_carried_to_another_channel_has_its_prices_and_a_new_token(shopper: Shopper) -> None:
    await shopper.fill("web", MUG=1)
    old = shopper.cart["token"]
    payload = await shopper.ask("cartMove", cartToken=old, channelKey="till")
    assert payload["cart"]["lines"][0]["unitPrice"]["amount"] == "4.50"
    assert [one["code"] for one in payload["warnings"]] == ["PRICE_CHANGED"]
    assert payload["cart"]["token"] != old
    assert list_user_error_codes(await shopper.ask("cartMove", cartToken=old, channelKey="web")) == ["NOT_FOUND"]


# ------------------------------------------------------------------------------------------------ options


async def test_a_mug_can_be_taken_away_collected_or_sent(shopper: Shopper) -> None:
    await shopper.fill("till", MUG=1)
    shopper.token = ADMIN  # only staff sells goods that are taken away
    found = await shopper.list_options()
    assert {(one["label"], one["parts"][0]["method"]) for one in found} == {
        ("Take away in London", "IN_STORE"),
        ("Take away in Leeds", "IN_STORE"),
        ("Pickup in London", "PICKUP"),
        ("Pickup in Leeds", "PICKUP"),
        ("Delivery", "SHIPPING"),
    }
    assert all(one["uncovered"] == [] for one in found)


async def test_a_product_page_says_when_it_could_be_collected_where(world: World) -> None:
    """London has stock now; Leeds holds back its last two, so units are transferred; the till of York takes no
    commands.
    """
    query = """query ($sku: [String!]) { productVariants(filter: {skus: $sku}) { nodes { storeAvailability {
        nodes { location { key } available readyAt } } } } }"""
    world.stores["till"].change("stock", "t-mug@M", on_hand=2)
    await world.gateway.request_sync("till")
    await world.gateway.run_due()
    (variant,) = (await world.client.fetch_data(query, sku=["MUG"]))["productVariants"]["nodes"]
    found = {one["location"]["key"]: one for one in variant["storeAvailability"]["nodes"]}
    now = world.clock()
    assert found["london"]["readyAt"] == format_instant(now + timedelta(hours=2))
    assert found["leeds"]["available"] == 0 and found["leeds"]["readyAt"] == format_instant(now + timedelta(days=2))


async def test_what_cannot_be_collected_anywhere_is_ready_nowhere(world: World) -> None:
    query = """query ($sku: [String!]) { productVariants(filter: {skus: $sku}) { nodes { storeAvailability {
        nodes { readyAt } } } } }"""
    for store, record in (("till", "t-mug@L"), ("till", "t-mug@M"), ("web", "w-mug@D")):
        world.stores[store].change("stock", record, on_hand=0)
        await world.gateway.request_sync(store)
    await world.gateway.run_due()
    (variant,) = (await world.client.fetch_data(query, sku=["MUG"]))["productVariants"]["nodes"]
    assert [one["readyAt"] for one in variant["storeAvailability"]["nodes"]] == [None, None]


async def test_the_nearest_comes_first(shopper: Shopper) -> None:
    await shopper.fill("web", MUG=1)
    leeds = await shopper.list_options(latitude=53.8, longitude=-1.55)
    london = await shopper.list_options(latitude=51.5, longitude=-0.15)
    assert leeds[0]["parts"][0]["location"]["key"] in ("leeds", "depot")
    assert london[0]["parts"][0]["location"]["key"] == "london"


async def test_units_that_a_shop_lacks_are_transferred_there_from_the_depot(shopper: Shopper) -> None:
    await shopper.fill("web", MUG=3)
    found = [one for one in await shopper.list_options() if one["label"] == "Pickup in Leeds"]
    parts = [(one["transferFrom"], sum(line["quantity"] for line in one["lines"])) for one in found[0]["parts"]]
    assert parts == [(None, 1), ({"key": "depot"}, 2)]


async def test_units_that_no_location_has_are_reported_as_uncovered(shopper: Shopper, world: World) -> None:
    await shopper.fill("web", TEE_R=1)
    world.stores["web"].change("stock", "w-red@D", on_hand=0)
    world.stores["till"].change("stock", "t-tee@M", on_hand=0)
    world.clock.forward(hours=1)
    await world.gateway.run_due()
    assert await shopper.list_options() == []


# ------------------------------------------------------------------------------------------------ orders


async def test_an_order_that_the_web_store_sends(shopper: Shopper, world: World) -> None:
    await shopper.fill("web", MUG=2)
    option = await shopper.find_option("SHIPPING", "depot")
    payload = await shopper.buy(option)
    order = payload["order"]
    assert list_user_error_codes(payload) == [] and order["status"] == "OPEN" and order["paymentStatus"] == "PAID"
    assert order["accessToken"] and order["total"]["amount"] == "13.00" and order["shippingTotal"]["amount"] == "3.00"
    assert [one["status"] for one in order["fulfillments"]] == ["ACCEPTED"]
    assert list_kinds(order) == ["PLACED", "PAID", "SUBMITTED", "ACCEPTED"]
    await world.gateway.run_due()
    assert read_on_hand(world.stores["web"], "w-mug", "D") == 3
    assert await read_counter(world, "w-mug", "D") == (3, 0) and await list_reservation_states(world) == ["SETTLED"]


async def test_an_order_taken_away_in_the_shop(shopper: Shopper, world: World) -> None:
    await shopper.fill("till", MUG=2)
    money, shopper.token = {"amount": "9.00", "currencyCode": "GBP"}, ADMIN
    option = await shopper.find_option("IN_STORE", "london")
    paid = [{"kind": "TENDERED", "provider": "cash", "amount": money}]
    payload = await shopper.buy(option, by=ADMIN, payments=paid)
    order = payload["order"]
    assert list_user_error_codes(payload) == [] and order["status"] == "COMPLETED" and order["paymentStatus"] == "PAID"
    assert order["fulfillmentStatus"] == "FULFILLED" and order["location"] == {"key": "london"}
    await world.gateway.run_due()
    assert read_on_hand(world.stores["till"], "t-mug", "L") == 38 and await read_counter(world, "t-mug", "L") == (38, 0)


async def test_an_order_collected_in_leeds_with_a_transfer_from_the_depot(shopper: Shopper, world: World) -> None:
    await shopper.fill("web", MUG=3)
    (option,) = [one for one in await shopper.list_options() if one["label"] == "Pickup in Leeds"]
    on_collection = [{"kind": "ON_COLLECTION", "amount": {"amount": "15.00", "currencyCode": "GBP"}}]
    order = (await shopper.buy(option, payments=on_collection))["order"]
    assert order["status"] == "OPEN" and "TRANSFER_REQUESTED" in list_kinds(order)
    assert sorted(one["status"] for one in order["fulfillments"]) == ["ACCEPTED", "PENDING"]
    await world.gateway.run_due()
    assert (
        read_on_hand(world.stores["web"], "w-mug", "D") == 3 and read_on_hand(world.stores["till"], "t-mug", "M") == 2
    )
    for one in order["fulfillments"]:
        ready = await run_as_staff(world, "fulfillmentMarkReady", fulfillmentId=one["id"], version=one["version"])
        assert ready["fulfillment"]["status"] == "READY_FOR_PICKUP" and ready["fulfillment"]["pickupCode"] is None
        got = await run_as_staff(world, "fulfillmentCollect", fulfillmentId=one["id"], pickupCode=one["pickupCode"])
        assert list_user_error_codes(got) == [] and got["fulfillment"]["status"] == "COLLECTED"
    query = "query ($order: String!) { order(by: { accessToken: $order }) { status paymentStatus fulfillmentStatus } }"
    found = (await world.client.fetch_data(query, order=order["accessToken"]))["order"]
    assert found == {"status": "COMPLETED", "paymentStatus": "PAID", "fulfillmentStatus": "FULFILLED"}


async def test_a_canceled_order_gives_back_what_it_took(shopper: Shopper, world: World) -> None:
    await shopper.fill("web", MUG=2)
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
    await world.gateway.run_due()
    canceled = await run_as_staff(world, "orderCancel", orderId=order["id"], version=order["version"])
    assert list_user_error_codes(canceled) == [] and canceled["order"]["status"] == "CANCELLED"
    await world.gateway.run_due()
    assert read_on_hand(world.stores["web"], "w-mug", "D") == 5 and await read_counter(world, "w-mug", "D") == (5, 0)


async def test_the_channels_own_record_of_it_is_the_same_order(shopper: Shopper, world: World) -> None:
    await shopper.fill("web", MUG=2)
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
    world.clock.forward(hours=1)
    await world.gateway.run_due()
    found = await world.client.fetch_data("{ orders { nodes { number channel { key } } } }", ADMIN)
    assert [one["number"] for one in found["orders"]["nodes"]].count(order["number"]) == 1
    assert len(found["orders"]["nodes"]) == 4  # three existed before


async def test_the_last_one_is_sold_once(world: World) -> None:
    both = [Shopper(world), Shopper(world)]
    chosen = []
    for shopper in both:
        await shopper.fill("web", MUG=5)
        chosen.append(await shopper.find_option("SHIPPING", "depot"))
    answers = [await shopper.buy(option, by=ADMIN) for shopper, option in zip(both, chosen, strict=True)]
    assert [list_user_error_codes(answer) for answer in answers] == [[], ["OUT_OF_STOCK"]]
    assert to_cents(both[0].cart["total"]) == 2500


async def test_a_preview_says_what_would_be_written_and_writes_nothing(shopper: Shopper, world: World) -> None:
    query = """query ($input: OrderPreviewInput!) { orderPreview(input: $input) { total { amount }
        reservations { quantity location { key } variant { sku } } steps { channel { key } operation }
        userErrors { code } } }"""
    await shopper.fill("web", MUG=3)
    (option,) = [one for one in await shopper.list_options() if one["label"] == "Pickup in Leeds"]
    asked = {"cartToken": shopper.cart["token"], "fulfillmentOptionToken": option["token"]}
    found = (await world.client.fetch_data(query, input=asked))["orderPreview"]
    assert found["total"] == {"amount": "15.00"} and found["userErrors"] == []
    assert [(one["quantity"], one["location"]["key"]) for one in found["reservations"]] == [(1, "leeds"), (2, "depot")]
    assert [(one["channel"]["key"], one["operation"]) for one in found["steps"]] == [
        ("till", "AdjustStock"),
        ("web", "AdjustStock"),
    ]
    assert await list_reservation_states(world) == [] and await read_counter(world, "w-mug", "D") == (5, 0)
    wrong = (await world.client.fetch_data(query, input=asked | {"fulfillmentOptionToken": "x"}))["orderPreview"]
    assert wrong["userErrors"] == [{"code": "INVALID"}]
