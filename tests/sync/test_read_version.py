"""After an upgrade every record that an earlier version read is read again, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.model.channels import Resource
from gateway.runtime.gateway import Gateway
from gateway.sdk import UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import raise_error
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import tables
from gateway.storage.sync import leases
from gateway.sync import read_version, scheduler
from gateway.sync.consistency_check import check_consistency
from tests.gateways import Clock, run_gateway

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    for n in range(5):
        store.put("products", record_builders.build_product(str(n), sku=f"SKU-{n}"))
    return store


def count_pages(store: MemoryStore) -> int:
    """Count the pages of products that the gateway requested from the beginning."""
    return sum(call.method == "page" and call.feed == "products" for call in store.calls)


async def find_versions(gateway: Gateway) -> dict[str, str]:
    """Find the read versions of the passes over the products, by kind."""
    passes = tables.passes.c
    chosen = sa.select(passes.kind, passes.version).where(passes.feed == "products")
    rows = await gateway.database.read(lambda conn: conn.execute(chosen).all())
    return {row.kind: row.version or "" for row in rows}


async def find_digests(gateway: Gateway) -> set[Any]:
    sources = tables.sources.c
    chosen = sa.select(sources.digest).where(sources.resource == Resource.PRODUCTS.value)
    return set(await gateway.database.read(lambda conn: conn.scalars(chosen).all()))


async def test_a_new_version_reads_everything_again_and_then_rests(
    database_url: str, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with run_gateway(database_url, {"web": store}, clock) as gateway:
        await gateway.run_due()
        first, versions = await find_digests(gateway), await find_versions(gateway)
        assert len(set(versions.values())) == 1
    monkeypatch.setattr(read_version, "INGEST_VERSIONS", {Resource.PRODUCTS: 77})
    async with run_gateway(database_url, {"web": store}, clock) as gateway:
        await gateway.run_due()
        second = await find_digests(gateway)
        assert len(second) == 5 and not first & second, "all records were decoded by the new version"
        assert (await find_versions(gateway))["sweep"].endswith("+77")
        pages = count_pages(store)
        await gateway.run_due()
        assert count_pages(store) == pages, "nothing more is due"


async def test_the_same_version_reads_nothing_again(database_url: str, store: MemoryStore) -> None:
    clock = Clock()
    async with run_gateway(database_url, {"web": store}, clock) as gateway:
        await gateway.run_due()
    pages = count_pages(store)
    async with run_gateway(database_url, {"web": store}, clock) as gateway:
        await gateway.run_due()
    assert count_pages(store) == pages


async def test_a_channel_that_fails_after_an_upgrade_is_retried_no_faster_than_any_other(
    database_url: str, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    async with run_gateway(database_url, {"web": store}, clock) as gateway:
        await gateway.run_due()
    monkeypatch.setattr(read_version, "INGEST_VERSIONS", {Resource.PRODUCTS: 77})
    store.apply(raise_error(UnavailableError("down")), method="page", times=1)
    async with run_gateway(database_url, {"web": store}, clock) as gateway:
        pages = count_pages(store)
        await gateway.run_due()
        assert count_pages(store) == pages + 1
        clock.forward(minutes=2)
        await gateway.run_due()
        assert (await find_versions(gateway))["sweep"].endswith("+77")
        assert count_pages(store) > pages + 1


async def test_what_waits_to_be_read_again_is_listed_until_it_is_read(
    database_url: str, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    channels = {"web": {"config": {"page_size": 2}}}
    async with run_gateway(database_url, {"web": store}, clock, channels) as gateway:
        await gateway.run_due()
        assert await find_waiting(gateway) == []
    monkeypatch.setattr(read_version, "INGEST_VERSIONS", {**read_version.INGEST_VERSIONS, Resource.PRODUCTS: 77})
    async with run_gateway(database_url, {"web": store}, clock, channels) as gateway:
        assert await find_waiting(gateway) == ["web: products, 0 pages so far"]
        lease = await gateway.database.write(leases.acquire_lease, "sync web", "test", clock(), timedelta(minutes=1))
        assert lease is not None
        while (lines := await find_waiting(gateway)) == ["web: products, 0 pages so far"]:
            assert await scheduler.step(gateway.channel_syncs["web"], lease)
        assert lines == ["web: products, 1 pages so far"]
        await gateway.database.write(leases.release_lease, lease)
        await gateway.run_due()
        assert await find_waiting(gateway) == []
        clock.forward(days=2)
        await gateway.run_due()
        assert await find_waiting(gateway) == [], "a sweep of every day is none"


async def find_waiting(gateway: Gateway) -> list[str]:
    findings = await check_consistency(gateway.database, gateway.channel_syncs.values(), gateway.rules.topology)
    return findings.rereads
