"""A client holds only a little stock without paying (rule U3)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from gateway.app import create_app
from gateway.commerce.orders import unpaid_caps
from gateway.storage import tables
from gateway.storage.database import Connection
from tests.graphql.mutation_documents import list_user_error_codes
from tests.graphql.shopper import TABLES, Shopper, build_stores, record_payment
from tests.graphql.world import ADMIN, TOKENS, Client, World, get_schema, open_world
from tests.graphql.writable_channels import read_counter

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

PARTNER = "partner-secret"
PARTNERS: Mapping[str, Any] = {
    **TABLES,
    "tokens": {**TOKENS, "partner": {"token": PARTNER, "kind": "PARTNER", "scopes": ["stock:read"]}},
}
PLENTY = 1_000


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    stores = build_stores()
    stores["web"].put("stock", {"id": "w-mug@D", "item": "w-mug", "place": "D", "on_hand": PLENTY})
    async with open_world(database_url, stores, **PARTNERS) as world:
        yield world


@contextlib.asynccontextmanager
async def connect_from(world: World, address: str) -> AsyncIterator[World]:
    """Connect to the gateway from this network address."""
    app = create_app(world.gateway, get_schema())
    transport = httpx2.ASGITransport(app=app, client=(address, 1), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield World(world.gateway, world.stores, world.clock, Client(http))


async def place_order(
    world: World, quantity: int = 1, email: str = "ada@example.com", token: str | None = None
) -> dict[str, Any]:
    """Place an unpaid order, and return the payload."""
    shopper = Shopper(world, token)
    await shopper.fill("web", MUG=quantity)
    return await shopper.submit(await shopper.find_option("SHIPPING", "depot"), contact={"email": email})


async def place_orders(world: World, count: int, **given: Any) -> list[str]:
    """Place unpaid orders, and return the error codes in sequence."""
    codes = [list_user_error_codes(await place_order(world, **given)) for _ in range(count)]
    return ["ok" if not found else " ".join(found) for found in codes]


async def test_a_client_has_three_unpaid_orders_at_a_time(world: World) -> None:
    assert await place_orders(world, 3) == ["ok"] * 3
    world.clock.forward(minutes=10)
    payload = await place_order(world)
    (error,) = payload["userErrors"]
    assert (error["code"], error["retryable"], error["retryAfterSeconds"]) == ("LIMIT_EXCEEDED", True, 20 * 60 + 1)
    assert payload["order"] is None and await read_counter(world, "w-mug", "D") == (PLENTY, 3)


async def test_a_client_that_pays_or_cancels_may_order_again(world: World) -> None:
    placed = [(await place_order(world))["order"] for _ in range(3)]
    await record_payment(world, placed[0]["id"], "8.00")
    assert await place_orders(world, 2) == ["ok", "LIMIT_EXCEEDED"]
    given = {"orderId": placed[1]["id"], "version": placed[1]["version"]}
    assert (await Shopper(world).ask("orderCancel", **given, orderAccessToken=placed[1]["accessToken"]))["order"]
    assert await place_orders(world, 2) == ["ok", "LIMIT_EXCEEDED"]
    world.clock.forward(minutes=31)
    await world.gateway.run_due()
    assert await place_orders(world, 4) == ["ok"] * 3 + ["LIMIT_EXCEEDED"]


async def test_a_client_holds_five_units_of_a_variant(world: World) -> None:
    assert list_user_error_codes(await place_order(world, 6)) == ["LIMIT_EXCEEDED"]
    assert list_user_error_codes(await place_order(world, 3)) == []
    assert list_user_error_codes(await place_order(world, 3)) == ["LIMIT_EXCEEDED"]
    assert list_user_error_codes(await place_order(world, 2)) == []
    assert await read_counter(world, "w-mug", "D") == (PLENTY, 5)


async def test_made_up_contacts_are_counted_by_their_network(world: World) -> None:
    async with connect_from(world, "203.0.113.7") as near, connect_from(world, "203.0.113.200") as neighbor:
        codes = [(await place_orders((near, neighbor)[n % 2], 1, email=f"{n}@example.com"))[0] for n in range(13)]
        assert codes == ["ok"] * 12 + ["LIMIT_EXCEEDED"]
    async with connect_from(world, "203.0.114.7") as elsewhere:
        assert await place_orders(elsewhere, 1, email="other@example.com") == ["ok"]


async def test_a_contact_is_counted_in_all_networks(world: World) -> None:
    for n in range(3):
        async with connect_from(world, f"198.51.{n}.1") as somewhere:
            assert await place_orders(somewhere, 1, email=" ADA@example.com"[n % 2 :]) == ["ok"]
    async with connect_from(world, "2001:db8:1::1") as somewhere:
        assert await place_orders(somewhere, 1) == ["LIMIT_EXCEEDED"]


async def test_a_network_of_version_6_is_one_household(world: World) -> None:
    for n in range(12):
        async with connect_from(world, f"2001:db8:1:2:{n}::1") as somewhere:
            assert await place_orders(somewhere, 1, email=f"{n}@example.com") == ["ok"]
    async with connect_from(world, "2001:db8:1:2:ffff::1") as somewhere:
        assert await place_orders(somewhere, 1, email="x@example.com") == ["LIMIT_EXCEEDED"]


async def test_the_server_of_a_partner_is_not_one_client(world: World) -> None:
    for n in range(14):
        assert await place_orders(world, 1, email=f"{n}@example.com", token=PARTNER) == ["ok"]
    assert await place_orders(world, 3, email="0@example.com", token=PARTNER) == ["ok", "ok", "LIMIT_EXCEEDED"]


async def test_staff_are_not_counted(world: World) -> None:
    assert await place_orders(world, 5, quantity=6, token=ADMIN) == ["ok"] * 5


async def test_clients_without_a_token_hold_half_of_a_level_together_rounded_up(world: World) -> None:
    await count_depot(world, 7)
    for n in range(4):
        async with connect_from(world, f"198.51.{n}.1") as somewhere:
            assert await place_orders(somewhere, 1, email=f"{n}@example.com") == ["ok"]
    async with connect_from(world, "198.51.100.1") as somewhere:
        (error,) = (await place_order(somewhere, email="x@example.com"))["userErrors"]
        assert (error["code"], error["availableQuantity"], error["retryAfterSeconds"]) == (
            "LIMIT_EXCEEDED",
            None,
            30 * 60 + 1,
        )
    assert await place_orders(world, 1, token=ADMIN) == ["ok"], "a known client may take the rest"


async def test_the_last_unit_can_be_bought(world: World) -> None:
    await count_depot(world, 1)
    payload = await place_order(world)
    assert payload["userErrors"] == []
    assert (await record_payment(world, payload["order"]["id"], "8.00"))["order"]["status"] == "OPEN"


async def count_depot(world: World, on_hand: int) -> None:
    world.stores["web"].change("stock", "w-mug@D", on_hand=on_hand)
    await world.gateway.request_sync("web")
    await world.gateway.run_due()


async def test_only_digests_are_stored_and_only_while_they_are_needed(world: World) -> None:
    order = (await place_order(world))["order"]
    keys = await world.gateway.database.read(read_keys, order["number"])
    assert all(key is not None and len(key) == 32 and "@" not in key for key in keys)
    await record_payment(world, order["id"], "8.00")
    assert await world.gateway.database.read(read_keys, order["number"]) == [None, None]


def read_keys(conn: Connection, number: str) -> list[str | None]:
    orders = tables.orders.c
    row = conn.execute(sa.select(orders.client_key, orders.network_key).where(orders.number == number)).one()
    return list(row)


async def test_the_proof_that_without_the_network_made_up_contacts_are_not_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpaid_caps, "NETWORK_FACTOR", PLENTY)
    for n in range(13):
        assert await place_orders(world, 1, email=f"{n}@example.com") == ["ok"]
