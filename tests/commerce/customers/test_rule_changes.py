"""A change of the rules of recognition counts for the customers that are there."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.reads.customers.outdated import find_outdated_customers
from gateway.storage.tables import identities
from tests.graphql.world import STAFF, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

CUSTOMERS = "{ customers { nodes { identities { nodes { externalId } } } } }"
SERVICE = {"service_addresses": ["desk@example.com"]}


async def list_groups(world: World) -> list[int]:
    nodes = (await world.client.fetch_data(CUSTOMERS, STAFF))["customers"]["nodes"]
    return sorted(len(node["identities"]["nodes"]) for node in nodes)


@pytest.mark.parametrize(("first", "then"), [({}, SERVICE), (SERVICE, {}), ({}, {"by_name": False})])
async def test_customers_are_recognized_again(database_url: str, first: dict[str, Any], then: dict[str, Any]) -> None:
    stores = {"till": MemoryStore(), "web": MemoryStore()}
    for key, store in stores.items():
        store.put("customers", record_builders.build_customer(key, name="Ada Ash", email="desk@example.com"))
    sizes = []
    for customers in (first, then):
        async with open_world(database_url, stores, locations={}, customers=customers) as world:
            sizes.append(await list_groups(world))
    assert sorted(sizes) == [[1, 1], [2]]
    assert sizes[0] == ([2] if first == {} else [1, 1])


@pytest.mark.parametrize(("first", "then"), [({}, {"web": "web_id"}), ({"web": "web_id"}, {})])
async def test_customers_are_read_and_recognized_again_by_other_references(
    database_url: str, first: dict[str, str], then: dict[str, str]
) -> None:
    stores = {"till": MemoryStore(), "web": MemoryStore()}
    stores["till"].put("customers", record_builders.build_customer("1", references={"web_id": "7001"}))
    stores["web"].put("customers", record_builders.build_customer("7001", name="A. Byron"))
    sizes = []
    for references in (first, then):
        channels = {"till": {"plugin": "memory", "references": references}, "web": {"plugin": "memory"}}
        async with open_world(database_url, stores, locations={}, channels=channels) as world:
            await world.gateway.run_due()
            sizes.append(await list_groups(world))
    assert sizes == ([[1, 1], [2]] if then else [[2], [1, 1]])


async def test_equal_rules_change_nothing(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    stores = {"till": MemoryStore(), "web": MemoryStore()}
    for _ in range(2):
        async with open_world(database_url, stores, locations={}):
            pass
    assert "recognized again" not in caplog.text


async def test_a_start_derives_customers_anew_that_an_earlier_release_changed(database_url: str) -> None:
    stores = {"till": MemoryStore(), "web": MemoryStore()}
    for key, store in stores.items():
        store.put("customers", record_builders.build_customer(key, name="Ada Ash", email=f"{key}@example.com"))
    async with open_world(database_url, stores, locations={}) as world:
        await world.gateway.database.write(remove_as_before)
        assert len(await world.gateway.database.read(find_outdated_customers)) == 1
    async with open_world(database_url, stores, locations={}) as world:
        assert await world.gateway.database.read(find_outdated_customers) == []


def remove_as_before(conn: Connection) -> None:
    """Remove a record as an earlier release does where the golden record stays the same."""
    conn.execute(sa.update(identities).where(identities.c.channel == "web").values(gone=True))
