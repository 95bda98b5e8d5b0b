"""The CPU time of requests over HTTP: of the gateway, of servers of Python and Node.js that answer the same list from
objects in memory, and of one that sends its bytes.

CPU time is that of the server's process. All servers run at once, and are measured in rounds: a busy moment of the
machine then changes the medians little. The servers in Python run uvicorn with the same event loop and protocol.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson

from bench.http_client import Connection, build_get, build_post
from bench.node_servers import NODE_SERVERS
from bench.plain_server import APPS
from bench.process_usage import get_memory, read_cpu_clock
from bench.processes import ServerProcess, run_plain_server, run_server
from bench.socket_server import READER

CONNECTIONS = 16
ROUNDS = 5
LISTED = 20
SIZES = (1, 20, 100)


@dataclass(frozen=True, slots=True)
class RequestCase:
    """A kind of request. `requests`: how many of them a round has."""

    name: str
    server: ServerProcess
    message: bytes
    requests: int


@dataclass(frozen=True, slots=True)
class Round:
    """The figures of one round. Only responses with status 200, and 304 where it is asked for, are counted."""

    cpu_ms: float
    rate: float
    rejected: int


async def measure(*, products: int, requests: int, node: str | None) -> dict[str, float]:
    """Measure each kind of request: `NAME cpu` in milliseconds of the server, `NAME rate` per second, `NAME memory`.

    Args:
        requests: of a cached response in all rounds; of others there are fewer.
        node: the path of Node.js; None: its servers are left out.
    """
    async with AsyncExitStack() as stack:
        executing = await stack.enter_async_context(run_server(products, channels=3))
        objects = {"rendered_megabytes": 64, "product_megabytes": 16}
        rendering = await stack.enter_async_context(run_server(products, channels=3, **objects))
        caching = await stack.enter_async_context(run_server(products, channels=3, response_megabytes=64))
        body = (await _ask(executing, build_post(LISTED)))[1]
        plain = await stack.enter_async_context(_run_plain_servers(body, node))
        cases = [
            *_list_executed(executing, requests),
            RequestCase("rendered", rendering, build_post(LISTED), requests // ROUNDS // 2),
            *await _list_cached(caching, requests),
            *(RequestCase(name, server, build_post(LISTED), _count(name, requests)) for name, server in plain.items()),
        ]
        found = await _measure_rounds(cases)
    return found | {"bytes": len(body)}


@asynccontextmanager
async def _run_plain_servers(body: bytes, node: str | None) -> AsyncIterator[dict[str, ServerProcess]]:
    """Run the servers without a gateway, and check that they answer as it does."""
    async with AsyncExitStack() as stack:
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "list.json"
        file.write_bytes(body)
        kinds = dict.fromkeys(APPS) | (dict.fromkeys(NODE_SERVERS, node) if node else {})
        servers = {
            kind: await stack.enter_async_context(run_plain_server(kind, file, runtime))
            for kind, runtime in kinds.items()
        }
        for kind, server in servers.items():
            answer = (await _ask(server, build_post(LISTED)))[1]
            if orjson.loads(answer) != orjson.loads(body):
                raise AssertionError(f"{kind} answers otherwise: {answer[:300]!r}")
        yield servers


def _list_executed(server: ServerProcess, requests: int) -> list[RequestCase]:
    return [
        RequestCase(f"list of {size}", server, build_post(size), max(requests // 20, 1000) // (size + 10))
        for size in SIZES
    ]


async def _list_cached(server: ServerProcess, requests: int) -> list[RequestCase]:
    token, each = f"authorization: Bearer {READER}", requests // ROUNDS
    head = (await _ask(server, build_get(LISTED)))[0]
    etag = head.partition(b"etag: ")[2].partition(b"\r\n")[0].decode()
    messages = {
        "cached": build_post(LISTED),
        "cached, with a token": build_post(LISTED, token),
        "cached, zstd": build_post(LISTED, "accept-encoding: zstd"),
        "cached, GET": build_get(LISTED),
        "304": build_get(LISTED, f"if-none-match: {etag}"),
    }
    return [RequestCase(name, server, message, each) for name, message in messages.items()]


def _count(kind: str, requests: int) -> int:
    """Return how many requests a server gets in a round: those that take long get fewer."""
    return requests // ROUNDS // {"bare": 1, "by_hand": 2, "strawberry": 20}.get(kind, 4)


async def _ask(server: ServerProcess, message: bytes) -> tuple[bytes, bytes]:
    connection = await Connection.open(server.port)
    answer = await connection.send(message)
    connection.close()
    return answer


async def _measure_rounds(cases: Sequence[RequestCase]) -> dict[str, float]:
    """Measure all kinds of requests, one after the other and several times; the first time warms the servers up."""
    rounds: dict[str, list[Round]] = {case.name: [] for case in cases}
    found: dict[str, float] = {}
    for _ in range(1 + ROUNDS):
        for case in cases:
            rounds[case.name].append(await _measure_round(case))
    for case in cases:
        measured = rounds[case.name][1:]
        found[f"{case.name} cpu"] = median(one.cpu_ms for one in measured)
        found[f"{case.name} rate"] = median(one.rate for one in measured)
        found[f"{case.name} rejected"] = sum(one.rejected for one in measured)
        found[f"{case.name} memory"] = get_memory(case.server.pid)
    return found


async def _measure_round(case: RequestCase) -> Round:
    connections = [await Connection.open(case.server.port) for _ in range(CONNECTIONS)]
    messages = [case.message.replace(b"CLIENT", str(number).encode()) for number in range(CONNECTIONS)]
    each = max(1, case.requests // CONNECTIONS)
    cpu, begun = read_cpu_clock(case.server.pid), time.perf_counter()
    answered = await asyncio.gather(*(_repeat(one, own, each) for one, own in zip(connections, messages, strict=True)))
    took, used = time.perf_counter() - begun, read_cpu_clock(case.server.pid) - cpu
    for one in connections:
        one.close()
    count = sum(answered)
    return Round(used * 1000 / count, count / took, each * CONNECTIONS - count)


async def _repeat(connection: Connection, message: bytes, times: int) -> int:
    """Send requests one after the other, and return how many were answered."""
    answered = 0
    for _ in range(times):
        head, body = await connection.send(message)
        status = head[9:12]
        if status not in (b"200", b"304", b"503") or (b'"errors"' in body[:200] and status != b"503"):
            raise AssertionError(f"{head!r}: {body[:500]!r}")
        answered += status != b"503"
    return answered
