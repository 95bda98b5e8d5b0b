"""Carts as credentials: which callers can read and change a cart, and which warnings a client gets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from gateway.sdk.testing import record_builders
from tests.graphql.mutation_documents import build_document, list_user_error_codes
from tests.graphql.shopper import CONTACT, TABLES, Shopper, build_stores, make_key, run_as_staff
from tests.graphql.world import ADMIN, CLERK, World, build_global_id, open_world
from tests.graphql.writable_channels import WRITES, select_variant_id

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

CART = """query ($cart: String!) {
  cart(token: $cart) { id token version status lines { quantity } changes(sinceVersion: 0) { kind } } }"""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **TABLES) as world:
        yield world


@pytest.fixture
async def shopper(world: World) -> Shopper:
    shopper = Shopper(world)
    await shopper.fill("web", MUG=2)
    return shopper


async def fetch_cart(world: World, token: str, by: str | None = None) -> Any:
    return (await world.client.fetch_data(CART, by, cart=token))["cart"]


async def fetch_by_id(world: World, id_: str, by: str | None = None) -> Any:
    query = "query ($id: ID!) { node(id: $id) { ... on Cart { id token lines { quantity } } } }"
    return (await world.client.fetch_data(query, by, id=id_))["node"]


# ------------------------------------------------------------------------------------------------ access


async def test_a_client_with_the_token_sees_the_cart(world: World, shopper: Shopper) -> None:
    found = await fetch_cart(world, shopper.cart["token"])
    assert found["token"] == shopper.cart["token"] and found["lines"] == [{"quantity": 2}]


async def test_a_field_that_could_not_see_the_cart_yet_does_not_hide_it(world: World, shopper: Shopper) -> None:
    ids = ", ".join(f'"{shopper.cart["id"]}"' for _ in range(3))
    query = f"query ($cart: String!) {{ nodes(ids: [{ids}]) {{ id }} cart(token: $cart) {{ id }} }}"
    for _ in range(10):
        shown = await world.client.fetch_data(query, cart=shopper.cart["token"])
        assert shown["cart"] == {"id": shopper.cart["id"]}


async def test_the_id_alone_shows_nothing(world: World, shopper: Shopper) -> None:
    assert await fetch_by_id(world, shopper.cart["id"]) is None
    assert await fetch_by_id(world, shopper.cart["id"], CLERK) is None


async def test_a_caller_who_may_read_carts_sees_it_and_not_its_token(world: World, shopper: Shopper) -> None:
    found = await fetch_by_id(world, shopper.cart["id"], ADMIN)
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
    assert await fetch_cart(world, forged) is None
    payload = await shopper.ask("cartLinesRemove", cartToken=forged, lineIds=[])
    assert list_user_error_codes(payload) == ["NOT_FOUND"] and payload["cart"] is None


async def test_a_token_of_before_a_move_is_good_no_more(world: World, shopper: Shopper) -> None:
    old = shopper.cart["token"]
    await shopper.ask("cartMove", cartToken=old, channelKey="web")
    assert await fetch_cart(world, old) is None
    line = {"variantId": await select_variant_id(world, "MUG"), "quantity": 1}
    assert list_user_error_codes(await shopper.ask("cartLinesAdd", cartToken=old, lines=[line])) == ["NOT_FOUND"]


async def test_an_option_for_another_cart_orders_nothing(world: World, shopper: Shopper) -> None:
    thief = Shopper(world)
    await thief.fill("web", MUG=2)
    option = await shopper.find_option("SHIPPING", "depot")
    assert list_user_error_codes(await thief.buy(option)) == ["INVALID"]


async def test_a_token_is_neither_taken_nor_given_by_get(world: World, shopper: Shopper) -> None:
    params = {"query": CART, "variables": '{"cart": "' + shopper.cart["token"] + '"}'}
    answer = (await world.client.http.get("/graphql", params=params)).json()
    assert answer["data"] == {"cart": None} and answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_two_that_have_no_name_do_not_meet_in_one_cart(world: World) -> None:
    given = {"channelKey": "web", "idempotencyKey": "1"}
    assert (await world.client.ask(build_document("cartCreate"), input=given)).codes == ["BAD_USER_INPUT"]


async def test_a_cart_that_was_lost_on_the_way_is_found_by_asking_again(world: World) -> None:
    shopper, given = Shopper(world), {"channelKey": "web", "idempotencyKey": str(uuid4())}
    first = (await shopper.ask("cartCreate", **given))["cart"]
    again = (await shopper.ask("cartCreate", **given))["cart"]
    assert (again["id"], again["token"]) == (first["id"], first["token"])


async def test_the_content_of_a_customers_cart_is_private(world: World, shopper: Shopper) -> None:
    query = "{ customers(first: 1) { nodes { id } } }"
    ada = (await world.client.fetch_data(query, ADMIN))["customers"]["nodes"][0]["id"]
    given = {"cartToken": shopper.cart["token"], "customerId": ada, "idempotencyKey": make_key()}
    refused = await world.client.ask(build_document("cartCustomerSet"), CLERK, input=given)
    assert refused.codes == ["FORBIDDEN"]
    mine = await shopper.ask("cartCustomerSet", by=ADMIN, cartToken=shopper.cart["token"], customerId=ada)
    assert list_user_error_codes(mine) == [] and await fetch_cart(world, given["cartToken"]) is None


async def test_a_customers_two_carts_become_one(world: World, shopper: Shopper) -> None:
    query = "{ customers(first: 1) { nodes { id } } }"
    ada = (await world.client.fetch_data(query, ADMIN))["customers"]["nodes"][0]["id"]
    await shopper.ask("cartCustomerSet", by=ADMIN, cartToken=shopper.cart["token"], customerId=ada)
    phone, first = Shopper(world), shopper.cart["token"]
    await phone.fill("web", MUG=1)
    await phone.ask("cartCustomerSet", by=ADMIN, cartToken=phone.cart["token"], customerId=ada)
    assert [line["quantity"] for line in phone.cart["lines"]] == [3]
    assert (await fetch_cart(world, first))["status"] == "MERGED"


# ------------------------------------------------------------------------------------------------ changes


async def test_a_version_that_is_not_the_last_is_a_conflict(world: World, shopper: Shopper) -> None:
    line = {"lineId": shopper.cart["lines"][0]["id"], "quantity": 1}
    given = {"cartToken": shopper.cart["token"], "version": 7, "lines": [line]}
    payload = await shopper.ask("cartLinesUpdate", **given)
    assert list_user_error_codes(payload) == ["CONFLICT"] and payload["cart"]["lines"][0]["quantity"] == 2


@pytest.mark.parametrize("quantity", [-1, 10_000, 2**31 - 1])
async def test_implausible_quantities_are_refused(world: World, shopper: Shopper, quantity: int) -> None:
    line = {"variantId": await select_variant_id(world, "MUG"), "quantity": quantity}
    assert list_user_error_codes(await shopper.ask("cartLinesAdd", cartToken=shopper.cart["token"], lines=[line])) == [
        "INVALID"
    ]
    update = {"lineId": shopper.cart["lines"][0]["id"], "quantity": quantity}
    assert list_user_error_codes(
        await shopper.ask("cartLinesUpdate", cartToken=shopper.cart["token"], lines=[update])
    ) == ["INVALID"]


async def test_a_line_of_another_cart_is_not_there(world: World, shopper: Shopper) -> None:
    other = Shopper(world)
    await other.fill("web", MUG=1)
    payload = await shopper.ask(
        "cartLinesRemove", cartToken=shopper.cart["token"], lineIds=[other.cart["lines"][0]["id"]]
    )
    assert list_user_error_codes(payload) == ["NOT_FOUND"]


async def test_a_variant_that_never_was_is_not_there(world: World, shopper: Shopper) -> None:
    line = {"variantId": build_global_id("ProductVariant", "0" * 32), "quantity": 1}
    assert list_user_error_codes(await shopper.ask("cartLinesAdd", cartToken=shopper.cart["token"], lines=[line])) == [
        "NOT_FOUND"
    ]


async def test_what_is_archived_does_not_go_into_a_cart(world: World, shopper: Shopper) -> None:
    world.stores["web"].remove("products", "w-tee")
    await world.gateway.request_sync("web", sweep=True)
    await world.gateway.run_due()
    line = {"variantId": await select_variant_id(world, "TEE-R"), "quantity": 1}
    assert list_user_error_codes(await shopper.ask("cartLinesAdd", cartToken=shopper.cart["token"], lines=[line])) == [
        "NOT_OFFERED"
    ]


@pytest.mark.parametrize(
    ("by", "becomes"),
    [
        (ADMIN, 46),  # 40 in London, 3 less 2 in Leeds, 5 in the depot
        (None, 20),  # who may not see the stock is shown the cap
    ],
)
async def test_more_than_there_is_becomes_what_there_is(
    world: World, shopper: Shopper, by: str | None, becomes: int
) -> None:
    update = {"lineId": shopper.cart["lines"][0]["id"], "quantity": 500}
    payload = await shopper.ask("cartLinesUpdate", cartToken=shopper.cart["token"], lines=[update], by=by)
    assert payload["cart"]["lines"][0]["quantity"] == becomes
    assert [one["code"] for one in payload["warnings"]] == ["QUANTITY_REDUCED"]
    assert (await fetch_cart(world, shopper.cart["token"]))["changes"] == [{"kind": "QUANTITY_REDUCED"}]


async def test_a_price_that_has_changed_is_said(world: World, shopper: Shopper) -> None:
    changed = record_builders.build_product("w-mug", gtin="4006381333931", price="6.00", title="Mug, white")
    world.stores["web"].put("products", changed)
    await world.gateway.request_sync("web")
    await world.gateway.run_due()
    payload = await shopper.ask("cartLinesRemove", cartToken=shopper.cart["token"], lineIds=[])
    assert [one["code"] for one in payload["warnings"]] == ["PRICE_CHANGED"]
    assert payload["cart"]["total"]["amount"] == "12.00"


@pytest.mark.parametrize(("says", "subtotal", "total"), [(True, "10.00", "10.00"), (False, "10.00", "12.00")])
async def test_a_cart_comes_to_what_its_order_does_where_each_listing_says_what_its_price_is(
    database_url: str, says: bool, subtotal: str, total: str
) -> None:
    shops = build_stores()
    mug = record_builders.build_variant("w-mug", sku="MUG", gtin="4006381333931", price="5.00", gross=says)
    shops["web"].put("products", {"id": "w-mug", "title": "Mug, white", "variants": [mug]})
    silent = {**WRITES, "web": {**WRITES["web"], "config": {**WRITES["web"]["config"], "prices_include_tax": None}}}
    async with open_world(database_url, shops, **{**TABLES, "channels": silent}) as world:
        shopper = Shopper(world)
        cart = await shopper.fill("web", MUG=2)
        assert [cart["cart"][name]["amount"] for name in ("subtotal", "total")] == [subtotal, total]
        placed = await shopper.buy(await shopper.find_option("SHIPPING", "depot"))
        assert placed["userErrors"] == []


async def test_an_unused_cart_expires(world: World, shopper: Shopper) -> None:
    world.clock.forward(days=15)
    await world.gateway.run_due()
    assert (await fetch_cart(world, shopper.cart["token"]))["status"] == "EXPIRED"
    payload = await shopper.ask("cartLinesRemove", cartToken=shopper.cart["token"], lineIds=[])
    assert list_user_error_codes(payload) == ["CART_EXPIRED"]
    world.clock.forward(days=16)
    await world.gateway.purge_expired()
    payload = await shopper.ask("cartLinesRemove", cartToken=shopper.cart["token"], lineIds=[])
    assert list_user_error_codes(payload) == ["NOT_FOUND"]  # no trace of its owner remains


async def test_another_currency_than_the_channels_is_refused(world: World) -> None:
    payload = await Shopper(world).ask("cartCreate", channelKey="web", currencyCode="EUR")
    assert list_user_error_codes(payload) == ["CURRENCY_MISMATCH"] and payload["cart"] is None


async def test_a_client_that_lost_the_answer_finds_its_order_by_the_token_of_the_cart(
    world: World, shopper: Shopper
) -> None:
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
    query = "query ($cart: String!) { cart(token: $cart) { order { number accessToken contact { email } } } }"
    found = (await world.client.fetch_data(query, cart=shopper.cart["token"]))["cart"]["order"]
    assert found == {
        "number": order["number"],
        "accessToken": order["accessToken"],
        "contact": {"email": CONTACT["email"]},
    }
    node = "query ($id: ID!) { node(id: $id) { ... on Cart { order { number } } } }"
    assert (await world.client.ask(node, id=shopper.cart["id"])).data["node"] is None


ORDER_OF = "query ($cart: String!) { cart(token: $cart) { status order { accessToken contact { email } } } }"


async def test_staff_who_had_the_token_do_not_see_whose_order_it_became(world: World, shopper: Shopper) -> None:
    await shopper.buy(await shopper.find_option("SHIPPING", "depot"))
    answer = await world.client.ask(ORDER_OF, CLERK, cart=shopper.cart["token"])
    assert answer.codes == ["FORBIDDEN"] and CONTACT["email"] not in str(answer.body)
    token = "query ($cart: String!) { cart(token: $cart) { order { accessToken } } }"
    answer = await world.client.ask(token, CLERK, cart=shopper.cart["token"])
    assert answer.data["cart"]["order"] in (None, {"accessToken": None})


async def test_the_token_of_a_cart_opens_its_order_for_a_day(world: World, shopper: Shopper) -> None:
    await shopper.buy(await shopper.find_option("SHIPPING", "depot"))
    assert (await world.client.ask(ORDER_OF, cart=shopper.cart["token"])).data["cart"]["order"]["accessToken"]
    world.clock.forward(hours=23, minutes=59)
    assert (await world.client.ask(ORDER_OF, cart=shopper.cart["token"])).data["cart"]["order"]["accessToken"]
    world.clock.forward(minutes=1)
    answer = await world.client.ask(ORDER_OF, cart=shopper.cart["token"])
    assert "@example" not in str(answer.body) and '"accessToken": "' not in str(answer.body)


@pytest.mark.parametrize("first", ["cartCreate", "cartLinesAdd"])
async def test_a_retry_does_not_open_a_cart_whose_token_was_replaced(world: World, first: str) -> None:
    """Who had the token before it was moved repeats a request of its own."""
    line = {"variantId": await select_variant_id(world, "MUG"), "quantity": 1}
    former, key = Shopper(world), make_key()
    given: dict[str, Any] = {"lines": [line], "idempotencyKey": key}
    if first == "cartCreate":
        given |= {"channelKey": "web"}
    else:
        await former.fill("web", MUG=1)
        given |= {"cartToken": former.cart["token"]}
    cart = (await former.ask(first, **given))["cart"]
    moved = (await Shopper(world).ask("cartMove", cartToken=cart["token"], channelKey="web"))["cart"]
    assert moved["token"] != cart["token"] and await fetch_cart(world, cart["token"]) is None
    assert (await former.ask(first, **given))["cart"] is None
    assert (await fetch_cart(world, moved["token"]))["id"] == cart["id"]


async def test_a_retry_of_a_move_returns_the_new_token_until_it_is_replaced_again(world: World) -> None:
    shopper, key = Shopper(world), make_key()
    await shopper.fill("web", MUG=1)
    given = {"cartToken": shopper.cart["token"], "channelKey": "web", "idempotencyKey": key}
    tokens = [(await shopper.ask("cartMove", **given))["cart"]["token"] for _ in range(3)]
    assert len(set(tokens)) == 1 and tokens[0] != given["cartToken"]
    await Shopper(world).ask("cartMove", cartToken=tokens[0], channelKey="web")
    assert (await shopper.ask("cartMove", **given))["cart"] is None


async def add_or_create(world: World, token: str | None, channel: str = "web", **amounts: int) -> Any:
    lines = [
        {"variantId": await select_variant_id(world, sku), "quantity": quantity} for sku, quantity in amounts.items()
    ]
    return await Shopper(world).ask("cartCreate", channelKey=channel, cartToken=token, lines=lines)


async def test_lines_are_added_to_a_cart_or_to_a_new_one_in_one_mutation(world: World) -> None:
    first = (await add_or_create(world, None, MUG=1))["cart"]
    second = (await add_or_create(world, first["token"], MUG=2))["cart"]
    assert (second["id"], second["token"]) == (first["id"], first["token"])
    assert [line["quantity"] for line in second["lines"]] == [3]
    for token, channel in ((first["token"], "till"), ("no token", "web"), (f"{first['token']}x", "web")):
        other = (await add_or_create(world, token, channel, MUG=1))["cart"]
        assert other["id"] != first["id"] and [line["quantity"] for line in other["lines"]] == [1]
    world.clock.forward(days=30)
    assert (await add_or_create(world, first["token"], MUG=1))["cart"]["id"] != first["id"]


async def test_another_currency_is_refused_for_an_open_cart_too(world: World) -> None:
    cart = (await add_or_create(world, None, MUG=1))["cart"]
    line = {"variantId": await select_variant_id(world, "MUG"), "quantity": 1}
    given = {"channelKey": "web", "cartToken": cart["token"], "lines": [line]}
    payload = await Shopper(world).ask("cartCreate", currencyCode="EUR", **given)
    assert list_user_error_codes(payload) == ["CURRENCY_MISMATCH"]
    assert (await fetch_cart(world, cart["token"]))["lines"] == [{"quantity": 1}]


async def test_a_retry_adds_lines_once(world: World) -> None:
    token = (await add_or_create(world, None, MUG=1))["cart"]["token"]
    line, key = {"variantId": await select_variant_id(world, "MUG"), "quantity": 1}, make_key()
    for _ in range(3):
        payload = await Shopper(world).ask(
            "cartCreate", channelKey="web", cartToken=token, lines=[line], idempotencyKey=key
        )
    assert [line["quantity"] for line in payload["cart"]["lines"]] == [2]


async def test_an_ordered_cart_leads_to_its_order_and_changes_no_more(world: World, shopper: Shopper) -> None:
    order = (await shopper.buy(await shopper.find_option("SHIPPING", "depot")))["order"]
    query = "query ($cart: String!) { cart(token: $cart) { status order { number } } }"
    found = await world.client.ask(query, ADMIN, cart=shopper.cart["token"])
    assert found.data["cart"] == {"status": "ORDERED", "order": {"number": order["number"]}}
    payload = await shopper.ask("cartLinesRemove", cartToken=shopper.cart["token"], lineIds=[])
    assert list_user_error_codes(payload) == ["NOT_ALLOWED_IN_STATE"]
    assert list_user_error_codes(await run_as_staff(world, "orderCancel", orderId=order["id"], version=77)) == [
        "CONFLICT"
    ]
