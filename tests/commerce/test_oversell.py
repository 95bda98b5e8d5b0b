"""K7, L4: however many processes sell at once, what is there is sold, and nothing that is not there."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import checking, tables
from tests.conftest import TORTURE
from tests.graphql.buying import TABLES
from tests.house import Clock, running

ROOT = Path(__file__).parents[2]
PROCESSES = 4 if TORTURE else 2
SKUS = [f"S{n}" for n in range(20)]
UNITS = 100 if TORTURE else 20
SHOPPERS = 2_500 if TORTURE else 24
"""In each process."""


def goods() -> MemoryStore:
    """A till with as many of each thing as one of these tests wants."""
    store = MemoryStore()
    for sku in SKUS:
        store.put("products", rows.product(f"t-{sku}", sku=sku, price="1.00"))
    return store


async def opened_once(url: str, units: dict[str, int]) -> None:
    """Sync a till with so much of each thing in London."""
    till = goods()
    for sku, count in units.items():
        till.put("stock", rows.stock(f"t-{sku}", "L", count))
    async with running(url, {"till": till, "web": MemoryStore()}, Clock(), **TABLES) as gateway:
        await gateway.run_due()


def rush(url: str, lines: int, things: int) -> dict[str, int]:
    """Have shoppers order in several processes, all at the same moment; how often each answer was given."""
    command = [sys.executable, "-m", "tests.commerce.rush", url, str(SHOPPERS), str(lines), str(things)]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    for one in processes:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    outs = [one.communicate()[0] for one in _started(processes)]
    assert [one.returncode for one in processes] == [0] * PROCESSES
    counts: Counter[str] = Counter()
    for out in outs:
        counts.update(json.loads(out))
    return dict(counts)


def _started(processes: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    for one in processes:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    return processes


async def known(url: str) -> tuple[int, list[checking.Unbalanced], int]:
    """Units that are spoken for, what does not add up, and how many orders there are."""

    def select(conn: Connection) -> tuple[int, list[checking.Unbalanced], int]:
        held = conn.scalar(sa.select(sa.func.sum(tables.stock.c.held))) or 0
        orders = conn.scalar(sa.select(sa.func.count()).select_from(tables.orders)) or 0
        return int(held), checking.unbalanced(conn), orders

    async with running(url, {"till": goods(), "web": MemoryStore()}, Clock(), **TABLES) as gateway:
        return await gateway.database.read(select)


def test_what_is_there_is_sold_once_and_everybody_else_is_told_so(database_url: str) -> None:
    asyncio.run(opened_once(database_url, {"S0": UNITS}))
    answers = rush(database_url, lines=1, things=1)
    assert answers == {"sold 1": UNITS, "OUT_OF_STOCK": PROCESSES * SHOPPERS - UNITS}
    assert asyncio.run(known(database_url)) == (UNITS, [], UNITS)


def test_carts_of_several_things_are_sold_whole_or_not_at_all(database_url: str) -> None:
    asyncio.run(opened_once(database_url, dict.fromkeys(SKUS, SHOPPERS // 4)))
    answers = rush(database_url, lines=5, things=len(SKUS))
    sold = {int(answer.split()[1]): count for answer, count in answers.items() if answer.startswith("sold")}
    assert set(answers) - {f"sold {lines}" for lines in sold} <= {"OUT_OF_STOCK"}
    units = sum(lines * count for lines, count in sold.items())
    assert asyncio.run(known(database_url)) == (units, [], sum(sold.values()))
    assert 0 < units <= len(SKUS) * (SHOPPERS // 4)
