"""The CPU time of queries: compiled, and by the reference executor, with the same loads."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from statistics import median
from types import MappingProxyType
from typing import Any

from graphql import Executor, parse

from bench.asgi_gateway import ORDERS, PRODUCTS, Client, open_goods_gateway
from bench.databases import create_databases
from bench.synthetic_channel import Goods
from gateway.execution.compiler import plan
from gateway.graphql.schema import create_schema
from gateway.runtime.gateway import Gateway
from gateway.storage.change_log import log_change, stamp_changes

STOREFRONT = """query ($first: Int) { products(first: $first, channelKey: "web") { nodes {
  id handle title featuredImage { url } priceRange(channelKey: "web") { min { amount currencyCode } }
  variants(first: 5) { nodes {
    id sku title price(channelKey: "web") { amount currencyCode } stock(channelKey: "web") { status available }
  } } } } }"""
QUERIES = {"a storefront's products": STOREFRONT, "products of three channels": PRODUCTS, "orders": ORDERS}
CACHEABLE = "a storefront's products"
"""The query that shows neither ages nor what only staff may see."""

ENGINES = ("reference", "compiled", "rendered", "checked", "cached")
"""How a request is answered: by which engine with nothing cached, or with cached objects, a cached response after a
change of another product, or a cached response.
"""

SIZES = (1, 20, 100)
COMPILATIONS = 5
NEVER = 10**9


async def measure(*, dialect: str, products: int, times: int, seed: int) -> dict[str, float]:
    """Measure each query at each size: `NAME SIZE ENGINE` for each of `ENGINES`, in CPU milliseconds of this process.

    Also `NAME compile`, in milliseconds, and `NAME source`, in bytes.
    """
    goods = Goods(products=products, seed=seed, sizes=3, locations=("shop", "outlet"), tills=products)
    channels = {key: {"plugin": "goods", "required": True} for key in ("till", "market")}
    found: dict[str, float] = {}
    caching = {"server": {"caching": {"response_megabytes": 64, "rendered_megabytes": 64}}}
    async with (
        create_databases(dialect) as (url, _),
        open_goods_gateway(url, goods, channels=channels, **caching) as gateway,
    ):
        await gateway.run_due()
        client = Client(gateway)
        for name, text in QUERIES.items():
            found |= measure_compilation(name, text)
            for size in SIZES:
                for engine in ENGINES:
                    gateway.responses.is_enabled = engine in ("checked", "cached")
                    gateway.rendered.is_enabled = gateway.known_products.is_enabled = engine == "rendered"
                    prepare = partial(change_other_product, gateway) if engine == "checked" else None
                    with use_engine(NEVER if engine == "reference" else 0):
                        found[f"{name} {size} {engine}"] = await measure_cpu(client, text, size, times, prepare)
    return found


def measure_compilation(name: str, text: str, variables: Mapping[str, Any] = MappingProxyType({})) -> dict[str, float]:
    """Measure the compilation of a query: `NAME compile`, in CPU milliseconds, and `NAME source`, in bytes."""
    executor = Executor.build(create_schema(), parse(text), raw_variable_values=dict(variables))
    assert not isinstance(executor, list)
    taken: list[float] = []
    for _ in range(COMPILATIONS):
        begun = time.process_time()
        compiled = plan.compile_operation(executor, tracks=False)
        taken.append((time.process_time() - begun) * 1000)
        assert compiled is not None
        size = compiled.size
    return {f"{name} compile": median(taken), f"{name} source": size}


@contextmanager
def use_engine(executions: int) -> Iterator[None]:
    usual = plan.COMPILED_AFTER
    plan.COMPILED_AFTER = executions
    yield
    plan.COMPILED_AFTER = usual


async def change_other_product(gateway: Gateway) -> None:
    """Log a change of a product that no list shows."""
    await gateway.database.write(log_change, "PRODUCT", [("another", 1)], gateway.now())
    await gateway.database.write(stamp_changes)


async def measure_cpu(
    client: Client, text: str, size: int, times: int, prepare: Callable[[], Awaitable[None]] | None = None
) -> float:
    """Measure a request. `prepare` runs before each, and is not measured."""
    request = partial(client.post, text, first=size)
    for _ in range(2):
        await request()
    taken: list[float] = []
    gc.collect()
    for _ in range(times):
        if prepare is not None:
            await prepare()
        begun = time.process_time()
        await request()
        taken.append((time.process_time() - begun) * 1000)
    return median(taken)
