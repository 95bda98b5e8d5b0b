"""The same events in any order of arrival, through the whole gateway, lead to the same accounts (rule Y7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from gateway.commerce.context import SellingContext
from gateway.commerce.loyalty.posts import LoyaltyPost, post_points
from gateway.model.customers.loyalty import LoyaltyEntryKind
from gateway.model.mutation_result import MutationResult
from gateway.sdk.testing.record_builders import build_customer, build_line
from gateway.storage.database import Connection
from tests.commerce.loyalty.programs import Program, open_program
from tests.gateways import START

pytestmark = [pytest.mark.anyio, pytest.mark.any_database, pytest.mark.torture]

Event = Callable[[Program], Awaitable[None]]
ORDERS = 20


def sell(number: str, price: str, day: int, **more: Any) -> Event:
    async def report(program: Program) -> None:
        program.sell(number, price, placed_at=START - timedelta(days=60 - day), **more)
        await program.sync()

    return report


def post(kind: LoyaltyEntryKind, points: int, key: str, day: int, number: str = "C1") -> Event:
    posted = LoyaltyPost(
        home=None,
        number=number,
        kind=kind,
        points=points,
        reason="posted",
        source_key=key,
        occurred_at=START - timedelta(days=60 - day),
    )

    async def report(program: Program) -> None:
        def store(conn: Connection) -> MutationResult:
            return post_points(conn, posted, SellingContext(program.gateway.selling, program.clock()))

        result = await program.gateway.database.write(store)
        assert result.user_errors == ()
        await program.sync()

    return report


async def report_customer(program: Program) -> None:
    program.till.put("customers", build_customer("eve", name="Eve", card="C9"))
    await program.sync()


def get_day(day: int) -> str:
    return (START - timedelta(days=60 - day)).date().isoformat()


EVENTS: Sequence[Event] = (
    sell("1", "50.00", 0),
    sell("1", "50.00", 0, id="sent-again"),
    sell("2", "", 9, id="back", reverses="row-1", lines=[build_line("b", "t-mug", -1, "19.50")]),
    sell("3", "30.00", 20, customer="eve"),
    report_customer,
    post(LoyaltyEntryKind.EARN, 12, f"till/L/{get_day(30)}/4", 30),
    sell("4", "12.75", 30),
    post(LoyaltyEntryKind.REDEEM, 35, "till/L/offline/7", 10),
    post(LoyaltyEntryKind.REDEEM, 5, "till/L/offline/8", 25, "C9"),
)


@pytest.mark.parametrize("seed", range(ORDERS))
async def test_accounts_do_not_depend_on_the_order_of_arrival(database_url: str, seed: int) -> None:
    """Purchases of 50.00 less 19.50 and of 12.75 earn 30 and 12 points, of which 35 are spent; on the other card 5 of
    30 points are.
    """
    events = [*EVENTS, *Random(seed).choices(EVENTS, k=3)]
    Random(seed).shuffle(events)
    async with open_program(database_url) as program:
        for event in events:
            await event(program)
        assert await program.read_accounts() == {"card:C1": 7, "card:C9": 25}
