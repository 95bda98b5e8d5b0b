"""A busy day: whatever is sold where, and whatever breaks meanwhile, every count is right in the evening."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from examples.demo.busy.books import SoldVariant, StockBooks
from examples.demo.busy.day import Report

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
LEEDS = "warehouse-leeds"
WELL = ("different: 0", "in progress: 0", "not checked: 0", "counts that differ from the sales: 0", "pending: 0")


@pytest.mark.anyio
async def test_after_a_busy_day_with_faults_every_channel_counts_what_is_left() -> None:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "examples.demo", "busy-day", "--sales", "60")
    environment = {key: value for key, value in os.environ.items() if key != "DATA"}
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(300):
        out, err = await process.communicate()
    said = out.decode()
    assert process.returncode == 0, said + err.decode()
    assert [line for line in WELL if line not in said.splitlines()] == []
    assert "broken: nothing" not in said


def build_books() -> StockBooks:
    names = {("web", "22423"): SoldVariant("stand", 1), ("amazon", "22423-2PK"): SoldVariant("stand", 2)}
    return StockBooks(names, Counter({("stand", LEEDS): 9}))


def test_the_days_own_books_know_what_has_to_be_left() -> None:
    books, there = build_books(), ("stand", LEEDS)
    books.move("web", "22423", LEEDS, -1)
    books.move("amazon", "22423-2PK", LEEDS, -1)
    books.move("amazon", "M-1", LEEDS, -1)  # an unknown product
    assert list(books.find_differences({there: 2}, {there: 4})) == []
    (line,) = books.find_differences({there: 2}, {there: 5})
    assert line == "22423/22423-2PK in warehouse-leeds: 4 expected, 5 counted"
    assert len(list(books.find_differences({}, {}))) == 1


@pytest.mark.parametrize(
    "report",
    [
        Report(Counter(), ["one too many"], [], 0),
        Report(Counter(), [], ["web: AdjustStock is not delivered"], 0),
        Report(Counter(), [], [], 1),
    ],
)
def test_a_day_after_which_anything_is_wrong_did_not_go_well(report: Report) -> None:
    said: list[str] = []
    assert report.print(said.append) == 1
    assert Report(Counter(), [], [], 0).print(said.append) == 0
