"""Shoppers redeem the points that they are proved to own, and no others (rules Y4, C7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.gateways import Clock
from tests.graphql.shopper import TRUSTING, Shopper, build_stores, run_as_staff
from tests.graphql.test_loyalty import LOYALTY, list_codes
from tests.graphql.world import World, open_world
from tests.login.issuer_server import IssuerServer, run_issuer

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

ME = "{ me { id loyalty { number balance entries { nodes { points } } } } }"


@pytest.fixture
async def login_world(database_url: str) -> AsyncIterator[tuple[World, IssuerServer]]:
    async with run_issuer(Clock()) as issuer:
        tables = {**TRUSTING, "loyalty": LOYALTY, "login": {"main": issuer.build_table()}}
        async with open_world(database_url, build_stores(), **tables) as world:
            issuer.issuer.clock = world.clock
            yield world, issuer


async def post(world: World, points: int, key: str, **holder: str) -> dict[str, Any]:
    given = {"points": points, "kind": "EARN", "reason": "a gift", "sourceKey": key, **holder}
    return await run_as_staff(world, "loyaltyPost", **given)


async def open_cart(world: World, token: str) -> Shopper:
    """Fill a cart as a shopper who is logged in."""
    shopper = Shopper(world, token)
    await shopper.fill("web", MUG=2)
    return shopper


async def test_a_shopper_redeems_own_points(login_world: tuple[World, IssuerServer]) -> None:
    world, issuer = login_world
    token = issuer.issue_token(given_name="Ada", family_name="Lovelace")
    me = (await world.client.fetch_data(ME, token))["me"]
    assert me["loyalty"] is None
    assert list_codes(await post(world, 300, "gift", customerId=me["id"])) == []
    me = (await world.client.fetch_data(ME, token))["me"]
    assert me["loyalty"] == {"number": None, "balance": 300, "entries": {"nodes": [{"points": 300}]}}
    shopper = await open_cart(world, token)
    payload = await shopper.ask("cartLoyaltySet", cartToken=shopper.cart["token"], points=300)
    assert list_codes(payload) == [] and shopper.cart["loyaltyDiscount"] == {"amount": "3.00"}
    placed = await shopper.submit(await shopper.find_option("PICKUP", "london"))
    assert list_codes(placed) == [] and placed["order"]["total"] == {"amount": "7.00"}
    assert (await world.client.fetch_data(ME, token))["me"]["loyalty"]["balance"] == 0


async def test_a_login_with_the_address_of_another_customer_redeems_nothing(
    login_world: tuple[World, IssuerServer],
) -> None:
    """The till has not verified Ada's address, so a login that has it proves nothing of Ada's card."""
    world, issuer = login_world
    await post(world, 300, "gift", loyaltyNumber="77")
    token = issuer.issue_token(email="ada@example.com", given_name="Ada", family_name="Lovelace")
    assert (await world.client.fetch_data(ME, token))["me"]["loyalty"] is None
    shopper = await open_cart(world, token)
    payload = await shopper.ask("cartLoyaltySet", cartToken=shopper.cart["token"], points=300)
    assert list_codes(payload) == ["INSUFFICIENT_POINTS"] and payload["userErrors"][0]["availableQuantity"] == 0


async def test_a_shopper_redeems_nothing_in_the_cart_of_another_one(login_world: tuple[World, IssuerServer]) -> None:
    world, issuer = login_world
    owner, other = issuer.issue_token("person-1"), issuer.issue_token("person-2")
    for number, token in enumerate((owner, other)):
        me = (await world.client.fetch_data(ME, token))["me"]
        await post(world, 300, f"gift {number}", customerId=me["id"])
    shopper = await open_cart(world, owner)
    payload = await shopper.ask("cartLoyaltySet", by=other, cartToken=shopper.cart["token"], points=100)
    assert list_codes(payload) == ["NOT_ALLOWED_IN_STATE"]
