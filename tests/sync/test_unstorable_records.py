"""A record that cannot be stored is rejected alone: the others are stored, and the pass goes on (rule S8)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.commerce.ingest_batch import IngestBatch
from gateway.model.channels import Resource
from gateway.model.validation import InvalidValueError
from gateway.runtime.gateway import Gateway
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from gateway.storage.database import Connection
from gateway.storage.errors import StorageUnavailableError
from gateway.sync import apply
from gateway.sync.apply import INGESTERS
from tests.gateways import Clock, run_gateway
from tests.sync.observed_records import configure_till, list_rows, pass_of, source

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

BAD = "4"
FULL = configure_till("products", "stock", "customers", "orders", deltas=False, page_size=100)
STORED = {"products": tables.products, "stock": tables.stock, "customers": tables.customers, "orders": tables.orders}

Break = Callable[[Connection], object]


def raise_value_error(_: Connection) -> None:
    raise ValueError("of Ada Lovelace")


def raise_key_error(_: Connection) -> None:
    raise KeyError("ada")


def store_too_large_number(conn: Connection) -> None:
    conn.execute(sa.update(tables.counters).values(value=2**70))


def store_null(conn: Connection) -> None:
    conn.execute(sa.insert(tables.words).values(subject_id="1", kind=None, word=None))


def store_surrogate(conn: Connection) -> None:
    conn.execute(sa.select(tables.orders).where(tables.orders.c.number == "\ud800"))


BREAKS: dict[str, Break] = {
    "value": raise_value_error,
    "key": raise_key_error,
    "number": store_too_large_number,
    "constraint": store_null,
    "text": store_surrogate,
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryStore:
    """Seven records of each resource."""
    store = MemoryStore()
    for n in range(7):
        store.put("products", record_builders.build_product(f"{n}", sku=f"S{n}", title=f"Title {n}"))
        store.put("stock", record_builders.build_stock(f"{n}", "shop", n) | {"id": f"{n}"})
        store.put("customers", record_builders.build_customer(f"{n}", name=f"Customer {n}"))
        store.put("orders", record_builders.build_order(f"{n}", [record_builders.build_line("1", f"{n}", 2)]))
    return store


@pytest.fixture
def break_record(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Break], None]]:
    """Makes the ingest of a feed's bad record fail after it has been stored."""

    def inject_fault(feed: str, fail: Break) -> None:
        resource = Resource[feed.upper()]
        ingest = INGESTERS[resource]

        def ingest_and_fail(conn: Connection, batch: IngestBatch[Any]) -> None:
            ingest(conn, batch)
            if BAD in {ingested.record.ref.id for ingested in batch.records}:
                fail(conn)

        monkeypatch.setitem(INGESTERS, resource, ingest_and_fail)

    yield inject_fault


async def list_rejects(gateway: Gateway) -> list[Any]:
    return await list_rows(gateway, tables.rejects, "external_id", "severity", "reason", "rejected_at")


async def advance(gateway: Gateway, clock: Clock) -> None:
    clock.forward(minutes=5)
    await gateway.run_due()


@pytest.mark.parametrize("feed", STORED)
@pytest.mark.parametrize("kind", BREAKS)
async def test_the_others_are_stored_and_the_record_is_listed(
    database_url: str,
    store: MemoryStore,
    clock: Clock,
    break_record: Callable[[str, Break], None],
    feed: str,
    kind: str,
) -> None:
    break_record(feed, BREAKS[kind])
    async with run_gateway(database_url, {"till": store}, clock, FULL) as gateway:
        await gateway.run_due()
        assert len(await list_rows(gateway, STORED[feed], "id")) == 6
        assert not (await source(gateway, "3", Resource[feed.upper()].value)).rejected
        cursor = await pass_of(gateway, feed)
        assert (cursor.fault_code, cursor.completed_at) == (None, clock())
        ((id_, severity, reason, _),) = await list_rejects(gateway)
        assert (id_, severity) == (BAD, "ERROR")
        assert "could not store" in reason and "Ada" not in reason, "what is kept says nothing about customers"
        ((payload, detail),) = await list_rows(gateway, tables.rejects, "payload", "detail")
        assert json.loads(payload)["id"] == BAD and "Error" in detail


async def test_an_invalid_value_is_named(
    database_url: str, store: MemoryStore, clock: Clock, break_record: Callable[[str, Break], None]
) -> None:
    def refuse(_: Connection) -> None:
        raise InvalidValueError("lines.quantity", "is more than anyone sells")

    break_record("orders", refuse)
    async with run_gateway(database_url, {"till": store}, clock, FULL) as gateway:
        await gateway.run_due()
        ((field, reason),) = await list_rows(gateway, tables.rejects, "field", "reason")
        assert (field, reason) == ("lines.quantity", "lines.quantity: is more than anyone sells")


