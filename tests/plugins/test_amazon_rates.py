"""How often a seller account is asked: never above its rates, over restarts and with several gateways."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.runtime import Gateway
from gateway.sdk import BudgetSpentError, RateLimitedError
from gateway.storage.database import Connection
from gateway.storage.tables import budgets
from gateway_amazon.partner import OPERATIONS, SEARCH_ORDERS
from gateway_amazon.sandbox import AmazonSandbox, start
from gateway_amazon.sandbox.limits import RATES
from tests.databases import sqlite_database

from .amazon import SOON, Clock, house, many, most_at_once, opened, refused, world

pytestmark = pytest.mark.anyio
SCALE = 2_000.0
CALLS = 30


async def ask(gateway: Gateway, calls: int = CALLS) -> None:
    """Ask for the first page of the orders so often."""
    for _ in range(calls):
        await gateway.syncing["amazon"].channel.page("orders", None, None, SOON)


async def sandboxed(directory: Path, clock: Clock, scale: float = SCALE) -> AmazonSandbox:
    """A sandbox whose rates are so much higher."""
    return await start(world(), directory, scale=scale, now=clock, ticks=clock.ticks)


async def test_the_order_search_is_never_above_its_rate_over_a_restart(tmp_path: Path, database_url: str) -> None:
    clock = Clock()
    sandbox = await sandboxed(tmp_path, clock)
    for _ in range(2):
        async with opened(database_url, sandbox, clock, feeds=["orders"]) as gateway:
            await ask(gateway)
    await sandbox.close()
    asked = [one for one in sandbox.asked if one.operation == "searchOrders"]
    assert (len(asked), refused(asked)) == (2 * CALLS, 0)
    assert most_at_once(asked, SEARCH_ORDERS.budget.per_second * SCALE) <= SEARCH_ORDERS.budget.capacity


async def test_two_gateways_on_one_database_share_the_rate(tmp_path: Path, database_url: str) -> None:
    clock = Clock()
    sandbox = await sandboxed(tmp_path, clock)
    async with (
        opened(database_url, sandbox, clock, feeds=["orders"]) as one,
        opened(database_url, sandbox, clock, feeds=["orders"]) as other,
    ):
        await asyncio.gather(ask(one), ask(other))
    await sandbox.close()
    asked = [one for one in sandbox.asked if one.operation == "searchOrders"]
    assert (len(asked), refused(asked)) == (2 * CALLS, 0)
    assert most_at_once(asked, SEARCH_ORDERS.budget.per_second * SCALE) <= SEARCH_ORDERS.budget.capacity


async def test_the_proof_gateways_that_share_no_database_are_above_the_rate(tmp_path: Path) -> None:
    clock = Clock()
    sandbox = await sandboxed(tmp_path, clock, scale=1.0)
    async with opened(sqlite_database(tmp_path / "one.db"), sandbox, clock, feeds=["orders"]) as gateway:
        await ask(gateway, 18)
    async with opened(sqlite_database(tmp_path / "other.db"), sandbox, clock, feeds=["orders"]) as gateway:
        with pytest.raises(RateLimitedError):
            await ask(gateway, 18)
    await sandbox.close()
    assert refused(sandbox.asked) == 1
    assert most_at_once(sandbox.asked, SEARCH_ORDERS.budget.per_second) > SEARCH_ORDERS.budget.capacity


async def test_a_search_that_cannot_be_paid_for_is_put_off_without_a_fault_and_without_being_asked(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, scale=1.0, feeds=["orders"]) as amazon:
        with pytest.raises(BudgetSpentError):
            await ask(amazon.gateway)
        asked = amazon.asked("searchOrders")
        await amazon.gateway.run_due()
        assert await amazon.faults() == {}
        assert (amazon.asked("searchOrders"), refused(amazon.sandbox.asked)) == (asked, 0)


async def test_a_first_sync_stays_within_every_operations_rate(tmp_path: Path) -> None:
    scale = 50.0
    async with house(tmp_path, many(listings=120, orders=130), scale=scale) as amazon:
        await amazon.gateway.run_due()
        asked = amazon.sandbox.asked
        assert await amazon.faults() == {}
    assert refused(asked) == 0
    for name, (per_second, burst) in RATES.items():
        of = [one for one in asked if one.operation == name]
        assert not of or most_at_once(of, per_second * scale) <= burst, name


async def test_what_amazon_says_about_a_rate_is_believed(tmp_path: Path) -> None:
    def rates(conn: Connection) -> dict[str, float]:
        rows = conn.execute(sa.select(budgets.c.name, budgets.c.per_second).where(budgets.c.channel == "amazon"))
        return {row.name: row.per_second for row in rows}

    async with house(tmp_path, scale=1.5) as amazon:
        await amazon.gateway.run_due()
        told = await amazon.gateway.database.read(rates)
    assert told == pytest.approx({name: RATES[name][0] * 1.5 for name in told})
    assert set(told) >= {"searchListingsItems", "getInventorySummaries", "searchOrders"}


def test_the_declared_budgets_are_the_vendors_usage_plans() -> None:
    declared = {one.name: (one.budget.per_second, one.budget.capacity) for one in OPERATIONS}
    assert declared == RATES
