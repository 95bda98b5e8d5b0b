"""Carts as credentials: who can see and change one, who cannot, and what a shopper is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from gateway.sdk.testing import rows
from tests.graphql.buying import TABLES, Shopper, key, staff, stores
from tests.graphql.mutating import codes, document
from tests.graphql.selling import WRITES, variant_id
from tests.graphql.world import ADMIN, CLERK, World, global_id, opened

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

CART = """query ($cart: String!) {
  cart(token: $cart) { id token version status lines { quantity } changes(sinceVersion: 0) { kind } } }"""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with opened(database_url, stores(), **TABLES) as world:
        yield world


@pytest.fixture
async def shopper(world: World) -> Shopper:
    shopper = Shopper(world)
    await shopper.fill("web", MUG=2)
    return shopper


async def shown(world: World, token: str, by: str | None = None) -> Any:
    return (await world.client.data(CART, by, cart=token))["cart"]


async def by_id(world: World, id_: str, by: str | None = None) -> Any:
    query = "query ($id: ID!) { node(id: $id) { ... on Cart { id token lines { quantity } } } }"
    return (await world.client.data(query, by, id=id_))["node"]


# ------------------------------------------------------------------------------------------------ stealing


async def test_whoever_holds_the_token_sees_the_cart(world: World, shopper: Shopper) -> None:
    found = await shown(world, shopper.cart["token"])
    assert found["token"] == shopper.cart["token"] and found["lines"] == [{"quantity": 2}]


async def test_the_id_alone_shows_nothing(world: World, shopper: Shopper) -> None:
    assert await by_id(world, shopper.cart["id"]) is None
    assert await by_id(world, shopper.cart["id"], CLERK) is None


async def test_whoever_may_read_carts_sees_it_and_not_its_token(world: World, shopper: Shopper) -> None:
    found = await by_id(world, shopper.cart["id"], ADMIN)
    assert found["lines"] == [{"quantity": 2}] and found["token"] is None


@pytest.mark.parametrize("change", ["flip", "other", "id", "long", "empty", "unicode"])
async def test_a_token_that_is_nearly_right_is_none(world: World, shopper: Shopper, change: str) -> None:
    other = Shopper(world)
    await other.fill("web", MUG=1)
    token, theirs = shopper.cart["token"], other.cart["token"]
    forged = {
        "flip": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "other": token.split(".")[0] + "." + theirs.split(".")[1],
        "id": token.split(".")[0],
        "long": token + "x" * 100_000,
        "empty": "",
        "unicode": token[:-1] + "\u00e9",
    }[change]
    assert await shown(world, forged) is None
    payload = await shopper.ask("cartLinesRemove", cartToken=forged, lineIds=[])
    assert codes(payload) == ["NOT_FOUND"] and payload["cart"] is None


async def test_a_token_of_before_a_move_is_good_no_more(world: World, shopper: Shopper) -> None:
    old = shopper.cart["token"]
    await shopper.ask("cartMove", cartToken=old, channelKey="web")
    assert await shown(world, old) is None
    line = {"variantId": await variant_id(world, "MUG"), "quantity": 1}
    assert codes(await shopper.ask("cartLinesAdd", cartToken=old, lines=[line])) == ["NOT_FOUND"]


async def test_an_option_for_another_cart_orders_nothing(world: World, shopper: Shopper) -> None:
    thief = Shopper(world)
    await thief.fill("web", MUG=2)
    option = await shopper.option("SHIPPING", "depot")
    assert codes(await thief.buy(option)) == ["INVALID"]


async def test_a_token_is_neither_taken_nor_given_by_get(world: World, shopper: Shopper) -> None:
    params = {"query": CART, "variables": '{"cart": "' + shopper.cart["token"] + '"}'}
    answer = (await world.client.http.get("/graphql", params=params)).json()
    assert answer["data"] == {"cart": None} and answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_two_that_have_no_name_do_not_meet_in_one_cart(world: World) -> None:
    given = {"channelKey": "web", "idempotencyKey": "1"}
    assert (await world.client.ask(document("cartCreate"), input=given)).codes == ["BAD_USER_INPUT"]


async def test_a_cart_that_was_lost_on_the_way_is_found_by_asking_again(world: World) -> None:
    shopper, wish = Shopper(world), {"channelKey": "web", "idempotencyKey": str(uuid4())}
    first = (await shopper.ask("cartCreate", **wish))["cart"]
    again = (await shopper.ask("cartCreate", **wish))["cart"]
    assert (again["id"], again["token"]) == (first["id"], first["token"])


async def test_what_a_customers_cart_holds_is_not_for_everybody(world: World, shopper: Shopper) -> None:
    query = "{ customers(first: 1) { nodes { id } } }"
    ada = (await world.client.data(query, ADMIN))["customers"]["nodes"][0]["id"]
    given = {"cartToken": shopper.cart["token"], "customerId": ada, "idempotencyKey": key()}
    refused = await world.client.ask(document("cartCustomerSet"), CLERK, input=given)
    assert refused.codes == ["FORBIDDEN"]
    mine = await shopper.ask("cartCustomerSet", by=ADMIN, cartToken=shopper.cart["token"], customerId=ada)
    assert codes(mine) == [] and await shown(world, given["cartToken"]) is None


async def test_a_customers_two_carts_become_one(world: World, shopper: Shopper) -> None:
    query = "{ customers(first: 1) { nodes { id } } }"
    ada = (await world.client.data(query, ADMIN))["customers"]["nodes"][0]["id"]
    await shopper.ask("cartCustomerSet", by=ADMIN, cartToken=shopper.cart["token"], customerId=ada)
    phone, first = Shopper(world), shopper.cart["token"]
    await phone.fill("web", MUG=1)
    await phone.ask("cartCustomerSet", by=ADMIN, cartToken=phone.cart["token"], customerId=ada)
    assert [line["quantity"] for line in phone.cart["lines"]] == [3]
    assert (await shown(world, first))["status"] == "MERGED"


# ------------------------------------------------------------------------------------------------ changing


async def test_a_version_that_is_not_the_last_is_a_conflict(world: World, shopper: Shopper) -> None:
    line = {"lineId": shopper.cart["lines"][0]["id"], "quantity": 1}
    given = {"cartToken": shopper.cart["token"], "version": 7, "lines": [line]}
    payload = await shopper.ask("cartLinesUpdate", **given)
    assert codes(payload) == ["CONFLICT"] and payload["cart"]["lines"][0]["quantity"] == 2


@pytest.mark.parametrize("quantity", [-1, 10_000, 2**31 - 1])
async def test_quantities_that_nobody_means_are_refused(world: World, shopper: Shopper, quantity: int) -> None:
    line = {"variantId": await variant_id(world, "MUG"), "quantity": quantity}
    assert codes(await shopper.ask("cartLinesAdd", cartToken=shopper.cart["token"], lines=[line])) == ["INVALID"]
    update = {"lineId": shopper.cart["lines"][0]["id"], "quantity": quantity}
    assert codes(await shopper.ask("cartLinesUpdate", cartToken=shopper.cart["token"], lines=[update])) == ["INVALID"]


async def test_a_line_of_another_cart_is_not_there(world: World, shopper: Shopper) -> None:
    other = Shopper(world)
    await other.fill("web", MUG=1)
    payload = await shopper.ask(
        "cartLinesRemove", cartToken=shopper.cart["token"], lineIds=[other.cart["lines"][0]["id"]]
    )
    assert codes(payload) == ["NOT_FOUND"]


async def test_a_variant_that_never_was_is_not_there(world: World, shopper: Shopper) -> None:
    line = {"variantId": global_id("ProductVariant", "0" * 32), "quantity": 1}
    assert codes(await shopper.ask("cartLinesAdd", cartToken=shopper.cart["token"], lines=[line])) == ["NOT_FOUND"]


async def test_what_is_archived_does_not_go_into_a_cart(world: World, shopper: Shopper) -> None:
    world.stores["web"].remove("products", "w-tee")
    await world.gateway.make_due("web", sweep=True)
    await world.gateway.run_due()
    line = {"variantId": await variant_id(world, "TEE-R"), "quantity": 1}
    assert codes(await shopper.ask("cartLinesAdd", cartToken=shopper.cart["token"], lines=[line])) == ["NOT_OFFERED"]


async def test_more_than_there_is_becomes_what_there_is(world: World, shopper: Shopper) -> None:
    update = {"lineId": shopper.cart["lines"][0]["id"], "quantity": 500}
    payload = await shopper.ask("cartLinesUpdate", cartToken=shopper.cart["token"], lines=[update])
    assert payload["cart"]["lines"][0]["quantity"] == 46  # 40 in London, 3 less 2 in Leeds, 5 in the depot
    assert [one["code"] for one in payload["warnings"]] == ["QUANTITY_REDUCED"]
    assert (await shown(world, shopper.cart["token"]))["changes"] == [{"kind": "QUANTITY_REDUCED"}]


async def test_a_price_that_has_changed_is_said(world: World, shopper: Shopper) -> None:
    changed = rows.product("w-mug", gtin="4006381333931", price="6.00", title="Mug, white")
    world.stores["web"].put("products", changed)
    await world.gateway.make_due("web")
    await world.gateway.run_due()
    payload = await shopper.ask("cartLinesRemove", cartToken=shopper.cart["token"], lineIds=[])
    assert [one["code"] for one in payload["warnings"]] == ["PRICE_CHANGED"]
    assert payload["cart"]["total"]["amount"] == "12.00"


@pytest.mark.parametrize(("says", "subtotal", "total"), [(True, "10.00", "10.00"), (False, "10.00", "12.00")])
async def test_a_cart_comes_to_what_its_order_does_where_each_listing_says_what_its_price_is(
    database_url: str, says: bool, subtotal: str, total: str
) -> None:
    shops = stores()
    mug = rows.variant("w-mug", sku="MUG", gtin="4006381333931", price="5.00", gross=says)
    shops["web"].put("products", {"id": "w-mug", "title": "Mug, white", "variants": [mug]})
    silent = {**WRITES, "web": {**WRITES["web"], "config": {**WRITES["web"]["config"], "prices_include_tax": None}}}
    async with opened(database_url, shops, **{**TABLES, "channels": silent}) as world:
        shopper = Shopper(world)
        cart = await shopper.fill("web", MUG=2)
        assert [cart["cart"][name]["amount"] for name in ("subtotal", "total")] == [subtotal, total]
        placed = await shopper.buy(await shopper.option("SHIPPING", "depot"))
        assert placed["userErrors"] == []


async def test_a_cart_that_nobody_touches_expires(world: World, shopper: Shopper) -> None:
    world.clock.forward(days=15)
    await world.gateway.run_due()
    assert (await shown(world, shopper.cart["token"]))["status"] == "EXPIRED"
    payload = await shopper.ask("cartLinesRemove", cartToken=shopper.cart["token"], lineIds=[])
    assert codes(payload) == ["CART_EXPIRED"]
    world.clock.forward(days=16)
    await world.gateway.keep_house()
    payload = await shopper.ask("cartLinesRemove", cartToken=shopper.cart["token"], lineIds=[])
    assert codes(payload) == ["NOT_FOUND"]  # and nothing is kept of whose it was


async def test_another_currency_than_the_channels_is_refused(world: World) -> None:
    payload = await Shopper(world).ask("cartCreate", channelKey="web", currencyCode="EUR")
    assert codes(payload) == ["CURRENCY_MISMATCH"] and payload["cart"] is None


async def test_an_ordered_cart_leads_to_its_order_and_changes_no_more(world: World, shopper: Shopper) -> None:
    order = (await shopper.buy(await shopper.option("SHIPPING", "depot")))["order"]
    query = "query ($cart: String!) { cart(token: $cart) { status order { number } } }"
    found = await world.client.ask(query, ADMIN, cart=shopper.cart["token"])
    assert found.data["cart"] == {"status": "ORDERED", "order": {"number": order["number"]}}
    payload = await shopper.ask("cartLinesRemove", cartToken=shopper.cart["token"], lineIds=[])
    assert codes(payload) == ["NOT_ALLOWED_IN_STATE"]
    assert codes(await staff(world, "orderCancel", orderId=order["id"], version=77)) == ["CONFLICT"]
