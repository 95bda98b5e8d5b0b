"""A channel whose rate budget is spent: it counts as healthy, and everything else continues."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.sdk.errors import BudgetSpentError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import raise_error
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from gateway.storage.sync import source_records
from tests.gateways import Clock, run_gateway
from tests.sync.observed_records import configure_till, list_rows, list_titles, pass_of

pytestmark = pytest.mark.anyio

SPENT = raise_error(BudgetSpentError("the budget is spent", timedelta(minutes=3)))


async def test_a_feed_whose_budget_is_spent_waits_and_the_others_do_not(database_url: str) -> None:
    store, clock = MemoryStore(), Clock()
    store.put("products", record_builders.build_product("1", title="Lamp"))
    store.put("customers", record_builders.build_customer("c1", name="Ada"))
    async with run_gateway(database_url, {"till": store}, clock, configure_till("products", "customers")) as gateway:
        store.apply(SPENT, feed="products", times=1)
        await gateway.run_due()
        row = await pass_of(gateway)
        assert (row.due_at - clock(), row.fault_code) == (timedelta(minutes=3), None)
        assert await list_rows(gateway, tables.customers, "display_name") == ["Ada"]
        assert await list_rows(gateway, tables.channels, "fault_code", "failures") == [(None, 0)]
        assert gateway.channel_syncs["till"].channel.breaker.failures == 0
        await gateway.run_due()
        assert await list_titles(gateway) == []
        clock.forward(minutes=3)
        await gateway.run_due()
        assert await list_titles(gateway) == ["Lamp"]


async def test_single_records_wait_likewise(database_url: str) -> None:
    store, clock = MemoryStore(), Clock()
    store.put("products", record_builders.build_product("1", title="Old"))
    async with run_gateway(database_url, {"till": store}, clock, configure_till("products")) as gateway:
        await gateway.run_due()
        store.change("products", "1", title="New")
        await gateway.database.write(source_records.hint_records, "till", "PRODUCTS", "products", ["1"], clock())
        store.apply(SPENT, method="fetch", times=1)
        await gateway.run_due()
        assert await list_titles(gateway) == ["Old"]
        assert await list_rows(gateway, tables.channels, "fault_code") == [None]
        clock.forward(minutes=3)
        await gateway.run_due()
        assert await list_titles(gateway) == ["New"]
