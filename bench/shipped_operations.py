"""The CPU time of the queries of `schema/operations`, compiled and by the reference executor, with the same loads."""

from __future__ import annotations

import gc
import time
from statistics import median

from bench.asgi_gateway import NOTHING_CACHED, TOKEN, Client
from bench.databases import create_databases
from bench.engines import NEVER, measure_compilation, use_engine
from tests.graphql.operation_documents import APPS, read_texts
from tests.graphql.operation_variables import COLLECTION, Variables, choose_variables
from tests.graphql.shopper import TABLES, build_stores
from tests.graphql.world import TOKENS, open_world

GROUP = 10
"""Requests that are measured at once."""


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
        for name, variables in (await choose_variables(world)).items():
            compared = await _compare(client, texts[name], variables, times)
            found |= {f"{name} {engine}": ms for engine, ms in compared.items()}
            found |= measure_compilation(name, texts[name], variables)
    return found


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