@pytest.mark.parametrize("feed", STORED)
async def test_an_error_that_all_records_meet_rejects_none(
    database_url: str, store: MemoryStore, clock: Clock, monkeypatch: pytest.MonkeyPatch, feed: str
) -> None:
    def fail_always(_conn: Connection, _batch: IngestBatch[Any]) -> None:
        raise AttributeError("no such attribute")

    ingest = INGESTERS[Resource[feed.upper()]]
    monkeypatch.setitem(INGESTERS, Resource[feed.upper()], fail_always)
    async with run_gateway(database_url, {"till": store}, clock, FULL) as gateway:
        with pytest.raises(AttributeError):
            await gateway.run_due()
        assert await list_rejects(gateway) == [] == await list_rows(gateway, STORED[feed], "id")
        monkeypatch.setitem(INGESTERS, Resource[feed.upper()], ingest)
        await advance(gateway, clock)
        assert len(await list_rows(gateway, STORED[feed], "id")) == 7


@pytest.mark.parametrize("feed", STORED)
async def test_it_is_one_reject_until_it_can_be_stored(
    database_url: str,
    store: MemoryStore,
    clock: Clock,
    break_record: Callable[[str, Break], None],
    feed: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context():
        break_record(feed, raise_value_error)
        async with run_gateway(database_url, {"till": store}, clock, FULL) as gateway:
            await gateway.run_due()
            first = await list_rejects(gateway)
            for _ in range(3):
                await advance(gateway, clock)
            assert await list_rejects(gateway) == first, "its data would never expire"
            monkeypatch.undo()
            await advance(gateway, clock)
            assert await list_rejects(gateway) == []
            assert len(await list_rows(gateway, STORED[feed], "id")) == 7


async def test_a_count_that_cannot_be_stored_any_more_is_unknown(
    database_url: str, store: MemoryStore, clock: Clock, break_record: Callable[[str, Break], None]
) -> None:
    async with run_gateway(database_url, {"till": store}, clock, FULL) as gateway:
        await gateway.run_due()
        break_record("stock", store_too_large_number)
        store.change("stock", BAD, on_hand=9)
        store.change("stock", "5", on_hand=9)
        await advance(gateway, clock)
        counts = await list_rows(gateway, tables.stock, "item", "on_hand", "known")
        assert {row for row in counts if row[0] in (BAD, "5")} == {(BAD, 4, False), ("5", 9, True)}


async def test_of_a_known_order_the_last_good_version_stays(
    database_url: str, store: MemoryStore, clock: Clock, break_record: Callable[[str, Break], None]
) -> None:
    async with run_gateway(database_url, {"till": store}, clock, FULL) as gateway:
        await gateway.run_due()
        break_record("orders", store_null)
        store.change("orders", BAD, number="changed")
        await advance(gateway, clock)
        assert "changed" not in await list_rows(gateway, tables.orders, "number")
        assert (await source(gateway, BAD, "ORDERS")).rejected


async def test_an_outage_rejects_nothing(
    database_url: str, store: MemoryStore, clock: Clock, break_record: Callable[[str, Break], None]
) -> None:
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    faults: list[Exception] = [sa.exc.OperationalError("INSERT", {}, full)]

    def fail(_: Connection) -> None:
        for fault in faults:
            raise fault

    break_record("orders", fail)
    async with run_gateway(database_url, {"till": store}, clock, FULL) as gateway:
        with pytest.raises(StorageUnavailableError):
            await gateway.run_due()
        assert await list_rejects(gateway) == []
        faults.clear()
        await advance(gateway, clock)
        assert (await list_rejects(gateway), len(await list_rows(gateway, tables.orders, "id"))) == ([], 7)


async def test_the_proof_that_without_it_one_record_stops_the_feed(
    database_url: str,
    store: MemoryStore,
    clock: Clock,
    break_record: Callable[[str, Break], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def apply_at_once(conn: Connection, items: Sequence[Any], apply: Callable[..., int], reject: object) -> int:
        return apply(items)

    monkeypatch.setattr(apply, "apply_isolated", apply_at_once)
    break_record("orders", raise_value_error)
    async with run_gateway(database_url, {"till": store}, clock, FULL) as gateway:
        for _ in range(2):
            with pytest.raises(ValueError, match="Ada"):
                await advance(gateway, clock)
            assert await list_rows(gateway, tables.orders, "id") == []
