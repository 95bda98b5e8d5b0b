"""A channel that may not be asked for now: its budget is spent. It is well, and everything else goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.sdk.errors import BudgetSpentError
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import raising
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import sources, tables
from tests.house import Clock, running
from tests.sync.observed import channel, pass_of, rows_of, titles

pytestmark = pytest.mark.anyio

SPENT = raising(BudgetSpentError("the budget is spent", timedelta(minutes=3)))


async def test_a_feed_whose_budget_is_spent_waits_and_the_others_do_not(database_url: str) -> None:
    store, clock = MemoryStore(), Clock()
    store.put("products", rows.product("1", title="Lamp"))
    store.put("customers", rows.customer("c1", name="Ada"))
    async with running(database_url, {"till": store}, clock, channel("products", "customers")) as gateway:
        store.apply(SPENT, feed="products", times=1)
        await gateway.run_due()
        row = await pass_of(gateway)
        assert (row.due_at - clock(), row.fault_code) == (timedelta(minutes=3), None)
        assert await rows_of(gateway, tables.customers, "display_name") == ["Ada"]
        assert await rows_of(gateway, tables.channels, "fault_code", "failures") == [(None, 0)]
        assert gateway.syncing["till"].channel.breaker.failures == 0
        await gateway.run_due()
        assert await titles(gateway) == []
        clock.forward(minutes=3)
        await gateway.run_due()
        assert await titles(gateway) == ["Lamp"]


async def test_single_records_wait_likewise(database_url: str) -> None:
    store, clock = MemoryStore(), Clock()
    store.put("products", rows.product("1", title="Old"))
    async with running(database_url, {"till": store}, clock, channel("products")) as gateway:
        await gateway.run_due()
        store.change("products", "1", title="New")
        await gateway.database.write(sources.hint, "till", "PRODUCTS", "products", ["1"], clock())
        store.apply(SPENT, method="fetch", times=1)
        await gateway.run_due()
        assert await titles(gateway) == ["Old"]
        assert await rows_of(gateway, tables.channels, "fault_code") == [None]
        clock.forward(minutes=3)
        await gateway.run_due()
        assert await titles(gateway) == ["New"]
