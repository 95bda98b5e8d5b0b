"""Test orders of a store are no sales: they are read and marked, and are in no list, no total and no stock."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.graphql.world import ADMIN
from tests.plugins.till_and_store import ShopTestbed, open_shop

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

LIST = """query ($filter: OrderFilter) { orders(filter: $filter) { totalCount nodes { externalId test } } }"""
CUSTOMERS = "{ customers { nodes { lifetimeValue { amount } orders { nodes { test } } } } }"


async def list_orders(shop: ShopTestbed, **filter_: object) -> list[tuple[str, bool]]:
    """List the orders that the gateway shows, and whether they are tests."""
    found = (await shop.client.fetch_data(LIST, ADMIN, filter=filter_))["orders"]
    assert found["totalCount"] == len(found["nodes"])
    return sorted((node["externalId"], node["test"]) for node in found["nodes"])


async def test_a_test_order_is_in_no_list_no_total_and_no_stock_unless_asked_for(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        number = shop.store.shop.list_nodes("Customer")[0]["id"].rpartition("/")[2]
        sale = await shop.store.sell("TEA-1", 1, "london", customer=number)
        trial = await shop.store.sell("TEA-1", 5, "london", customer=number, test=True)
        await shop.advance()
        assert await list_orders(shop) == [(sale, False)]
        assert await list_orders(shop, includeTest=True) == [(sale, False), (trial, True)]
        assert await list_orders(shop, includeTest=False) == [(sale, False)]
        assert await shop.count_missing() == {"TEA-1": 1}
        customers = (await shop.client.fetch_data(CUSTOMERS, ADMIN))["customers"]["nodes"]
        (buyer,) = [one for one in customers if one["orders"]["nodes"]]
        assert buyer == {"lifetimeValue": [{"amount": "3.06"}], "orders": {"nodes": [{"test": False}]}}
        await shop.store.cancel_order(trial)
        await shop.advance()
        assert await shop.count_missing() == {"TEA-1": 1}
