"""A world that begins with a copy of a sync is as if it had synced, and where that could hide an error, it syncs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

import gateway
from gateway.commerce.catalog import ingest
from gateway.commerce.context import SellingContext
from gateway.sdk import UnavailableError
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import raise_error
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.database import Connection
from gateway.storage.tables import changes, metadata
from tests.conftest import create_database
from tests.graphql import world as worlds
from tests.graphql.world import build_till, build_web_store, open_world
from tests.synced_worlds import SyncedWorlds, list_product_values

pytestmark = pytest.mark.anyio

SETTINGS: dict[str, Any] = {"channels": {}}


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> SyncedWorlds:
    """The copies of this test: there is none yet, and the next one may be used."""
    copies = SyncedWorlds(list_product_values(), is_available=True)
    monkeypatch.setattr(worlds, "SYNCED_WORLDS", copies)
    return copies


@pytest.fixture
def urls(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Iterator[list[str]]:
    """The URLs of three databases of this test."""
    with contextlib.ExitStack() as stack:
        folders = [tmp_path / str(n) for n in range(3)]
        for folder in folders:
            folder.mkdir()
        yield [stack.enter_context(create_database(request, database_kind, folder)) for folder in folders]


def build_stores() -> dict[str, MemoryStore]:
    return {"till": build_till(), "web": build_web_store()}


def select_rows(conn: Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table.name: sorted(map(tuple, conn.execute(sa.select(table))), key=repr) for table in metadata.sorted_tables
    }


async def test_a_world_with_a_copy_has_the_rows_and_calls_of_the_sync_and_goes_on(
    urls: list[str], copies: SyncedWorlds
) -> None:
    async with open_world(urls[0], build_stores()) as synced:
        rows, calls = await synced.gateway.database.read(select_rows), synced.stores["web"].calls
    copies.is_available = True  # as in the next test
    async with open_world(urls[1], build_stores()) as world:
        assert not copies.is_available, "a copy was used"
        assert await world.gateway.database.read(select_rows) == rows
        assert world.stores["web"].calls == calls
        assert await world.gateway.check_ready() and world.gateway.write_throttle.is_throttled
        world.stores["web"].put("products", record_builders.build_product("new", sku="NEW"))
        world.clock.forward(minutes=5)
        await world.gateway.run_due()
        found = await world.client.fetch_data(
            '{ productVariants(first: 9, filter: {skus: ["NEW"]}) { nodes { sku } } }'
        )
        assert found == {"productVariants": {"nodes": [{"sku": "NEW"}]}}


async def test_a_second_world_of_a_test_is_synced(urls: list[str], copies: SyncedWorlds) -> None:
    facts = []
    for url in urls:
        async with open_world(url, build_stores()) as world:
            facts.append(str((await world.gateway.database.read(select_rows))["facts"]))
    assert len(set(facts)) == 3, "each sync has secrets of its own"


async def test_a_database_that_has_rows_keeps_them(urls: list[str], copies: SyncedWorlds) -> None:
    for _ in range(2):
        copies.is_available = True
        async with open_world(urls[0], build_stores()) as world:
            await world.gateway.database.write(lambda conn: conn.execute(sa.delete(changes)))
    assert copies.is_available, "no copy was used"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_nothing_is_copied_of_a_patched_product_or_a_channel_with_faults(
    urls: list[str], copies: SyncedWorlds
) -> None:
    url, stores = urls[0], build_stores()
    assert copies.identify(url, stores, SETTINGS) is not None
    with patch.object(ingest, "regroup", lambda *_: None):
        assert copies.identify(url, stores, SETTINGS) is None
    with patch.object(SellingContext, "__init__", lambda *_: None):
        assert copies.identify(url, stores, SETTINGS) is None
    with stores["web"].under(raise_error(UnavailableError("down"))):
        assert copies.identify(url, stores, SETTINGS) is None
    assert copies.identify(url, stores, SETTINGS) is not None
    with patch.object(gateway, "loaded_later", worlds, create=True):
        assert copies.identify(url, stores, SETTINGS) is not None
    assert copies.identify(url, {**stores, "web": build_till()}, SETTINGS) != copies.identify(url, stores, SETTINGS)
