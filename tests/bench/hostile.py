"""Requests that are meant to hurt, one after the other, and a light one beside them; headers without an end."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence

import orjson

from tests.bench.cpu import memory_of
from tests.bench.overload import OTHER
from tests.bench.processes import listening
from tests.bench.times import percentile
from tests.bench.wire import Heard, Line, Load, addresses, request

LIGHT = request(orjson.dumps({"query": "{ __typename }"}), OTHER)
HALF = b"POST /graphql HTTP/1.1\r\nhost: gateway\r\nx-slow: "


def documents() -> list[str]:
    """Small texts that cost much."""
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


def bodies() -> list[bytes]:
    """What is sent."""
    texts = [orjson.dumps({"query": text}) for text in documents()]
    values = {"ids": [[["x"] * 10] * 10] * 100}
    odd = [b"[" * 50_000, b"1" * 100_000, orjson.dumps({"query": "{ __typename }", "variables": values})]
    return texts + odd


async def measure(*, products: int, times: int) -> dict[str, float]:
    """How long each takes until it is refused, and a light query meanwhile; how long half a header is waited for."""
    async with listening(products) as server:
        port = server.port
        await _one_by_one(port, [LIGHT] * 50)
        alone = await _one_by_one(port, [LIGHT] * 200)
        await _one_by_one(port, _hostile(max(1, times // 10)))
        before = memory_of(server.pid)
        over = asyncio.Event()
        beside = asyncio.create_task(_light(port, over))
        hostile = await _one_by_one(port, _hostile(times))
        over.set()
        light = await beside
        grown = memory_of(server.pid) - before
        half = await _half_sent(port, 800)
    refused = [took for status, some in hostile.took.items() if status != 200 for took in some]
    return {
        "hostile_p50": 1000 * percentile(refused, 0.5),
        "hostile_p99": 1000 * percentile(refused, 0.99),
        "hostile_max": 1000 * max(refused),
        "hostile_count": len(refused),
        "accepted": hostile.count(200),
        "failed": sum(count for status, count in hostile.statuses.items() if status >= 500),
        "grown": grown,
        "alone_p99": alone.ms(200, 0.99),
        "light_p99": light.ms(200, 0.99),
        "light_max": light.ms(200, 1),
        **half,
    }


def _hostile(times: int) -> list[bytes]:
    """Each body so often, from many clients."""
    clients = itertools.islice(itertools.cycle(addresses()), times)
    sent = bodies()
    return [request(body, one) for one in clients for body in sent]


async def _one_by_one(port: int, messages: Sequence[bytes]) -> Heard:
    load = Load(port, messages, most=1)
    for message in messages:
        await _ask(load, message)
    await load.settle(0)
    return load.heard


async def _ask(load: Load, message: bytes) -> None:
    before = sum(load.heard.statuses.values()) + load.heard.broken
    load.ask(message)
    while sum(load.heard.statuses.values()) + load.heard.broken == before:  # noqa: ASYNC110 answered, or cut off
        await asyncio.sleep(0.0005)


async def _light(port: int, over: asyncio.Event) -> Heard:
    load = Load(port, [LIGHT])
    while not over.is_set():
        await load.run(20, 0.5)
    await load.settle()
    return load.heard


async def _half_sent(port: int, count: int) -> dict[str, float]:
    """So many at once: whether others are answered meanwhile, and when the last of them is closed."""
    loop, begun = asyncio.get_running_loop(), time.perf_counter()
    idle = Load(port, [LIGHT])
    lines = [(await loop.create_connection(lambda: Line(idle), "127.0.0.1", port))[1] for _ in range(count)]
    for line in lines:
        if line.transport is not None:
            line.transport.write(HALF)
    heard = await _one_by_one(port, [LIGHT] * 100)
    while not all(line.transport is None or line.transport.is_closing() for line in lines):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return {
        "half_closed": time.perf_counter() - begun,
        "half_served": heard.count(200),
        "half_p99": heard.ms(200, 0.99),
    }
