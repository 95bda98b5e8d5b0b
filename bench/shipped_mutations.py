"""The CPU time of mutations of `schema/operations`, compiled and by the reference executor."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median
from typing import Any
from uuid import uuid4

from bench.asgi_gateway import Client
from bench.databases import create_databases
from bench.engines import NEVER, measure_compilation, use_engine
from bench.order_process import open_selling_gateway
from bench.order_world import OrderClients
from tests.graphql.operation_documents import read_texts

Prepare = Callable[[], Awaitable[Mapping[str, Any]]]

LINES = 9
"""Lines of a cart to which `CartLinesAdd` adds one."""

WARMING = 3
TIMES = 5
"""Executions of a mutation for each of a query: one varies more than ten equal queries."""


async def measure(*, dialect: str, times: int, seed: int) -> dict[str, float]:
    """Measure each mutation without a login: `NAME ENGINE`, the CPU milliseconds of this process for a request, and its
    compilation.
    """
    found: dict[str, float] = {}
    async with create_databases(dialect) as (url, _), open_selling_gateway(url) as gateway:
        await gateway.run_due()
        client = Client(gateway)
        for name, prepare in _list_mutations(await OrderClients.create(client, seed)).items():
            text = read_texts("storefront")[name]
            compared = await _compare(client, text, prepare, times * TIMES)
            found |= {f"{name} {engine}": ms for engine, ms in compared.items()}
            found |= measure_compilation(name, text, {"input": await prepare()})
    return found


def _list_mutations(clients: OrderClients) -> dict[str, Prepare]:
    """List the mutations, each with what prepares the input of an execution."""

    async def prepare_cart() -> Mapping[str, Any]:
        lines = [{"variantId": variant, "quantity": 1} for variant in clients.variants[:LINES]]
        return {"channelKey": "store", "lines": lines, "idempotencyKey": str(uuid4())}

    async def prepare_line() -> Mapping[str, Any]:
        text = read_texts("storefront")["CartCreate"]
        cart = (await clients.client.query(text, input=await prepare_cart()))["cartCreate"]["cart"]
        lines = [{"variantId": clients.variants[LINES], "quantity": 1}]
        return {"cartToken": cart["token"], "lines": lines, "idempotencyKey": str(uuid4())}

    return {"CartCreate": prepare_cart, "CartLinesAdd": prepare_line, "OrderPlace": clients.prepare_order}


async def _compare(client: Client, text: str, prepare: Prepare, times: int) -> dict[str, float]:
    """Measure both engines in turn."""
    taken: dict[str, list[float]] = {"compiled": [], "reference": []}
    for _ in range(WARMING + times):
        for engine, values in taken.items():
            given = await prepare()
            with use_engine(NEVER if engine == "reference" else 0):
                values.append(await _measure_one(client, text, given))
    return {engine: median(values[WARMING:]) for engine, values in taken.items()}


async def _measure_one(client: Client, text: str, given: Mapping[str, Any]) -> float:
    begun = time.process_time()
    (payload,) = (await client.query(text, input=given)).values()
    taken = (time.process_time() - begun) * 1000
    if payload["userErrors"]:
        raise AssertionError(payload["userErrors"])
    return taken
