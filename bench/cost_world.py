"""A retailer with a large catalog, whose two channels accept commands, to measure what fields and mutations cost."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from bench.asgi_gateway import NOTHING_CACHED, TOKEN
from bench.synthetic_channel import Goods
from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryPlugin
from gateway.sdk.testing.memory_store import MemoryStore
from gateway.settings.loading import parse

PLENTY = 1_000_000
EVERY_COUNTED = 3
"""Of three products one is in stock at each location, so that no condition of a filter is true for all."""

STATISTICS_DELAY = 1.5
"""Seconds after which a database server knows which tables have grown."""

PAGE = 500
TABLES: Mapping[str, Any] = {
    "channels": {
        "till": {
            "plugin": "memory",
            "required": True,
            "config": {"writes": ["adjust"], "read_your_writes": True, "page_size": PAGE},
        },
        "web": {
            "plugin": "memory",
            "required": True,
            "config": {
                "writes": ["adjust", "set", "place", "cancel", "ship"],
                "read_your_writes": True,
                "page_size": PAGE,
            },
        },
    },
    "locations": {
        "shop": {
            "name": "The shop",
            "kind": "STORE",
            "authority": "till",
            "channels": {"till": "shop", "web": "pickup"},
            "fulfillment_methods": ["IN_STORE", "PICKUP"],
            "point": {"latitude": 51.5, "longitude": -0.1},
        },
        "outlet": {
            "name": "The outlet",
            "kind": "STORE",
            "authority": "till",
            "channels": {"till": "outlet"},
            "fulfillment_methods": ["IN_STORE", "PICKUP"],
            "point": {"latitude": 53.8, "longitude": -1.5},
        },
        "depot": {
            "name": "The depot",
            "kind": "WAREHOUSE",
            "authority": "web",
            "channels": {"web": "depot", "till": "depot"},
            "fulfillment_methods": ["SHIPPING"],
        },
    },
    "limits": {"deadline": "10m", "known": {"cost": 10_000_000}},
    "selling": {"tax_rate": "0.2", "shipping": {"GBP": "3.00"}},
    "stock": {"default_channel": "web"},
    "catalogue": {"priority": ["web", "till"]},
    "server": NOTHING_CACHED,
    "tokens": {"bench": {"token": TOKEN, "kind": "ADMIN", "scopes": ["*"]}},
}
LOCATIONS = {"till": ("shop", "outlet"), "web": ("depot",)}


@contextlib.asynccontextmanager
async def open_cost_gateway(url: str, products: int, seed: int) -> AsyncIterator[Gateway]:
    """Open a gateway with this many products of two variants in both channels, and a fifth as many orders."""
    goods = Goods(products=products, seed=seed, sizes=2, tills=max(1, products // 5))
    stores = {key: _fill_store(goods, locations) for key, locations in LOCATIONS.items()}
    found = discover(MemoryPlugin(stores), points=())
    async with open_gateway(parse({"database": url, **TABLES}, {}), plugins=found) as gateway:
        await gateway.run_due()
        await asyncio.sleep(STATISTICS_DELAY)
        await gateway.database.tidy()
        yield gateway


def _fill_store(goods: Goods, locations: tuple[str, ...]) -> MemoryStore:
    store = MemoryStore()
    for n in range(goods.products):
        row = goods.build_product(n)
        store.put("products", row)
        for variant in row["variants"]:
            for index, location in enumerate(locations):
                count = PLENTY if index == 0 or n % EVERY_COUNTED == 0 else 0
                store.put("stock", record_builders.build_stock(variant["id"], location, count))
    if "shop" in locations:
        for n in range(goods.tills):
            store.put("customers", goods.build_customer(n))
            store.put("orders", goods.build_order(n))
    return store
