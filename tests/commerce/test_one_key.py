"""O3: one key is one order, from however many processes it is asked for at once, and everybody is answered alike."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage import checking, tables
from tests.commerce.processes import at_once
from tests.conftest import TORTURE
from tests.graphql.buying import ADDRESS, CONTACT, TABLES, Shopper, cents, stores
from tests.graphql.world import opened
from tests.house import Clock, running

PROCESSES = 4 if TORTURE else 2
TIMES = 25 if TORTURE else 10
"""In each process."""


async def wanted(url: str) -> dict[str, Any]:
    """What somebody asks for who wants a mug sent to her."""
    async with opened(url, stores(), **TABLES) as world:
        shopper = Shopper(world)
        await shopper.fill("web", MUG=1)
        option = await shopper.option("SHIPPING", "depot")
        money = {
            "amount": f"{(cents(shopper.cart['total']) + cents(option['price'])) / 100:.2f}",
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


def chorus(url: str, manners: str = "careful") -> tuple[list[Any], list[str]]:
    """What all of them are answered, and what channels are told by any of them."""
    asked = json.dumps(asyncio.run(wanted(url)))
    heard = at_once("tests.commerce.chorus", PROCESSES, url, asked, TIMES, manners)
    return [answer for one in heard for answer in one["answers"]], [told for one in heard for told in one["told"]]


async def known(url: str) -> tuple[int, int, list[checking.Unbalanced]]:
    """Orders, units that are spoken for, and what does not add up."""

    def select(conn: Connection) -> tuple[int, int, list[checking.Unbalanced]]:
        ours = tables.orders.c.external_id.like("gateway:%")
        placed = conn.scalar(sa.select(sa.func.count()).select_from(tables.orders).where(ours)) or 0
        held = conn.scalar(sa.select(sa.func.sum(tables.stock.c.held))) or 0
        return placed, int(held), checking.unbalanced(conn)

    async with running(url, stores(), Clock(), **TABLES) as gateway:
        return await gateway.database.read(select)


def test_one_key_from_several_processes_at_once_is_one_order_and_one_answer(database_url: str) -> None:
    answers, told = chorus(database_url)
    assert len(answers) == PROCESSES * TIMES
    orders = [order for codes, order in answers if codes == []]
    assert {tuple(codes) for codes, _ in answers} <= {(), ("IN_PROGRESS",)}
    assert orders and all(order == orders[0] for order in orders)
    assert told == ["PlaceOrder"]
    assert asyncio.run(known(database_url)) == (1, 1, [])


@pytest.mark.long
def test_without_a_look_at_the_key_others_are_told_something_else(database_url: str) -> None:
    """The proof that the test above can fail: even then the cart is sold once."""
    answers, told = chorus(database_url, manners="careless")
    assert {tuple(codes) for codes, _ in answers} == {(), ("NOT_ALLOWED_IN_STATE",)}
    assert told == ["PlaceOrder"]
