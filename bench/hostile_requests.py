"""Expensive requests one after the other, beside a light one; and headers that never end."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence

import orjson

from bench.load_generator import Load, LoadConnection, LoadResult, build_request, generate_addresses
from bench.overload import OTHER
from bench.process_usage import get_memory
from bench.processes import run_server
from bench.timing import compute_percentile

LIGHT = build_request(orjson.dumps({"query": "{ __typename }"}), OTHER)
PARTIAL_REQUEST = b"POST /graphql HTTP/1.1\r\nhost: gateway\r\nx-slow: "


def build_documents() -> list[str]:
    """Build small documents with a high cost."""
    spread = " ".join(f"fragment F{n} on Query {{ a{n}: viewer {{ kind }} ...F{n + 1} }}" for n in range(150))
    return [
        "{" + " __typename" * 1_450 + "}",
        "{" + " ".join(f"a{n}: __typename" for n in range(600)) + "}",
        spread + " fragment F150 on Query { __typename } { ...F0 }",
        "{ node(id: 1) " + "{ ... on Category { parent " * 250 + "{ id }" + " } }" * 250 + " }",
        "{" * 1_450,
        "{ __typename" + " @skip(if: false)" * 300 + " }",
        "{ __schema { " + " ".join(f"t{n}: types {{ fields {{ name }} }}" for n in range(90)) + " } }",
        "{ products(first: 100) { nodes { variants(first: 100) { nodes { listings { id } } } } } }",
        "#\n" * 60_000 + "{ __typename }",
        "query (" + " ".join(f"$v{n}: Int" for n in range(500)) + ") { __typename }",
    ]


def build_bodies() -> list[bytes]:
    """Build the request bodies."""
    texts = [orjson.dumps({"query": text}) for text in build_documents()]
    values = {"ids": [[["x"] * 10] * 10] * 100}
    odd = [b"[" * 50_000, b"1" * 100_000, orjson.dumps({"query": "{ __typename }", "variables": values})]
    return texts + odd


async def measure(*, products: int, times: int) -> dict[str, float]:
    """Measure the time until each is rejected, light queries meanwhile, and the time until incomplete headers are
    rejected.
    """
    async with run_server(products) as server:
        port = server.port
        await _send_sequentially(port, [LIGHT] * 50)
        alone = await _send_sequentially(port, [LIGHT] * 200)
        await _send_sequentially(port, _build_requests(max(1, times // 10)))
        before = get_memory(server.pid)
        over = asyncio.Event()
        beside = asyncio.create_task(_send_light_queries(port, over))
        hostile = await _send_sequentially(port, _build_requests(times))
        over.set()
        light = await beside
        grown = get_memory(server.pid) - before
        half = await _measure_partial_requests(port, 800)
    refused = [took for status, some in hostile.took.items() if status != 200 for took in some]
    return {
        "hostile_p50": 1000 * compute_percentile(refused, 0.5),
        "hostile_p99": 1000 * compute_percentile(refused, 0.99),
        "hostile_max": 1000 * max(refused),
        "hostile_count": len(refused),
        "accepted": hostile.count(200),
        "failed": sum(count for status, count in hostile.statuses.items() if status >= 500),
        "grown": grown,
        "alone_p99": alone.compute_percentile_ms(200, 0.99),
        "light_p99": light.compute_percentile_ms(200, 0.99),
        "light_max": light.compute_percentile_ms(200, 1),
        **half,
    }


def _build_requests(times: int) -> list[bytes]:
    """Build each body this many times, from many clients."""
    clients = itertools.islice(itertools.cycle(generate_addresses()), times)
    sent = build_bodies()
    return [build_request(body, one) for one in clients for body in sent]


async def _send_sequentially(port: int, messages: Sequence[bytes]) -> LoadResult:
    load = Load(port, messages, most=1)
    for message in messages:
        await _ask(load, message)
    await load.settle(0)
    return load.result


async def _ask(load: Load, message: bytes) -> None:
    before = sum(load.result.statuses.values()) + load.result.broken
    load.send(message)
    while sum(load.result.statuses.values()) + load.result.broken == before:  # noqa: ASYNC110 answered or disconnected
        await asyncio.sleep(0.0005)


async def _send_light_queries(port: int, over: asyncio.Event) -> LoadResult:
    load = Load(port, [LIGHT])
    while not over.is_set():
        await load.run(20, 0.5)
    await load.settle()
    return load.result


async def _measure_partial_requests(port: int, count: int) -> dict[str, float]:
    """Open this many incomplete requests: measure other requests meanwhile, and when the last one is closed."""
    loop, begun = asyncio.get_running_loop(), time.perf_counter()
    idle = Load(port, [LIGHT])
    lines = [(await loop.create_connection(lambda: LoadConnection(idle), "127.0.0.1", port))[1] for _ in range(count)]
    for line in lines:
        if line.transport is not None:
            line.transport.write(PARTIAL_REQUEST)
    result = await _send_sequentially(port, [LIGHT] * 100)
    while not all(line.transport is None or line.transport.is_closing() for line in lines):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return {
        "half_closed": time.perf_counter() - begun,
        "half_served": result.count(200),
        "half_p99": result.compute_percentile_ms(200, 0.99),
    }
