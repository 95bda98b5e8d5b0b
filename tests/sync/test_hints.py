"""The data of a webhook is never applied; its ids are read again (rule S2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from gateway.runtime.gateway import Gateway
from gateway.sdk import Delivery, ForgedError, StaleError, UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import Ask, Barrier, omit_records, raise_error
from gateway.sdk.testing.memory_channel import MemoryStore, build_delivery
from gateway.storage import tables
from gateway.storage.sync import webhook_inbox
from gateway.sync.webhook_inbox import receive_delivery
from tests.gateways import START, Clock, run_gateway
from tests.sync.observed_records import configure_till, hint, list_rows, list_titles, source

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

SECRET = "s3cret"
SIGNED: dict[str, Any] = {"secrets": [SECRET], "page_size": 1000}


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    for n in range(3):
        store.put("products", record_builders.build_product(f"{n}", title=f"Old {n}"))
    yield store
    store.mend()


async def receive(gateway: Gateway, sent: Delivery) -> bool:
    return await receive_delivery(gateway.channel_syncs["till"], sent.headers, sent.body)


def list_fetched_ids(store: MemoryStore) -> list[list[str]]:
    return [[ref.id for ref in call.refs] for call in store.calls if call.method == "fetch"]


async def test_a_hint_is_never_an_application(database_url: str, store: MemoryStore) -> None:
    """The body may be hours old: the resulting state is that of the read."""
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till(**SIGNED)) as gateway:
        await gateway.run_due()
        store.change("products", "1", title="Announced")
        sent = build_delivery(SECRET, "d1", "products", ["1"], START)
        store.change("products", "1", title="True")
        assert await receive(gateway, sent)
        await gateway.run_due()
        assert sorted(await list_titles(gateway)) == ["Old 0", "Old 2", "True"]
        assert list_fetched_ids(store) == [["1"]]


async def test_a_delivery_is_stored_before_it_is_answered(database_url: str, store: MemoryStore) -> None:
    """A gateway that is killed right after its response still reads the records of the delivery."""
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till(**SIGNED)) as gateway:
        await gateway.run_due()
        store.change("products", "1", title="New")
        await receive(gateway, build_delivery(SECRET, "d1", "products", ["1"], START))
        assert await list_rows(gateway, tables.inbox, "delivery_id", "processed_at") == [("d1", None)]
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till(**SIGNED)) as gateway:
        await gateway.run_due()
        assert "New" in await list_titles(gateway)
        assert await list_rows(gateway, tables.inbox, "delivery_id", "processed_at") == [("d1", START)]


async def test_a_known_delivery_has_no_effect(database_url: str, store: MemoryStore) -> None:
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till(**SIGNED)) as gateway:
        await gateway.run_due()
        sent = build_delivery(SECRET, "d1", "products", ["1"], START)
        assert [await receive(gateway, sent) for _ in range(2)] == [True, False]
        await gateway.run_due()
        assert not await receive(gateway, sent)
        await gateway.run_due()
        assert list_fetched_ids(store) == [["1"]]


async def test_a_forged_delivery_and_one_of_another_time_leave_no_trace(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    async with run_gateway(database_url, {"till": store}, clock, configure_till(**SIGNED)) as gateway:
        with pytest.raises(ForgedError):
            await receive(gateway, build_delivery("another secret", "d1", "products", ["1"], START))
        signed = build_delivery(SECRET, "d1", "products", ["1"], START)
        with pytest.raises(ForgedError):
            await receive_delivery(gateway.channel_syncs["till"], signed.headers, signed.body.replace(b"1", b"2"))
        clock.forward(hours=1)
        with pytest.raises(StaleError):
            await receive(gateway, signed)
        assert await list_rows(gateway, tables.inbox, "id") == []


async def test_a_hint_for_an_unknown_record_reads_it(database_url: str, store: MemoryStore) -> None:
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till(**SIGNED)) as gateway:
        await gateway.run_due()
        store.put("products", record_builders.build_product("9", title="New"))
        await receive(gateway, build_delivery(SECRET, "d1", "products", ["9", "unknown"], START))
        await gateway.run_due()
        assert "New" in await list_titles(gateway)
        assert (await source(gateway, "unknown")).gone
        assert await list_rows(gateway, tables.sources, "dirty_at") == [None] * 5


async def test_hints_of_one_record_are_one_read(database_url: str, store: MemoryStore) -> None:
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till()) as gateway:
        await gateway.run_due()
        for _ in range(3):
            await hint(gateway, "1", "2")
        await gateway.run_due()
        assert [sorted(ids) for ids in list_fetched_ids(store)] == [["1", "2"]]


@pytest.mark.parametrize("late", [False, True])
async def test_a_hint_that_comes_in_during_a_read_is_not_cleared_by_it(
    database_url: str, store: MemoryStore, late: bool
) -> None:
    barrier = Barrier(late=late)
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till()) as gateway:
        await gateway.run_due()
        await hint(gateway, "1")
        store.apply(barrier, method="fetch", times=1)
        working = asyncio.create_task(gateway.run_due())
        await barrier.reached.wait()
        store.change("products", "1", title="New")
        await hint(gateway, "1")
        barrier.open()
        await working
        assert list_fetched_ids(store) == [["1"], ["1"]]
        assert "New" in await list_titles(gateway)


async def test_many_hints_are_one_pull(database_url: str, store: MemoryStore) -> None:
    with patch("gateway.sync.scheduler.PULL_THRESHOLD", 2):
        async with run_gateway(database_url, {"till": store}, Clock(), configure_till()) as gateway:
            await gateway.run_due()
            for n in range(3):
                store.change("products", f"{n}", title=f"New {n}")
            await hint(gateway, "0", "1", "2")
            asked = len(store.calls)
            await gateway.run_due()
            assert store.calls[asked:] == [Ask("products", "page", mark="3")]
            assert sorted(await list_titles(gateway)) == ["New 0", "New 1", "New 2"]


async def test_many_hints_that_no_pull_answers_are_read_one_by_one(database_url: str, store: MemoryStore) -> None:
    with patch("gateway.sync.scheduler.PULL_THRESHOLD", 2):
        async with run_gateway(database_url, {"till": store}, Clock(), configure_till()) as gateway:
            await gateway.run_due()
            await hint(gateway, "0", "1", "2")
            asked = len(store.calls)
            await gateway.run_due()
            assert [call.method for call in store.calls[asked:]] == ["page", "fetch"]
            assert await list_rows(gateway, tables.sources, "dirty_at") == [None] * 3


async def test_records_that_always_fail_do_not_keep_others_waiting(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    store.apply(omit_records("0", "1"), method="fetch")
    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        await gateway.run_due()
        gateway.channel_syncs["till"].channel.live_feeds["products"].fetch_at_once = 2
        await hint(gateway, "0", "1")
        await hint(gateway, "2")
        store.change("products", "2", title="New")
        await gateway.run_due()
        clock.forward(seconds=15)
        await gateway.run_due()
        assert "New" in await list_titles(gateway)
        assert (await source(gateway, "0")).gone is False
        assert (await source(gateway, "0")).dirty_at is not None


async def test_a_channel_that_is_down_keeps_its_hints(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    async with run_gateway(database_url, {"till": store}, clock, configure_till()) as gateway:
        await gateway.run_due()
        store.change("products", "1", title="New")
        await hint(gateway, "1")
        with store.under(raise_error(UnavailableError("down"))):
            await gateway.run_due()
        assert "New" not in await list_titles(gateway)
        clock.forward(seconds=2)
        await gateway.run_due()
        assert "New" in await list_titles(gateway)


async def test_a_delivery_that_the_plugin_cannot_read_is_kept_with_its_problem(
    database_url: str, store: MemoryStore
) -> None:
    body = json.dumps({"feed": "products"}).encode()
    async with run_gateway(database_url, {"till": store}, Clock(), configure_till(**SIGNED)) as gateway:
        await gateway.run_due()
        await gateway.database.write(webhook_inbox.store_delivery, "till", "d1", {}, body, START)
        await receive(gateway, build_delivery(SECRET, "d2", "products", ["1"], START))
        await gateway.run_due()
        problems = await list_rows(gateway, tables.inbox, "delivery_id", "problem")
        assert [(id_, problem is None) for id_, problem in problems] == [("d1", False), ("d2", True)]
        assert list_fetched_ids(store) == [["1"]]


async def test_a_delivery_that_could_not_be_looked_at_is_looked_at_later(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    async with run_gateway(database_url, {"till": store}, clock, configure_till(**SIGNED)) as gateway:
        await gateway.run_due()
        await receive(gateway, build_delivery(SECRET, "d1", "products", ["1"], START))
        webhooks = gateway.channel_syncs["till"].channel.webhooks
        with patch.object(type(webhooks), "hints", side_effect=UnavailableError("busy")):
            await gateway.run_due()
        assert list_fetched_ids(store) == []
        clock.forward(seconds=1)
        await gateway.run_due()
        assert list_fetched_ids(store) == [["1"]]
