"""What a client without a token can make the gateway keep is bounded (rule U6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.commerce import client_bounds
from gateway.http.rate_limit.client_address import find_network
from gateway.storage.tables import carts, idempotency
from tests.graphql.mutation_documents import build_document, list_user_error_codes
from tests.graphql.shopper import SELLING, TABLES, Shopper, build_stores, make_key
from tests.graphql.world import ADMIN, World, open_world
from tests.graphql.writable_channels import select_variant_id

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

BOUNDS = {**SELLING, "anonymous_carts": 3, "anonymous_changes": 6}
DAY = timedelta(days=1)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, build_stores(), **{**TABLES, "selling": BOUNDS}) as world:
        yield world


async def create_cart(world: World, by: str | None = None, **given: Any) -> dict[str, Any]:
    input_ = {"channelKey": "web", "idempotencyKey": make_key(), **given}
    answer = await world.client.ask(build_document("cartCreate"), by, input=input_)
    payload: dict[str, Any] = answer.data["cartCreate"]
    return payload


async def count_rows(world: World) -> tuple[int, int]:
    """Count carts and idempotency keys."""

    def count(conn: Connection) -> list[int]:
        return [conn.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in (carts, idempotency)]

    cart_count, key_count = await world.gateway.database.read(count)
    return cart_count, key_count


async def fetch_expiry(world: World, token: str) -> timedelta:
    query = "query ($cart: String!) { cart(token: $cart) { expiresAt } }"
    found = (await world.client.fetch_data(query, cart=token))["cart"]["expiresAt"]
    return datetime.fromisoformat(found) - world.clock()


async def test_a_network_creates_so_many_open_carts_in_an_hour_then_it_must_wait(
    world: World,
) -> None:
    for _ in range(3):
        assert list_user_error_codes(await create_cart(world)) == []
        world.clock.forward(minutes=10)
    before = await count_rows(world)
    (refusal,) = (await create_cart(world))["userErrors"]
    assert (refusal["code"], refusal["retryable"]) == ("LIMIT_EXCEEDED", True)
    assert await count_rows(world) == before, "a refused request leaves neither a cart nor a key"
    assert list_user_error_codes(await create_cart(world, ADMIN)) == [], "a token has no such bound"
    world.clock.forward(seconds=refusal["retryAfterSeconds"])
    assert list_user_error_codes(await create_cart(world)) == []
    assert list_user_error_codes(await create_cart(world)) == ["LIMIT_EXCEEDED"]


async def test_an_ordered_cart_makes_room(world: World) -> None:
    shopper = Shopper(world)
    await shopper.fill("web", TEE_B=1)
    for _ in range(2):
        await create_cart(world)
    assert list_user_error_codes(await create_cart(world)) == ["LIMIT_EXCEEDED"]
    await shopper.buy(await shopper.find_option("SHIPPING", "depot"))
    assert list_user_error_codes(await create_cart(world)) == []


async def test_the_proof_is_a_rank_that_is_not_checked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proof that the test above can fail."""
    monkeypatch.setattr(client_bounds, "_check_rank", lambda *_: None)
    payloads = [await create_cart(world) for _ in range(8)]
    assert [list_user_error_codes(payload) for payload in payloads] == [[]] * 8


async def test_a_network_executes_so_many_mutations_in_an_hour(world: World) -> None:
    shopper = Shopper(world)
    await shopper.fill("web", TEE_B=1)
    update = {"lineId": shopper.cart["lines"][0]["id"], "quantity": 1}
    for _ in range(5):
        payload = await shopper.ask("cartLinesUpdate", cartToken=shopper.cart["token"], lines=[update])
        assert list_user_error_codes(payload) == []
    before = await count_rows(world)
    payload = await shopper.ask("cartLinesUpdate", cartToken=shopper.cart["token"], lines=[update])
    assert list_user_error_codes(payload) == ["LIMIT_EXCEEDED"]
    assert await count_rows(world) == before == (1, 6)
    world.clock.forward(hours=1)
    payload = await shopper.ask("cartLinesUpdate", cartToken=shopper.cart["token"], lines=[update])
    assert list_user_error_codes(payload) == []


async def test_a_refusal_leaves_no_key_and_a_retry_is_executed_again(world: World) -> None:
    shopper, key = Shopper(world), make_key()
    await shopper.fill("web", TEE_B=1)
    before = await count_rows(world)
    remove = {"cartToken": shopper.cart["token"], "lineIds": ["Q2FydExpbmU6eDp5"], "idempotencyKey": key}
    answer = await world.client.ask(build_document("cartLinesRemove"), input=remove)
    assert answer.codes == ["BAD_USER_INPUT"] or list_user_error_codes(answer.data["cartLinesRemove"]) == ["NOT_FOUND"]
    assert list_user_error_codes(await create_cart(world, currencyCode="EUR", idempotencyKey=key)) == [
        "CURRENCY_MISMATCH"
    ]
    assert await count_rows(world) == before
    assert list_user_error_codes(await create_cart(world, idempotencyKey=key)) == []


async def test_carts_without_a_token_last_three_days_and_those_that_last_longer_keep_it(world: World) -> None:
    shopper, staff = Shopper(world), Shopper(world, ADMIN)
    await shopper.fill("web", TEE_B=1)
    await staff.fill("web", TEE_B=1)
    assert await fetch_expiry(world, shopper.cart["token"]) == 3 * DAY
    assert await fetch_expiry(world, staff.cart["token"]) == 14 * DAY
    world.clock.forward(days=2)
    update = {"lineId": staff.cart["lines"][0]["id"], "quantity": 2}
    await shopper.ask("cartLinesUpdate", cartToken=staff.cart["token"], lines=[update])
    assert await fetch_expiry(world, staff.cart["token"]) == 12 * DAY


async def test_a_key_is_kept_as_long_as_its_cart_and_at_least_a_day(world: World) -> None:
    key = make_key()
    shopper = Shopper(world)
    shopper.cart = (await create_cart(world, idempotencyKey=key))["cart"]
    line = {"variantId": await select_variant_id(world, "TEE-B"), "quantity": 1}
    for _ in range(3):
        world.clock.forward(days=2)
        await world.gateway.purge_expired()
        await shopper.ask("cartLinesAdd", cartToken=shopper.cart["token"], lines=[line])
        again = await create_cart(world, idempotencyKey=key)
        assert again["cart"]["id"] == shopper.cart["id"], "the cart was changed, so it and its keys are still there"
    world.clock.forward(days=3, hours=1)
    await world.gateway.purge_expired()
    assert (await create_cart(world, idempotencyKey=key))["cart"]["id"] != shopper.cart["id"]
    world.clock.forward(days=5)
    await world.gateway.run_due()
    await world.gateway.purge_expired()
    assert await count_rows(world) == (0, 0), "nothing of a client without a token is kept for long"


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.7", "203.0.113.0/24"), ("2001:db8::/64", "2001:db8::/64"), ("testclient", "testclient"), ("", "")],
)
def test_a_client_without_a_token_is_its_network(address: str, network: str) -> None:
    assert find_network(address) == network
