"""Exchange of a login's token for one of the gateway, and of a channel's own customer token (rule C8)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.commerce.customers.shopper_tokens import build_shopper_token, read_shopper_token
from gateway.storage.database import Connection
from gateway.storage.tables import identities
from tests.graphql.shopper import Shopper, make_key
from tests.login.world import LoginWorld, open_login_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

EXCHANGE = """mutation ($input: ShopperTokenExchangeInput!) { shopperTokenExchange(input: $input) {
  accessToken expiresAt customer { id givenName } cart { token version lines { sku } } userErrors { code field message }
} }"""
ME = "{ me { id givenName } viewer { kind expiresAt } }"


@pytest.fixture
async def login(database_url: str) -> AsyncIterator[LoginWorld]:
    async with open_login_world(database_url) as login:
        yield login


async def convert(login: LoginWorld, token: str, kind: str = "ID_TOKEN", **given: Any) -> dict[str, Any]:
    """Exchange a token and return the payload."""
    values = {"kind": kind, "subjectToken": token, "idempotencyKey": make_key(), **given}
    payload: dict[str, Any] = (await login.fetch_data(EXCHANGE, None, input=values))["shopperTokenExchange"]
    return payload


async def test_the_token_of_the_gateway_is_the_login(login: LoginWorld) -> None:
    subject = login.log_in()
    payload = await convert(login, subject)
    assert payload["userErrors"] == []
    assert payload["customer"]["givenName"] == "Ivy"
    assert payload["accessToken"].startswith("gws_")
    data = await login.fetch_data(ME, payload["accessToken"])
    assert data["me"] == payload["customer"] == (await login.fetch_data(ME, subject))["me"]
    assert data["viewer"] == {"kind": "SHOPPER", "expiresAt": payload["expiresAt"]}


@pytest.mark.parametrize(("seconds", "expected"), [(7_200, 3_600), (600, 600)])
async def test_it_lives_for_an_hour_and_never_longer_than_the_login(
    login: LoginWorld, seconds: int, expected: int
) -> None:
    now = int(login.world.clock().timestamp())
    token = (await convert(login, login.log_in(exp=now + seconds)))["accessToken"]
    login.world.clock.forward(seconds=expected - 1)
    assert (await login.fetch_data(ME, token))["me"] is not None
    login.world.clock.forward(seconds=1)
    assert (await login.world.client.ask(ME, token)).codes == ["TOKEN_EXPIRED"]


async def test_it_is_no_newer_login(login: LoginWorld) -> None:
    logged_in_at = login.world.clock() - timedelta(hours=5)
    subject = login.log_in(auth_time=int(logged_in_at.timestamp()))
    own = (await convert(login, subject))["accessToken"]
    callers = [await login.world.gateway.logins.find_caller(token) for token in (subject, own)]
    assert [caller.auth_time for caller in callers] == [logged_in_at, logged_in_at]


async def test_a_retry_does_not_show_the_token_again(login: LoginWorld) -> None:
    subject, key = login.log_in(), make_key()
    first, again = [await convert(login, subject, idempotencyKey=key) for _ in range(2)]
    assert first["accessToken"]
    assert (again["accessToken"], again["expiresAt"], again["userErrors"]) == (None, None, [])
    assert again["customer"] == first["customer"]


async def test_the_cart_of_a_guest_becomes_the_shoppers(login: LoginWorld) -> None:
    guest = Shopper(login.world)
    await guest.fill("web", MUG=2)
    payload = await convert(login, login.log_in(), cartToken=guest.cart["token"])
    assert payload["userErrors"] == []
    assert payload["cart"]["token"] != guest.cart["token"]
    assert len(payload["cart"]["lines"]) == 1
    carts = await login.fetch_data("{ me { carts { nodes { id } } } }", payload["accessToken"])
    assert [cart["id"] for cart in carts["me"]["carts"]["nodes"]] == [guest.cart["id"]]


async def test_without_the_cart_no_token_is_issued(login: LoginWorld) -> None:
    payload = await convert(login, login.log_in(), cartToken="0" * 32 + ".wrong")
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]
    assert (payload["accessToken"], payload["customer"]) == (None, None)


async def test_a_token_that_is_not_valid_is_not_exchanged(login: LoginWorld) -> None:
    own = (await convert(login, login.log_in()))["accessToken"]
    for token in (login.log_in(aud="other"), login.log_in(exp=1), "nonsense", "e30", "", own):
        payload = await convert(login, token)
        assert [error["code"] for error in payload["userErrors"]] == ["NOT_VERIFIED"]
        assert (payload["accessToken"], payload["customer"]) == (None, None)


async def test_an_issuer_that_is_down_is_no_refusal(login: LoginWorld) -> None:
    login.issuer.app.fault = "error"
    values = {"kind": "ID_TOKEN", "subjectToken": login.log_in(), "idempotencyKey": make_key()}
    assert (await login.world.client.ask(EXCHANGE, input=values)).codes == ["ISSUER_UNAVAILABLE"]


async def test_tokens_of_the_gateway_end_with_an_erase_and_cannot_be_forged(login: LoginWorld) -> None:
    token = (await convert(login, login.log_in()))["accessToken"]
    await login.fetch_data(ME, token)
    text, _, mac = token.rpartition(".")
    for forged in (f"{text}x.{mac}", f"{text}.{mac[:-2]}AA", "gws_x.y", "gws_"):
        assert (await login.world.client.ask(ME, forged)).codes == ["UNAUTHENTICATED"]
    content = read_shopper_token(login.world.gateway.selling.secrets, token)
    assert content is not None
    assert (await login.world.client.ask(ME, build_shopper_token(b"another", content))).codes == ["UNAUTHENTICATED"]
    login.world.clock.forward(seconds=10)

    def erase(conn: Connection) -> None:
        it = sa.update(identities).where(identities.c.external_id == "person-1")
        conn.execute(it.values(erased_at=login.world.clock()))

    await login.world.gateway.database.write(erase)
    assert (await login.world.client.ask(ME, token)).codes == ["UNAUTHENTICATED"]


async def test_a_customer_of_a_channel_is_verified_by_the_channel(login: LoginWorld) -> None:
    store = login.world.stores["till"]
    store.logins["secret-of-ada"] = "c1"
    payload = await convert(login, "secret-of-ada", "CHANNEL_CUSTOMER", channelKey="till")
    assert payload["userErrors"] == []
    assert payload["customer"]["givenName"] == "Ada"
    query = "{ me { orders(first: 5) { nodes { number } } } viewer { defaultChannel { key } } }"
    data = await login.fetch_data(query, payload["accessToken"])
    assert sorted(order["number"] for order in data["me"]["orders"]["nodes"]) == ["o1", "o2"]
    assert data["viewer"]["defaultChannel"]["key"] == "till"
    refused = await convert(login, "guess", "CHANNEL_CUSTOMER", channelKey="till")
    assert [error["code"] for error in refused["userErrors"]] == ["NOT_VERIFIED"]


async def test_a_channel_that_fails_shows_and_logs_no_token(
    login: LoginWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    login.world.stores["till"].broken_logins.add("secret-of-ada")
    payload = await convert(login, "secret-of-ada", "CHANNEL_CUSTOMER", channelKey="till")
    assert [error["code"] for error in payload["userErrors"]] == ["CHANNEL_UNAVAILABLE"]
    assert "secret-of-ada" not in caplog.text + str(payload)
