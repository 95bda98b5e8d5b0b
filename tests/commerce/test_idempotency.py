"""An idempotency key leads to one order, however many processes send it at once, and every client gets the same result
(rule O3).
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage import consistency, tables
from tests.commerce.processes import run_processes
from tests.conftest import TORTURE
from tests.gateways import Clock, run_gateway
from tests.graphql.shopper import ADDRESS, CONTACT, TRUSTING, Shopper, build_stores, to_cents
from tests.graphql.world import open_world

PROCESSES = 4 if TORTURE else 2
TIMES = 25 if TORTURE else 10
"""Requests of each process."""


async def build_order_request(url: str) -> dict[str, Any]:
    """Build the request for an order of one mug with shipping."""
    async with open_world(url, build_stores(), **TRUSTING) as world:
        shopper = Shopper(world)
        await shopper.fill("web", MUG=1)
        option = await shopper.find_option("SHIPPING", "depot")
        money = {
            "amount": f"{(to_cents(shopper.cart['total']) + to_cents(option['price'])) / 100:.2f}",
            "currencyCode": "GBP",
        }
        return {
            "cartToken": shopper.cart["token"],
            "cartVersion": shopper.cart["version"],
            "fulfillmentOptionToken": option["token"],
            "contact": CONTACT,
            "shippingAddress": ADDRESS,
            "payments": [{"kind": "PROVIDER", "provider": "stripe", "amount": money}],
            "expectedTotal": money,
            "idempotencyKey": "the-only-key-there-is",
        }


def submit_concurrently(url: str, manners: str = "careful") -> tuple[list[Any], list[str]]:
    """Send the order from several processes; return all payloads and all commands that channels received."""
    asked = json.dumps(asyncio.run(build_order_request(url)))
    outputs = run_processes("tests.commerce.concurrent_retries", PROCESSES, url, asked, TIMES, manners)
    return [answer for one in outputs for answer in one["answers"]], [
        name for one in outputs for name in one["commands"]
    ]


async def read_totals(url: str) -> tuple[int, int, list[consistency.UnbalancedCounter]]:
    """Read the number of orders, reserved units, and unbalanced counters."""

    def select(conn: Connection) -> tuple[int, int, list[consistency.UnbalancedCounter]]:
        ours = tables.orders.c.external_id.like("gateway:%")
        placed = conn.scalar(sa.select(sa.func.count()).select_from(tables.orders).where(ours)) or 0
        held = conn.scalar(sa.select(sa.func.sum(tables.stock.c.held))) or 0
        return placed, int(held), consistency.find_unbalanced_counters(conn)

    async with run_gateway(url, build_stores(), Clock(), **TRUSTING) as gateway:
        return await gateway.database.read(select)


@pytest.mark.any_database
def test_one_key_from_several_processes_at_once_is_one_order_and_one_answer(database_url: str) -> None:
    answers, commands = submit_concurrently(database_url)
    assert len(answers) == PROCESSES * TIMES
    orders = [order for codes, order in answers if codes == []]
    assert {tuple(codes) for codes, _ in answers} <= {(), ("IN_PROGRESS",)}
    assert orders and all(order == orders[0] for order in orders)
    assert commands == ["PlaceOrder"]
    assert asyncio.run(read_totals(database_url)) == (1, 1, [])


@pytest.mark.long
def test_the_proof_without_a_lookup_of_the_key_others_get_another_result(database_url: str) -> None:
    """Proof that the test above can fail: even then the cart is sold once."""
    answers, commands = submit_concurrently(database_url, manners="careless")
    assert {tuple(codes) for codes, _ in answers} == {(), ("NOT_ALLOWED_IN_STATE",)}
    assert commands == ["PlaceOrder"]
