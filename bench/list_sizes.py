"""The CPU time of a storefront's list against its number of products: compiled, cached, and by the reference executor.

The product's limits of a page, of the cost and of the size of a response are raised in this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from bench.asgi_gateway import Client, open_goods_gateway
from bench.databases import create_databases
from bench.engines import NEVER, STOREFRONT, measure_cpu, use_engine
from bench.synthetic_channel import Goods
from gateway.execution import context, cost_analysis
from gateway.graphql import connections
from gateway.runtime.process import tune_process

LIST_SIZES = (1, 3, 10, 30, 100, 300, 1_000)
MAX_REFERENCE_SIZE = 100
UNLIMITED = 10**9
WARMING = 30
ENGINES = {"nothing cached": 0, "cached": 0, "reference executor": NEVER}
"""Ways to answer, with the number of executions before a query is compiled."""


async def measure(*, dialect: str, times: int, seed: int) -> dict[str, float]:
    """Measure `ENGINE SIZE` in CPU milliseconds of this process: the database's own process is not included."""
    goods = Goods(products=max(LIST_SIZES), seed=seed, sizes=3, locations=("shop", "outlet"))
    tables = {
        "server": {"caching": {"response_megabytes": 256, "rendered_megabytes": 0, "product_megabytes": 0}},
        "limits": {"known": {"cost": UNLIMITED, "rate": UNLIMITED}},
    }
    found: dict[str, float] = {}
    with _raise_limits():
        async with create_databases(dialect) as (url, _), open_goods_gateway(url, goods, **tables) as gateway:
            await gateway.run_due()
            tune_process()
            client = Client(gateway)
            await measure_cpu(client, STOREFRONT, LIST_SIZES[2], WARMING)
            for engine, executions in ENGINES.items():
                gateway.responses.is_enabled = engine == "cached"
                for size in _list_sizes(engine):
                    with use_engine(executions):
                        found[f"{engine} {size}"] = await measure_cpu(client, STOREFRONT, size, times)
    return found


def _list_sizes(engine: str) -> list[int]:
    most = MAX_REFERENCE_SIZE if engine == "reference executor" else max(LIST_SIZES)
    return [size for size in LIST_SIZES if size <= most]


@contextmanager
def _raise_limits() -> Iterator[None]:
    largest = max(LIST_SIZES)
    with (
        patch.object(connections, "MAX_PAGE_SIZE", largest),
        patch.object(cost_analysis, "MAX_PAGE_SIZE", largest),
        patch.object(context, "MAX_RESPONSE_FIELDS", UNLIMITED),
    ):
        yield
