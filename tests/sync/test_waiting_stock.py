"""Stock without a known item or location is listed with its reason, and counts as soon as both are known (rule S6)."""

from __future__ import annotations

import pytest

from gateway.model.locations import collect_external_locations
from gateway.runtime.gateway import Gateway
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.sync import rejects
from tests.gateways import Clock, run_gateway

pytestmark = pytest.mark.anyio

SHOP = {"shop": {"name": "Shop", "kind": "STORE", "authority": "till", "channels": {"till": "1"}}}


async def list_reasons(gateway: Gateway) -> dict[str, str]:
    mapped = collect_external_locations(gateway.locations.values())
    return {row.external_id: row.reason for row in await gateway.database.read(rejects.find_rejects, None, mapped)}


async def test_stock_of_an_unknown_item_waits_until_the_item_is_known(database_url: str) -> None:
    store, clock = MemoryStore(), Clock()
    store.put("stock", record_builders.build_stock("mug", "1", 3))
    async with run_gateway(database_url, {"till": store}, clock, locations=SHOP) as gateway:
        await gateway.run_due()
        assert await list_reasons(gateway) == {"mug@1": "waiting: no listing of the channel has the inventory item mug"}
        store.put("products", record_builders.build_product("mug"))
        clock.forward(hours=1)
        await gateway.run_due()
        assert await list_reasons(gateway) == {}


async def test_stock_of_a_place_that_nothing_maps_waits_until_the_configuration_does(database_url: str) -> None:
    store, clock = MemoryStore(), Clock()
    store.put("products", record_builders.build_product("mug"))
    store.put("stock", record_builders.build_stock("mug", "1", 3))
    async with run_gateway(database_url, {"till": store}, clock) as gateway:
        await gateway.run_due()
        assert await list_reasons(gateway) == {
            "mug@1": "waiting: no location of the configuration has the channel's location 1"
        }
    async with run_gateway(database_url, {"till": store}, clock, locations=SHOP) as gateway:
        assert await list_reasons(gateway) == {}
