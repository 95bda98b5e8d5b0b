"""S6: stock that cannot be placed yet is listed with its reason, and counts as soon as it can."""

from __future__ import annotations

import pytest

from gateway.model.channels import mapped_places
from gateway.runtime import Gateway
from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import rejects
from tests.house import Clock, running

pytestmark = pytest.mark.anyio

SHOP = {"shop": {"name": "Shop", "kind": "STORE", "authority": "till", "channels": {"till": "1"}}}


async def reasons(gateway: Gateway) -> dict[str, str]:
    mapped = mapped_places(gateway.locations.values())
    return {row.external_id: row.reason for row in await gateway.database.read(rejects.by_ids, None, mapped)}


async def test_stock_of_an_unknown_item_waits_until_the_item_is_known(database_url: str) -> None:
    store, clock = MemoryStore(), Clock()
    store.put("stock", rows.stock("mug", "1", 3))
    async with running(database_url, {"till": store}, clock, locations=SHOP) as gateway:
        await gateway.run_due()
        assert await reasons(gateway) == {"mug@1": "waiting: no listing of the channel is known to have the item mug"}
        store.put("products", rows.product("mug"))
        clock.forward(hours=1)
        await gateway.run_due()
        assert await reasons(gateway) == {}


async def test_stock_of_a_place_that_nothing_maps_waits_until_the_configuration_does(database_url: str) -> None:
    store, clock = MemoryStore(), Clock()
    store.put("products", rows.product("mug"))
    store.put("stock", rows.stock("mug", "1", 3))
    async with running(database_url, {"till": store}, clock) as gateway:
        await gateway.run_due()
        assert await reasons(gateway) == {"mug@1": "waiting: no location of the configuration is the channel's place 1"}
    async with running(database_url, {"till": store}, clock, locations=SHOP) as gateway:
        assert await reasons(gateway) == {}
