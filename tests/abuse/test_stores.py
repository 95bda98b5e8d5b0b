"""Goods are taken away only where staff of the store sells them, and staff act at their own locations."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.model.ids import GlobalId
from tests.abuse.conftest import LEEDS, LONDON, open_retailer
from tests.graphql.shopper import Shopper
from tests.graphql.world import ADMIN, World, build_global_id
from tests.graphql.writable_channels import read_on_hand, select_variant_id

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ON_COLLECTION = {"kind": "ON_COLLECTION"}
TENDERED = {"kind": "TENDERED", "provider": "cash"}


def list_methods(options: list[dict[str, Any]]) -> set[str]:
    return {part["method"] for option in options for part in option["parts"]}


async def test_no_client_without_a_token_is_offered_goods_to_take_away(retailer: World) -> None:
    shopper = Shopper(retailer)
    await shopper.fill("web", MUG=1)
    assert list_methods(await shopper.list_options()) == {"PICKUP", "SHIPPING"}


async def test_an_option_that_staff_got_is_not_accepted_from_somebody_else(retailer: World) -> None:
    clerk = Shopper(retailer, LONDON)
    await clerk.fill("web", MUG=1)
    option = await clerk.find_option("IN_STORE", "london")
    before = read_on_hand(retailer.stores["till"], "t-mug", "L")
    for token in (None, LEEDS):
        refused = await clerk.buy(option, by=token) if token else await Shopper(retailer, cart=clerk.cart).buy(option)
        assert [error["code"] for error in refused["userErrors"]] == ["LOCATION_NOT_ALLOWED"]
        assert refused["order"] is None
    await retailer.gateway.run_due()
    assert read_on_hand(retailer.stores["till"], "t-mug", "L") == before


async def test_the_proof_without_the_guard_anyone_takes_goods_away(
    retailer: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.commerce.permissions.Permissions.can_take_away_at", lambda _self, _location: True)
    shopper = Shopper(retailer)
    await shopper.fill("web", MUG=1)
    assert "IN_STORE" in list_methods(await shopper.list_options())


async def test_staff_is_offered_the_own_store_only(retailer: World) -> None:
    clerk = Shopper(retailer, LEEDS)
    await clerk.fill("till", MUG=1)
    stores = {
        part["location"]["key"]
        for option in await clerk.list_options()
        for part in option["parts"]
        if part["method"] == "IN_STORE"
    }
    assert stores == {"leeds"}


async def test_goods_count_as_collected_only_when_they_are_paid(retailer: World) -> None:
    clerk = Shopper(retailer, LONDON)
    await clerk.fill("web", MUG=1)
    unpaid = await clerk.buy(
        await clerk.find_option("IN_STORE", "london"), payments=[build_payment(clerk, ON_COLLECTION)]
    )
    (part,) = unpaid["order"]["fulfillments"]
    assert (part["status"], unpaid["order"]["paymentStatus"]) == ("READY_FOR_PICKUP", "UNPAID")
    assert unpaid["order"]["fulfillmentStatus"] == "UNFULFILLED"
    await clerk.fill("web", MUG=1)
    paid = await clerk.buy(await clerk.find_option("IN_STORE", "london"), payments=[build_payment(clerk, TENDERED)])
    (part,) = paid["order"]["fulfillments"]
    assert (part["status"], paid["order"]["status"]) == ("COLLECTED", "COMPLETED")


def build_payment(shopper: Shopper, kind: dict[str, str]) -> dict[str, Any]:
    return {**kind, "amount": {"amount": shopper.cart["total"]["amount"], "currencyCode": "GBP"}}


async def test_options_are_limited_to_methods(retailer: World) -> None:
    clerk = Shopper(retailer, LONDON)
    await clerk.fill("web", MUG=1)
    query = """query ($cart: String!, $methods: [FulfillmentMethod!]) {
      fulfillmentOptions(cartToken: $cart, methods: $methods) { parts { method location { key } } }
    }"""
    for methods in (["PICKUP"], ["SHIPPING"], ["IN_STORE", "SHIPPING"]):
        found = await retailer.client.fetch_data(query, LONDON, cart=clerk.cart["token"], methods=methods)
        assert list_methods(found["fulfillmentOptions"]) <= set(methods) and found["fulfillmentOptions"]


async def test_a_shop_does_not_see_or_change_fulfillments_of_another(retailer: World) -> None:
    shopper = Shopper(retailer, ADMIN)
    await shopper.fill("web", MUG=1)
    placed = await shopper.buy(await shopper.find_option("PICKUP", "london"))
    (part,) = placed["order"]["fulfillments"]
    given = {"fulfillmentId": part["id"], "version": part["version"]}
    for name, more in (
        ("fulfillmentMarkReady", given),
        ("fulfillmentReject", {**given, "reason": "none left"}),
        ("fulfillmentShip", given),
        ("fulfillmentCollect", {"fulfillmentId": part["id"], "pickupCode": "000000"}),
    ):
        refused = await shopper.ask(name, by=LEEDS, **more)
        assert [error["code"] for error in refused["userErrors"]] == ["LOCATION_NOT_ALLOWED"], name
        assert refused["fulfillment"] is None
    query = """query ($id: ID!, $order: ID!) {
      node(id: $id) { id } fulfillments(locationKey: "london") { nodes { id } }
      order(by: {id: $order}) { fulfillments { id } }
    }"""
    there = await retailer.client.fetch_data(query, LEEDS, id=part["id"], order=placed["order"]["id"])
    assert there == {"node": None, "fulfillments": None, "order": {"fulfillments": []}}
    here = await retailer.client.fetch_data(query, LONDON, id=part["id"], order=placed["order"]["id"])
    assert here["node"] == {"id": part["id"]} and len(here["fulfillments"]["nodes"]) == 1
    ready = await shopper.ask("fulfillmentMarkReady", by=LONDON, **given)
    assert ready["userErrors"] == []


async def test_a_shop_does_not_count_reserve_or_transfer_stock_of_another(retailer: World) -> None:
    mug = await select_variant_id(retailer, "MUG")
    shop = Shopper(retailer, LEEDS)
    count: dict[str, Any] = {"variantId": mug, "expectedOnHand": 40, "onHand": 1, "reason": "DAMAGE"}
    line: dict[str, Any] = {"variantId": mug, "locationKey": "london", "quantity": 1}
    for name, given in (
        ("stockAdjust", {**count, "locationKey": "london"}),
        ("stockReserve", {"lines": [line], "holdSeconds": 60}),
        ("stockTransfer", {"variantId": mug, "fromLocationKey": "london", "toLocationKey": "leeds", "quantity": 1}),
        ("stockTransfer", {"variantId": mug, "fromLocationKey": "leeds", "toLocationKey": "london", "quantity": 1}),
    ):
        refused = await shop.ask(name, **given)
        assert [error["code"] for error in refused["userErrors"]] == ["LOCATION_NOT_ALLOWED"], name
    held = await shop.ask("stockReserve", by=LONDON, lines=[line], holdSeconds=60)
    (reservation,) = held["reservations"]
    released = await shop.ask("stockRelease", reservationIds=[reservation["id"]])
    assert [error["code"] for error in released["userErrors"]] == ["NOT_FOUND"]
    query = """query ($level: ID!, $reservation: ID!) {
      nodes(ids: [$level, $reservation]) { id } stockLevels(locationKey: "london") { nodes { id } }
    }"""
    level = build_global_id("StockLevel", *read_level_key(mug), "london")
    seen = await retailer.client.fetch_data(query, LEEDS, level=level, reservation=reservation["id"])
    assert seen == {"nodes": [None, None], "stockLevels": None}


def read_level_key(variant: str) -> tuple[str, ...]:
    return GlobalId.parse(variant).parts


async def test_the_viewer_of_a_shop_names_its_locations(database_url: str) -> None:
    async with open_retailer(database_url) as world:
        query = "{ viewer { name kind locations { key } sellableChannels { key } expiresAt } }"
        viewer = (await world.client.fetch_data(query, LEEDS))["viewer"]
        assert (viewer["name"], viewer["kind"], viewer["expiresAt"]) == ("leeds", "STAFF", None)
        assert [location["key"] for location in viewer["locations"]] == ["leeds"]
        assert {channel["key"] for channel in viewer["sellableChannels"]} == {"till", "web"}
        anonymous = (await world.client.fetch_data(query))["viewer"]
        assert anonymous["name"] is None and len(anonymous["locations"]) == 3
