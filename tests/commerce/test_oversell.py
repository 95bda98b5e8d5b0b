"""K7, L4: however many processes sell at once, what is there is sold, and nothing that is not there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import checking, tables
from gateway.sync.stock import expire
from tests.commerce.processes import at_once
from tests.conftest import TORTURE, postgres_copy
from tests.graphql.buying import TABLES
from tests.house import Clock, running

PROCESSES = 4 if TORTURE else 2
SKUS = [f"S{n}" for n in range(20)]
UNITS = 100 if TORTURE else 20
SHOPPERS = 2_500 if TORTURE else 24
"""In each process."""

CLERKS = SHOPPERS // 5
EACH = SHOPPERS // 4
"""Units of each of the things that carts of several lines are about."""


def goods(units: Mapping[str, int]) -> MemoryStore:
    """A till with these things, and so many of them in London."""
    store = MemoryStore()
    for sku in SKUS:
        store.put("products", rows.product(f"t-{sku}", sku=sku, price="1.00"))
    for sku, count in units.items():
        store.put("stock", rows.stock(f"t-{sku}", "L", count))
    return store


async def opened_once(url: str, units: Mapping[str, int]) -> None:
    """Sync a till with so much of each thing in London."""
    async with running(url, {"till": goods(units), "web": MemoryStore()}, Clock(), **TABLES) as gateway:
        await gateway.run_due()


def rush(url: str, lines: int, things: int, clerks: int = 0, manners: str = "careful") -> Counter[str]:
    """Have shoppers order in several processes, all at the same moment; how often each answer was given."""
    heard = at_once("tests.commerce.rush", PROCESSES, url, SHOPPERS, lines, things, clerks, manners)
    return sum((Counter(one) for one in heard), Counter())


@dataclass(frozen=True)
class Left:
    """What there is in the end: free units of each counter, how many are spoken for, orders, and what is not right."""

    free: Mapping[str, int]
    spoken_for: int
    orders: int
    unbalanced: list[checking.Unbalanced]


async def left(url: str) -> Left:
    """What there is once every hold is over."""

    def select(conn: Connection) -> Left:
        counters = conn.execute(sa.select(tables.stock.c.item, tables.stock.c.on_hand, tables.stock.c.held)).all()
        return Left(
            free={row.item: row.on_hand - row.held for row in counters},
            spoken_for=sum(row.held for row in counters),
            orders=conn.scalar(sa.select(sa.func.count()).select_from(tables.orders)) or 0,
            unbalanced=checking.unbalanced(conn),
        )

    clock = Clock()
    clock.forward(days=1)
    async with running(url, {"till": goods({}), "web": MemoryStore()}, clock, **TABLES) as gateway:
        while await expire(gateway.database, clock()):
            pass
        return await gateway.database.read(select)


@pytest.mark.any_database
def test_what_is_there_is_sold_once_and_everybody_else_is_told_so(database_url: str) -> None:
    asyncio.run(opened_once(database_url, {"S0": UNITS}))
    assert rush(database_url, lines=1, things=1) == {"sold 1": UNITS, "OUT_OF_STOCK": PROCESSES * SHOPPERS - UNITS}
    assert asyncio.run(left(database_url)) == Left({"t-S0": 0}, UNITS, UNITS, [])


def test_carts_of_several_things_are_sold_whole_or_not_at_all_while_others_hold_and_forget(database_url: str) -> None:
    asyncio.run(opened_once(database_url, dict.fromkeys(SKUS, EACH)))
    answers = rush(database_url, lines=5, things=len(SKUS), clerks=CLERKS)
    sold = {int(answer.split()[1]): count for answer, count in answers.items() if answer.startswith("sold")}
    others = {answer for answer in answers if not answer.startswith("sold")}
    assert "held" in others and others <= {"OUT_OF_STOCK", "held", "held OUT_OF_STOCK"}
    assert sum(answers.values()) == PROCESSES * (SHOPPERS + CLERKS)
    units, found = sum(lines * count for lines, count in sold.items()), asyncio.run(left(database_url))
    assert (found.spoken_for, found.orders, found.unbalanced) == (units, sum(sold.values()), [])
    assert min(found.free.values()) >= 0 and sum(found.free.values()) == len(SKUS) * EACH - units
    assert units > 0


@pytest.mark.long
def test_it_fails_where_counters_are_not_locked(postgres_server: str, fresh_names: Iterator[int]) -> None:
    """The proof that the tests above can fail. SQLite has one writer at a time, whatever is locked."""
    with postgres_copy(postgres_server, f"careless_{next(fresh_names)}") as url:
        asyncio.run(opened_once(url, {"S0": UNITS}))
        answers = rush(url, lines=1, things=1, manners="careless")
        assert answers["sold 1"] > UNITS
        assert asyncio.run(left(url)).unbalanced != []
