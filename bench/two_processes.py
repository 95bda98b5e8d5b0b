"""The CPU time of a request to one process with a PostgreSQL, and to two that share one: cached lists, those that an
order has changed, and the orders themselves.

Both are measured in the same rounds, each with a database of its own. Every process has a response cache of its own, so
what an order changes is executed once by each.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import orjson

from bench.asgi_gateway import TOKEN
from bench.databases import create_databases
from bench.http_client import Connection, build_request
from bench.order_world import OrderClients
from bench.process_usage import read_cpu_clock
from bench.processes import ServerProcess

CLIENTS = 8
"""Clients for each process. The more requests a process has at a time, the less it takes for each: they share the
statement that checks whether cached responses are right.
"""

ROUNDS = 5
GROUPS = {"one": 1, "two": 2}
LIST = """query ($first: Int!) { products(first: $first, channelKey: "store") { nodes {
  title variants(first: 5) { nodes { sku price(channelKey: "store") { amount } stock(channelKey: "store") { available }
} } } } }"""
SIZES = range(11, 31)
"""The lists that are asked again and again."""


class AlternatingClient:
    """A client of several processes: each request is for the next of them, as a load balancer would have it."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._next = itertools.cycle(connections)
        self._connections = connections
        self.requests = 0

    @classmethod
    async def create(cls, servers: Sequence[ServerProcess]) -> AlternatingClient:
        """Connect to each of the processes."""
        return cls([await Connection.open(server.port) for server in servers])

    async def query(self, query: str, **variables: Any) -> Any:
        """Return the data of a response; fail on errors."""
        message = build_request({"query": query, "variables": variables}, f"authorization: Bearer {TOKEN}")
        head, body = await next(self._next).send(message)
        answer = orjson.loads(body)
        if head[9:12] != b"200" or "errors" in answer:
            raise AssertionError((head, answer))
        self.requests += 1
        return answer["data"]

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


@dataclass(frozen=True, slots=True)
class Visit:
    """What a client does again and again: it asks for so many lists, and may place an order."""

    lists: int
    places_order: bool

    async def run(self, client: AlternatingClient, buyer: OrderClients, times: int) -> None:
        """Repeat it."""
        sizes: Iterator[int] = itertools.cycle(SIZES)
        for _ in range(times):
            for size in itertools.islice(sizes, self.lists):
                await client.query(LIST, first=size)
            if self.places_order:
                await buyer.submit_order(await buyer.prepare_order())


VISITS = {"cached lists": Visit(60, False), "orders": Visit(0, True), "lists and orders": Visit(20, True)}


async def measure(*, orders: int, seed: int) -> dict[str, float]:
    """Measure `KIND one` and `KIND two`: CPU milliseconds of the processes per request, without those of the database.

    Args:
        orders: of each client in a round.
    """
    found: dict[str, list[float]] = {}
    async with create_databases("postgresql") as urls, AsyncExitStack() as stack:
        groups = {
            name: await stack.enter_async_context(_run_servers(url, count))
            for url, (name, count) in zip(urls, GROUPS.items(), strict=True)
        }
        for number in range(1 + ROUNDS):
            for kind, visit in VISITS.items():
                for name, servers in groups.items():
                    cpu = await _measure_round(servers, visit, orders, seed + number)
                    found.setdefault(f"{kind} {name}", []).append(cpu)
    return {name: median(values[1:]) for name, values in found.items()}


@asynccontextmanager
async def _run_servers(url: str, count: int) -> AsyncIterator[Sequence[ServerProcess]]:
    servers = [ServerProcess.create_selling(url) for _ in range(count)]
    try:
        for server in servers:
            await server.start()
        yield servers
    finally:
        for server in servers:
            await server.stop()


async def _measure_round(servers: Sequence[ServerProcess], visit: Visit, orders: int, seed: int) -> float:
    """Measure the CPU milliseconds of each request."""
    clients = [await AlternatingClient.create(servers) for _ in range(CLIENTS * len(servers))]
    buyers = [await OrderClients.create(client, seed + number) for number, client in enumerate(clients)]
    asked, used = sum(client.requests for client in clients), _read_clocks(servers)
    await asyncio.gather(*(visit.run(client, buyer, orders) for client, buyer in zip(clients, buyers, strict=True)))
    cpu, requests = _read_clocks(servers) - used, sum(client.requests for client in clients) - asked
    for client in clients:
        client.close()
    return cpu * 1000 / requests


def _read_clocks(servers: Sequence[ServerProcess]) -> float:
    return sum(read_cpu_clock(server.pid) for server in servers)
