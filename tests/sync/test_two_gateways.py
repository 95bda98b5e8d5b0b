"""Several processes on one database, with channels that sell the same products."""

from __future__ import annotations

import asyncio

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from tests.gateways import Clock, run_gateway
from tests.sync.database_state import select_state
from tests.sync.observed_records import configure_till, list_rows

pytestmark = pytest.mark.anyio

CHANNELS = ("app", "market", "till", "web")
FEEDS = ("products", "stock", "customers", "orders")


def build_store(key: str, count: int = 60) -> MemoryStore:
    """Build a store with the same products, in an order that depends on the channel."""
    store = MemoryStore()
    numbers = sorted(range(count), key=lambda n: (n * 7 + len(key) * 13) % count)
    for position, n in enumerate(numbers):
        store.put(
            "products",
            record_builders.build_product(
                f"{position:03}", sku=f"S{n}", title=f"Thing {n}", category=("All", f"C{n % 5}")
            ),
        )
        store.put("stock", record_builders.build_stock(f"{position:03}", "shop", n))
        store.put(
            "orders",
            record_builders.build_order(
                f"{position:03}", [record_builders.build_line("1", f"{position:03}")], customer=f"c{n % 7}"
            ),
        )
    for n in range(7):
        store.put("customers", record_builders.build_customer(f"c{n}"))
    return store


async def test_two_gateways_that_sync_channels_of_the_same_things_at_once_converge(database_url: str) -> None:
    """Each process regroups what the other has just written; there is no deadlock and no lost edge."""
    stores, clock = {key: build_store(key) for key in CHANNELS}, Clock()
    able = {key: configure_till(*FEEDS, page_size=20)["till"] for key in CHANNELS}
    halves = ({key: stores[key] for key in CHANNELS[:2]}, {key: stores[key] for key in CHANNELS[2:]})
    async with (
        run_gateway(database_url, stores, clock, {key: able[key] for key in halves[0]}) as one,
        run_gateway(database_url, stores, clock, {key: able[key] for key in halves[1]}) as other,
    ):
        for round_ in range(2):
            await asyncio.gather(one.run_due(), other.run_due())
            for key, store in stores.items():
                for position in range(0, 60, 7):
                    number = store.rows("products")[f"{position:03}"]["variants"][0]["sku"]
                    row = record_builders.build_product(
                        f"{position:03}", sku=number, title=f"Renamed {round_} by {key}", category=("New",)
                    )
                    store.put("products", row)
            clock.forward(minutes=5)
        await asyncio.gather(one.run_due(), other.run_due())
        known = await one.database.read(select_state)
        groups = {frozenset(key for key, _ in group) for group in known["variants"]}
        assert groups == {frozenset(CHANNELS)}
        assert len(known["variants"]) == 60
        assert len(await list_rows(one, tables.order_lines, "id")) == 240
        changes = await list_rows(one, tables.changes, "pos")
        assert None not in changes
        assert sorted(changes) == list(range(1, len(changes) + 1))


async def test_two_gateways_with_the_same_channels_share_the_work(database_url: str) -> None:
    stores, clock = {key: build_store(key, 20) for key in CHANNELS[:2]}, Clock()
    able = {key: configure_till(*FEEDS, page_size=5)["till"] for key in stores}
    async with (
        run_gateway(database_url, stores, clock, able) as one,
        run_gateway(database_url, stores, clock, able) as other,
    ):
        await asyncio.gather(one.run_due(), other.run_due())
        for store in stores.values():
            asked = [(call.feed, call.token) for call in store.calls]
            assert len(set(asked)) == len(asked), "no page was read twice"
        known = await one.database.read(select_state)
        assert len(known["variants"]) == 20
