"""However many processes sell at once, all available units are sold and no more (rule K7, rule L4)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import consistency, tables
from gateway.sync.stock_maintenance import expire_holds_and_carts
from tests.commerce.processes import run_processes
from tests.conftest import TORTURE, copy_postgres_database
from tests.gateways import Clock, run_gateway
from tests.graphql.shopper import TRUSTING

PROCESSES = 4 if TORTURE else 2
SKUS = [f"S{n}" for n in range(20)]
UNITS = 100 if TORTURE else 20
SHOPPERS = 2_500 if TORTURE else 24
"""Shoppers of each process."""

CLERKS = SHOPPERS // 5
EACH = SHOPPERS // 4
"""Units of each product for carts of several lines."""


def build_till(units: Mapping[str, int]) -> MemoryStore:
    """Build a till with this many units of each product in London."""
    store = MemoryStore()
    for sku in SKUS:
        store.put("products", record_builders.build_product(f"t-{sku}", sku=sku, price="1.00"))
    for sku, count in units.items():
        store.put("stock", record_builders.build_stock(f"t-{sku}", "L", count))
    return store


async def sync_till(url: str, units: Mapping[str, int]) -> None:
    """Sync a till with this many units of each product in London."""
    async with run_gateway(url, {"till": build_till(units), "web": MemoryStore()}, Clock(), **TRUSTING) as gateway:
        await gateway.run_due()


def submit_concurrently(url: str, lines: int, things: int, clerks: int = 0, manners: str = "careful") -> Counter[str]:
    """Let shoppers order in several processes at the same moment; count the results."""
    outputs = run_processes(
        "tests.commerce.concurrent_orders", PROCESSES, url, SHOPPERS, lines, things, clerks, manners
    )
    return sum((Counter(one) for one in outputs), Counter())


@dataclass(frozen=True)
class FinalState:
    """The final state: free units of each counter, reserved units, orders, and unbalanced counters."""

    free: Mapping[str, int]
    reserved: int
    orders: int
    unbalanced: list[consistency.UnbalancedCounter]


async def read_final_state(url: str) -> FinalState:
    """Read the state once every reservation has ended."""

    def select(conn: Connection) -> FinalState:
        counters = conn.execute(sa.select(tables.stock.c.item, tables.stock.c.on_hand, tables.stock.c.held)).all()
        return FinalState(
            free={row.item: row.on_hand - row.held for row in counters},
            reserved=sum(row.held for row in counters),
            orders=conn.scalar(sa.select(sa.func.count()).select_from(tables.orders)) or 0,
            unbalanced=consistency.find_unbalanced_counters(conn),
        )

    clock = Clock()
    clock.forward(days=1)
    async with run_gateway(url, {"till": build_till({}), "web": MemoryStore()}, clock, **TRUSTING) as gateway:
        while await expire_holds_and_carts(gateway.database, clock()):
            pass
        return await gateway.database.read(select)


@pytest.mark.any_database
def test_available_units_are_sold_once_and_every_other_client_is_refused(database_url: str) -> None:
    asyncio.run(sync_till(database_url, {"S0": UNITS}))
    assert submit_concurrently(database_url, lines=1, things=1) == {
        "sold 1": UNITS,
        "OUT_OF_STOCK": PROCESSES * SHOPPERS - UNITS,
    }
    assert asyncio.run(read_final_state(database_url)) == FinalState({"t-S0": 0}, UNITS, UNITS, [])


@pytest.mark.any_database
@pytest.mark.long
def test_carts_of_several_things_are_sold_whole_or_not_at_all_while_others_hold_and_forget(database_url: str) -> None:
    asyncio.run(sync_till(database_url, dict.fromkeys(SKUS, EACH)))
    answers = submit_concurrently(database_url, lines=5, things=len(SKUS), clerks=CLERKS)
    sold = {int(answer.split()[1]): count for answer, count in answers.items() if answer.startswith("sold")}
    others = {answer for answer in answers if not answer.startswith("sold")}
    assert "held" in others and others <= {"OUT_OF_STOCK", "held", "held OUT_OF_STOCK"}
    assert sum(answers.values()) == PROCESSES * (SHOPPERS + CLERKS)
    units, found = sum(lines * count for lines, count in sold.items()), asyncio.run(read_final_state(database_url))
    assert (found.reserved, found.orders, found.unbalanced) == (units, sum(sold.values()), [])
    assert min(found.free.values()) >= 0 and sum(found.free.values()) == len(SKUS) * EACH - units
    assert units > 0


@pytest.mark.long
def test_it_fails_where_counters_are_not_locked(postgres_server: str, fresh_names: Iterator[int]) -> None:
    """Proof that the tests above can fail. SQLite has one writer at a time, whatever is locked."""
    with copy_postgres_database(postgres_server, f"careless_{next(fresh_names)}") as url:
        asyncio.run(sync_till(url, {"S0": UNITS}))
        answers = submit_concurrently(url, lines=1, things=1, manners="careless")
        assert answers["sold 1"] > UNITS
        assert asyncio.run(read_final_state(url)).unbalanced != []
