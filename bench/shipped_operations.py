"""The CPU time of the queries of `schema/operations`, compiled and by the reference executor, with the same loads."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from statistics import median
from typing import Any

from bench.asgi_gateway import NOTHING_CACHED, TOKEN, Client
from bench.databases import create_databases
from bench.engines import NEVER, measure_compilation, use_engine
from gateway.storage.change_log import stamp_changes
from tests.graphql.operation_documents import APPS, read_texts
from tests.graphql.shopper import TABLES, Shopper, build_stores
from tests.graphql.world import GTIN, TOKENS, World, open_world

LONDON = {"latitude": 51.5, "longitude": -0.15}
COLLECTION = {"goods": {"titles": {"en": "Goods"}, "filter": {"available_for_sale": True}}}
GROUP = 10
"""Requests that are measured at once."""

Variables = Mapping[str, Any]


async def measure(*, dialect: str, times: int) -> dict[str, float]:
    """Measure each query without a login: `NAME ENGINE`, the CPU milliseconds of this process for a request, and its
    compilation.
    """
    bench = {"bench": {"token": TOKEN, "kind": "ADMIN", "scopes": ["*"]}}
    tables = {**TABLES, "tokens": {**TOKENS, **bench}, "collections": COLLECTION, "server": NOTHING_CACHED}
    texts = {name: text for app in APPS for name, text in read_texts(app).items()}
    found: dict[str, float] = {}
    async with create_databases(dialect) as (url, _), open_world(url, build_stores(), **tables) as world:
        client = Client(world.gateway)
        for name, variables in (await _choose_variables(world)).items():
            compared = await _compare(client, texts[name], variables, times)
            found |= {f"{name} {engine}": ms for engine, ms in compared.items()}
            found |= measure_compilation(name, texts[name], variables)
    return found


async def _choose_variables(world: World) -> dict[str, Variables]:
    """Choose the variables of each query, of a product, a cart and an order that exist."""
    shopper, order = Shopper(world), await _place_order(world)
    await world.gateway.database.write(stamp_changes)  # so that facets that depend on stock are cached
    await shopper.fill("web", MUG=1)
    (option, *_) = await shopper.list_options(**LONDON)
    cart, variant = shopper.cart, shopper.cart["lines"][0]["variant"]["id"]
    page = {"channelKey": "web", "handle": "mug"}
    return {
        "Collections": {"channelKey": "web"},
        "CollectionPage": {"channelKey": "web", "handle": "goods"},
        "ProductList": {"channelKey": "web"},
        "ProductsNear": {"channelKey": "web", "near": LONDON},
        "ProductPage": page,
        "RelatedProducts": page,
        "StoreAvailability": {"variantId": variant, "near": LONDON},
        "Stores": {"near": LONDON},
        "Cart": {"cartToken": cart["token"]},
        "FulfillmentOptions": {"cartToken": cart["token"], "near": LONDON},
        "OrderPreview": {"input": {"cartToken": cart["token"], "fulfillmentOptionToken": option["token"]}},
        "CartOrder": {"cartToken": order["cartToken"]},
        "Order": {"accessToken": order["accessToken"]},
        "FulfillmentQueue": {"locationKey": "london"},
        "Scan": {"gtin": GTIN},
        "StockList": {"locationKey": "london"},
    }


async def _place_order(world: World) -> dict[str, str]:
    shopper = Shopper(world)
    await shopper.fill("web", MUG=1)
    order = (await shopper.buy(await shopper.find_option("PICKUP", "london")))["order"]
    return {"cartToken": shopper.cart["token"], "accessToken": order["accessToken"]}


async def _compare(client: Client, text: str, variables: Variables, times: int) -> dict[str, float]:
    """Measure both engines in turn."""
    taken: dict[str, list[float]] = {"compiled": [], "reference": []}
    for engine in taken:
        with use_engine(NEVER if engine == "reference" else 0):
            await client.query(text, **variables)  # fails on errors
    gc.collect()
    for _ in range(times):
        for engine, values in taken.items():
            with use_engine(NEVER if engine == "reference" else 0):
                values.append(await _measure_group(client, text, variables))
    return {engine: median(values) for engine, values in taken.items()}


async def _measure_group(client: Client, text: str, variables: Variables) -> float:
    begun = time.process_time()
    for _ in range(GROUP):
        await client.post(text, **variables)
    return (time.process_time() - begun) * 1000 / GROUP
