"""The deadline, the payment and a cancellation of an order meet in several processes, while others buy its units (rule
U1).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from gateway.storage import tables
from gateway.storage.database import Connection
from tests.commerce.concurrent_payments import TOTAL
from tests.commerce.paid_orders import PAID_LATE, OrderFacts, list_stock_problems, read_order_facts
from tests.commerce.processes import run_processes
from tests.conftest import TORTURE, copy_postgres_database
from tests.gateways import Clock, run_gateway
from tests.graphql.shopper import Shopper, build_stores
from tests.graphql.world import open_world

pytestmark = pytest.mark.long

PROCESSES = 4
ORDERS = 300 if TORTURE else 40
Outcomes = Counter[str]


async def place_orders(url: str) -> None:
    """Place unpaid orders that hold all mugs of the depot."""
    stores = build_stores()
    stores["web"].put("stock", {"id": "w-mug@D", "item": "w-mug", "place": "D", "on_hand": ORDERS})
    async with open_world(url, stores, **PAID_LATE) as world:
        for _ in range(ORDERS):
            shopper = Shopper(world)
            await shopper.fill("web", MUG=1)
            placed = await shopper.submit(await shopper.find_option("SHIPPING", "depot"))
            assert placed["userErrors"] == [] and placed["order"]["status"] == "PENDING"


def run_concurrently(url: str, manners: str = "careful") -> tuple[Outcomes, list[str]]:
    """Let everything happen to all orders in several processes at once; return the outcomes, and what is wrong."""
    asyncio.run(place_orders(url))
    outputs = run_processes("tests.commerce.concurrent_payments", PROCESSES, url, manners)
    canceled = [order_id for one in outputs for order_id in one]
    return asyncio.run(read_outcomes(url, canceled))


async def read_outcomes(url: str, canceled: list[str]) -> tuple[Outcomes, list[str]]:
    def read(conn: Connection) -> tuple[Outcomes, list[str]]:
        ours = sa.select(tables.orders.c.id).where(tables.orders.c.external_id.like("gateway:%"))
        facts = {order_id: read_order_facts(conn, order_id) for order_id in conn.scalars(ours)}
        problems = [problem for order_id, one in facts.items() if (problem := find_problem(one, order_id in canceled))]
        return Counter(describe_outcome(one) for one in facts.values()), [*problems, *list_stock_problems(conn)]

    async with run_gateway(url, build_stores(), Clock(), **PAID_LATE) as gateway:
        return await gateway.database.read(read)


def describe_outcome(facts: OrderFacts) -> str:
    return "delivered" if facts.is_active else "due back" if facts.is_due_back else "canceled"


def find_problem(facts: OrderFacts, was_canceled: bool) -> str | None:
    """Say what is wrong with an order that was paid, perhaps several times with the same reference."""
    if facts.paid != TOTAL or len(facts.references) != 1:
        return f"paid {facts.references}"
    if facts.is_active == facts.is_due_back:
        return "delivered and paid back" if facts.is_active else "money kept, and not due back"
    if facts.claimed != (1 if facts.is_active else 0):
        return "sold while its units are free" if facts.is_active else "canceled, and its units are held"
    return "reopened after a cancellation by staff" if was_canceled and facts.is_active else None


def test_each_order_is_delivered_or_paid_back_whatever_comes_first(database_url: str) -> None:
    outcomes, problems = run_concurrently(database_url)
    assert problems == []
    assert outcomes.total() == ORDERS and outcomes["delivered"] > 0 and outcomes["due back"] > 0


@pytest.mark.torture
def test_the_proof_that_it_fails_where_orders_are_not_locked(postgres_server: str, fresh_names: Iterator[int]) -> None:
    """SQLite has one writer at a time, whatever is locked."""
    with copy_postgres_database(postgres_server, f"unlocked_{next(fresh_names)}") as url:
        _, problems = run_concurrently(url, "careless")
        assert problems != []
