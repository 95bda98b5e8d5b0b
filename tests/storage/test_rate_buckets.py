"""Rate budgets: leaky buckets that no number of callers and restarts can overdraw."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from gateway.sdk.http import Budget
from gateway.storage.database import Database
from gateway.storage.sync import rate_buckets
from gateway.storage.sync.rate_buckets import CLOCK_SET_BACK, RateBucket

pytestmark = pytest.mark.anyio

OpenDatabase = Callable[[], AbstractAsyncContextManager[Database]]
SLOW = Budget(capacity=3, per_second=0.5)
START = 1_800_000_000.0


def pay(conn: Connection, now: float, cost: float = 1, reserve: float = 0, name: str = "orders") -> float:
    return rate_buckets.acquire_budget(conn, "amazing", name, SLOW, cost, reserve, START + now)


def correct(conn: Connection, /, now: float, **value: float) -> None:
    known: dict[str, float | None] = {"left": None, "per_second": None, "capacity": None}
    rate_buckets.correct_bucket(conn, "amazing", "orders", SLOW, START + now, **{**known, **value})


async def test_a_bucket_pays_what_it_holds_and_then_says_how_long_to_wait(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        assert [await database.write(pay, 0) for _ in range(5)] == [0, 0, 0, 2, 2]
        assert [await database.write(pay, 2) for _ in range(2)] == [0, 2]
        assert await database.write(pay, 0, name="listings") == 0, "each has a bucket of its own"


async def test_a_restart_does_not_fill_the_bucket(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        assert [await database.write(pay, 0) for _ in range(4)] == [0, 0, 0, 2]
    async with open_database() as database:
        assert await database.write(pay, 1) == 1


async def test_two_processes_together_get_no_more_than_one(open_database: OpenDatabase) -> None:
    async with open_database() as one, open_database() as other:
        waits = await asyncio.gather(*(database.write(pay, 0) for database in (one, other) * 10))
    assert waits.count(0) == 3


async def test_a_share_is_left_to_more_urgent_calls_but_no_call_is_blocked_forever(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        assert [await database.write(pay, 0, reserve=0.5) for _ in range(3)] == [0, 1, 1]
        assert await database.write(pay, 0) == 0, "the urgent one is paid at once"
        assert await database.write(pay, 60, cost=3, reserve=0.5) == 0, "who needs all waits until it is full"


async def test_the_bucket_level_that_a_channel_reports_counts(open_database: OpenDatabase) -> None:
    async with open_database() as database:
        await database.write(correct, 0, left=1, per_second=2.0, capacity=10)
        assert [await database.write(pay, 0) for _ in range(2)] == [0, 0.5]
        await database.write(correct, 0, left=7)
        assert await database.write(pay, 0) == 0.5, "it may not know yet what is on its way"
        assert await database.write(pay, 0, cost=-4) == 0
        assert await database.write(pay, 0, cost=4) == 0, "what was too much is given back"
        assert await database.write(pay, 60, cost=10) == 0


ABSURD = [-1.0, 0.0, 1e-300, 1e300, float("inf"), float("-inf"), float("nan")]


@pytest.mark.parametrize("name", ["left", "per_second", "capacity"])
@pytest.mark.parametrize("value", ABSURD)
async def test_what_cannot_be_so_of_a_bucket_stops_nothing(
    open_database: OpenDatabase, name: str, value: float
) -> None:
    """A bucket that never fills is never asked again, so its state would stay wrong."""
    async with open_database() as database:
        await database.write(correct, 0, **{name: value})
        now, paid = 0.0, 0
        while paid < 3:
            wait = await database.write(pay, now)
            now, paid = now + wait, paid + (not wait)
    assert now <= 3 / (SLOW.per_second / 20)


@pytest.mark.parametrize("cost", [1e300, float("inf"), float("nan"), -1e300])
async def test_what_costs_beyond_measure_costs_all_that_there_is(open_database: OpenDatabase, cost: float) -> None:
    async with open_database() as database:
        assert await database.write(pay, 0, cost=cost) == 0
        assert await database.write(pay, 60, cost=cost) == 0
        assert await database.write(pay, 120) == 0


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.floats(0, 30), st.floats(-5, 5), st.sampled_from([1.0, 2.0, 3.0])), max_size=40),
)
def test_payers_with_clocks_that_differ_never_get_more_than_comes_back(steps: list[tuple[float, float, float]]) -> None:
    """Each step: seconds since the last, offset of the caller's clock, cost."""
    bucket, now, paid = RateBucket(SLOW.capacity, START, SLOW.capacity, SLOW.per_second), START, 0.0
    for passed, off, cost in steps:
        now += passed
        bucket.refill(now + off)
        if not bucket.compute_wait(cost, 0):
            bucket.level -= cost
            paid += cost
    assert paid <= SLOW.capacity + (now + 5 - START) * SLOW.per_second + 1e-6


def test_a_clock_that_was_set_back_does_not_stop_everything() -> None:
    bucket = RateBucket(0, START + 2 * CLOCK_SET_BACK, SLOW.capacity, SLOW.per_second)
    bucket.refill(START)
    bucket.refill(START + 2)
    assert not bucket.compute_wait(1, 0)
