"""Several processes on one database, with channels that sell the same things."""

from __future__ import annotations

import asyncio

import pytest

from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import tables
from tests.house import Clock, running
from tests.sync.observed import channel, rows_of
from tests.sync.state import state

pytestmark = pytest.mark.anyio

CHANNELS = ("app", "market", "till", "web")
FEEDS = ("products", "stock", "customers", "orders")


def filled(key: str, count: int = 60) -> MemoryStore:
    """The same things in every channel, named in an order of each one's own."""
    store = MemoryStore()
    numbers = sorted(range(count), key=lambda n: (n * 7 + len(key) * 13) % count)
    for place, n in enumerate(numbers):
        store.put(
            "products", rows.product(f"{place:03}", sku=f"S{n}", title=f"Thing {n}", category=("All", f"C{n % 5}"))
        )
        store.put("stock", rows.stock(f"{place:03}", "shop", n))
        store.put("orders", rows.order(f"{place:03}", [rows.line("1", f"{place:03}")], customer=f"c{n % 7}"))
    for n in range(7):
        store.put("customers", rows.customer(f"c{n}"))
    return store


async def test_two_gateways_that_sync_channels_of_the_same_things_at_once_converge(database_url: str) -> None:
    """Each regroups what the other one has written a moment ago; no deadlock, no lost edge."""
    stores, clock = {key: filled(key) for key in CHANNELS}, Clock()
    able = {key: channel(*FEEDS, page_size=20)["till"] for key in CHANNELS}
    halves = ({key: stores[key] for key in CHANNELS[:2]}, {key: stores[key] for key in CHANNELS[2:]})
    async with (
        running(database_url, stores, clock, {key: able[key] for key in halves[0]}) as one,
        running(database_url, stores, clock, {key: able[key] for key in halves[1]}) as other,
    ):
        for round_ in range(2):
            await asyncio.gather(one.run_due(), other.run_due())
            for key, store in stores.items():
                for place in range(0, 60, 7):
                    number = store.rows("products")[f"{place:03}"]["variants"][0]["sku"]
                    row = rows.product(f"{place:03}", sku=number, title=f"Renamed {round_} by {key}", category=("New",))
                    store.put("products", row)
            clock.forward(minutes=5)
        await asyncio.gather(one.run_due(), other.run_due())
        known = await one.database.read(state)
        groups = {frozenset(key for key, _ in group) for group in known["variants"]}
        assert groups == {frozenset(CHANNELS)}
        assert len(known["variants"]) == 60
        assert len(await rows_of(one, tables.order_lines, "id")) == 240
        changes = await rows_of(one, tables.changes, "pos")
        assert None not in changes
        assert sorted(changes) == list(range(1, len(changes) + 1))


async def test_two_gateways_with_the_same_channels_share_the_work(database_url: str) -> None:
    stores, clock = {key: filled(key, 20) for key in CHANNELS[:2]}, Clock()
    able = {key: channel(*FEEDS, page_size=5)["till"] for key in stores}
    async with (
        running(database_url, stores, clock, able) as one,
        running(database_url, stores, clock, able) as other,
    ):
        await asyncio.gather(one.run_due(), other.run_due())
        for store in stores.values():
            asked = [(call.feed, call.token) for call in store.calls]
            assert len(set(asked)) == len(asked), "no page was read twice"
        known = await one.database.read(state)
        assert len(known["variants"]) == 20
