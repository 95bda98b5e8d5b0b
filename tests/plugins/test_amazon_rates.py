"""The rate of requests to a seller account stays below its limits, across restarts and several gateways."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.runtime.gateway import Gateway
from gateway.sdk import BudgetSpentError, RateLimitedError
from gateway.storage.database import Connection
from gateway.storage.tables import budgets
from gateway_amazon.client import OPERATIONS, SEARCH_ORDERS
from gateway_amazon_sandbox import AmazonSandbox, start
from gateway_amazon_sandbox.rate_limits import RATES
from tests.databases import create_sqlite_database
from tests.plugins.amazon import (
    SOON,
    Clock,
    build_large_world,
    build_world,
    compute_burst,
    count_throttled,
    open_account,
    open_testbed,
)

pytestmark = pytest.mark.anyio
SCALE = 2_000.0
CALLS = 30


async def ask(gateway: Gateway, calls: int = CALLS) -> None:
    """Request the first page of orders this many times."""
    for _ in range(calls):
        await gateway.channel_syncs["amazon"].channel.page("orders", None, None, SOON)


async def start_sandbox(directory: Path, clock: Clock, scale: float = SCALE) -> AmazonSandbox:
    """Start a sandbox with scaled rate limits."""
    return await start(build_world(), directory, scale=scale, now=clock, ticks=clock.read_seconds)


@pytest.mark.long
async def test_the_order_search_is_never_above_its_rate_over_a_restart(tmp_path: Path, database_url: str) -> None:
    clock = Clock()
    sandbox = await start_sandbox(tmp_path, clock)
    for _ in range(2):
        async with open_account(database_url, sandbox, clock, feeds=["orders"]) as gateway:
            await ask(gateway)
    await sandbox.close()
    asked = [one for one in sandbox.requests if one.operation == "searchOrders"]
    assert (len(asked), count_throttled(asked)) == (2 * CALLS, 0)
    assert compute_burst(asked, SEARCH_ORDERS.budget.per_second * SCALE) <= SEARCH_ORDERS.budget.capacity


@pytest.mark.long
async def test_two_gateways_on_one_database_share_the_rate(tmp_path: Path, database_url: str) -> None:
    clock = Clock()
    sandbox = await start_sandbox(tmp_path, clock)
    async with (
        open_account(database_url, sandbox, clock, feeds=["orders"]) as one,
        open_account(database_url, sandbox, clock, feeds=["orders"]) as other,
    ):
        await asyncio.gather(ask(one), ask(other))
    await sandbox.close()
    asked = [one for one in sandbox.requests if one.operation == "searchOrders"]
    assert (len(asked), count_throttled(asked)) == (2 * CALLS, 0)
    assert compute_burst(asked, SEARCH_ORDERS.budget.per_second * SCALE) <= SEARCH_ORDERS.budget.capacity


async def test_the_proof_gateways_that_share_no_database_are_above_the_rate(tmp_path: Path) -> None:
    clock = Clock()
    sandbox = await start_sandbox(tmp_path, clock, scale=1.0)
    async with open_account(create_sqlite_database(tmp_path / "one.db"), sandbox, clock, feeds=["orders"]) as gateway:
        await ask(gateway, 18)
    async with open_account(create_sqlite_database(tmp_path / "other.db"), sandbox, clock, feeds=["orders"]) as gateway:
        with pytest.raises(RateLimitedError):
            await ask(gateway, 18)
    await sandbox.close()
    assert count_throttled(sandbox.requests) == 1
    assert compute_burst(sandbox.requests, SEARCH_ORDERS.budget.per_second) > SEARCH_ORDERS.budget.capacity


async def test_a_search_that_cannot_be_paid_for_is_put_off_without_a_fault_and_without_being_asked(
    tmp_path: Path,
) -> None:
    async with open_testbed(tmp_path, scale=1.0, feeds=["orders"]) as amazon:
        with pytest.raises(BudgetSpentError):
            await ask(amazon.gateway)
        asked = amazon.count_requests("searchOrders")
        await amazon.gateway.run_due()
        assert await amazon.read_faults() == {}
        assert (amazon.count_requests("searchOrders"), count_throttled(amazon.sandbox.requests)) == (asked, 0)


async def test_a_first_sync_stays_within_every_operations_rate(tmp_path: Path) -> None:
    scale = 50.0
    async with open_testbed(tmp_path, build_large_world(listings=120, orders=130), scale=scale) as amazon:
        await amazon.gateway.run_due()
        asked = amazon.sandbox.requests
        assert await amazon.read_faults() == {}
    assert count_throttled(asked) == 0
    for name, (per_second, burst) in RATES.items():
        of = [one for one in asked if one.operation == name]
        assert not of or compute_burst(of, per_second * scale) <= burst, name


async def test_what_amazon_says_about_a_rate_is_believed(tmp_path: Path) -> None:
    def select_rates(conn: Connection) -> dict[str, float]:
        rows = conn.execute(sa.select(budgets.c.name, budgets.c.per_second).where(budgets.c.channel == "amazon"))
        return {row.name: row.per_second for row in rows}

    async with open_testbed(tmp_path, scale=1.5) as amazon:
        await amazon.gateway.run_due()
        rates = await amazon.gateway.database.read(select_rates)
    assert rates == pytest.approx({name: RATES[name][0] * 1.5 for name in rates})
    assert set(rates) >= {"searchListingsItems", "getInventorySummaries", "searchOrders"}


def test_the_declared_budgets_are_the_vendors_usage_plans() -> None:
    declared = {one.name: (one.budget.per_second, one.budget.capacity) for one in OPERATIONS}
    assert declared == RATES
