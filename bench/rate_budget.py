"""The first sync of a store with a rate limit: how much of the limit is used, without exceeding it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import gateway_shopify
from bench.databases import create_databases
from bench.synthetic_channel import Goods
from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import open_gateway
from gateway.sdk.testing.sandbox import World, WorldPlace, WorldProduct
from gateway.settings.loading import parse
from gateway_shopify_sandbox import ShopifySandbox, start


async def measure(*, variants: int, scale: float, seed: int) -> dict[str, float]:
    """Points that were spent, and that could have been; seconds; how often the store had to refuse.

    The store lives in this process, and takes its share of it: `scale` must leave both of them time.
    """
    with tempfile.TemporaryDirectory() as directory:
        shop = await start(build_world(Goods(products=variants, seed=seed)), Path(directory), scale=scale)
        try:
            return await _run_sync(shop)
        finally:
            await shop.close()


async def _run_sync(shop: ShopifySandbox) -> dict[str, float]:
    bucket, locations = shop.api.bucket, shop.locations
    table: dict[str, Any] = {
        "plugin": "shopify",
        "required": True,
        "private_addresses": True,
        "config": dict(shop.config),
    }
    location = {"name": "Shop", "kind": "STORE", "authority": "web", "channels": {"web": locations["shop"]}}
    async with create_databases("sqlite") as (url, _):
        document = {"database": url, "channels": {"web": table}, "locations": {"shop": location}}
        async with open_gateway(parse(document, {}), plugins=discover(gateway_shopify, points=())) as gateway:
            begun, before = time.perf_counter(), bucket.spent
            serving = asyncio.create_task(gateway.background.run())
            while not await gateway.check_ready():  # noqa: ASYNC110 as an outside observer would
                await asyncio.sleep(0.05)
            seconds = time.perf_counter() - begun
            serving.cancel()
            await asyncio.wait([serving])
    allowed = bucket.capacity + bucket.per_second * seconds
    spent = bucket.spent - before
    return {
        "seconds": seconds,
        "spent": spent,
        "allowed": allowed,
        "used": spent / allowed,
        "refused": bucket.throttled,
    }


def build_world(goods: Goods) -> World:
    """Build a store with this many products of one variant each, counted at one location."""
    made = [goods.build_product(n) for n in range(goods.products)]
    products = [
        WorldProduct(sku=f"SKU-{n}", title=row["title"], price=Decimal(n % 90 + 1), category=tuple(row["category"]))
        for n, row in enumerate(made)
    ]
    return World(
        currency="GBP",
        time_zone="Europe/London",
        places=[WorldPlace(id="shop", name="Shop")],
        products=products,
        stock={(product.sku, "shop"): n % 60 for n, product in enumerate(products)},
    )
