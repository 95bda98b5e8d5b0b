"""The first sync of a store that limits how often it is asked: how much of what it allows is used, and never more."""

from __future__ import annotations

import asyncio
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import gateway_shopify
from gateway.channels.plugins import discover
from gateway.runtime import open_gateway
from gateway.sdk.testing.sandbox import World, WorldPlace, WorldProduct
from gateway.settings import parse
from gateway_shopify.sandbox import ShopSandbox, start
from tests.bench.databases import two_databases
from tests.bench.goods import Goods


async def measure(*, variants: int, scale: float, seed: int) -> dict[str, float]:
    """Points that were spent, and that could have been; seconds; how often the store had to refuse.

    The store lives in this process, and takes its share of it: `scale` must leave both of them time.
    """
    with tempfile.TemporaryDirectory() as directory:
        shop = await start(world(Goods(products=variants, seed=seed)), Path(directory), scale=scale)
        try:
            return await _synced(shop)
        finally:
            await shop.close()


async def _synced(shop: ShopSandbox) -> dict[str, float]:
    bucket, places = shop.api.bucket, shop.places
    table: dict[str, Any] = {
        "plugin": "shopify",
        "required": True,
        "private_addresses": True,
        "config": dict(shop.config),
    }
    location = {"name": "Shop", "kind": "STORE", "authority": "web", "channels": {"web": places["shop"]}}
    async with two_databases("sqlite") as (url, _):
        document = {"database": url, "channels": {"web": table}, "locations": {"shop": location}}
        async with open_gateway(parse(document, {}), plugins=discover(gateway_shopify, points=())) as gateway:
            begun, before = time.perf_counter(), bucket.spent
            serving = asyncio.create_task(gateway.serve())
            while not await gateway.ready():  # noqa: ASYNC110 what others see from outside
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


def world(goods: Goods) -> World:
    """A store with as many products of one variant each, counted in one place."""
    made = [goods.product(n) for n in range(goods.products)]
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
