"""The memory of a gateway whose caches are full: of requests for many products, and of documents of hostile clients."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from bench.http_client import Connection, build_request
from bench.process_usage import get_memory
from bench.processes import ServerProcess, run_server

CONNECTIONS = 2
PAGE = 100
TIMES = 2
"""How often each request is sent: the first response to a document comes from the reference executor."""

IDS = "query ($after: String) { products(first: 100, after: $after) { nodes { id } pageInfo { endCursor } } }"
PRODUCT = """query ($id: ID!) { product(by: {id: $id}) { id handle title brand featuredImage { url }
  variants(first: 5) { nodes { id sku title price(channelKey: "web") { amount currencyCode }
    stock(channelKey: "web") { status available } } } } }"""
DISTINCT = "{ %s: products(first: 1) { nodes { %s } } }"
FIELDS = 40
"""Fields of a hostile document, each with a name of its own."""


async def measure(*, products: int, documents: int) -> dict[str, float]:
    """Measure the megabytes of the process: at first, with responses for all products cached, and after so many
    different documents.
    """
    async with run_server(products, response_megabytes=64, rendered_megabytes=64, product_megabytes=16) as server:
        ids = await _list_ids(server)
        before = get_memory(server.pid)
        hot = [{"query": PRODUCT, "variables": {"id": id_}} for id_ in ids]
        await _send_all(server, hot)
        filled = get_memory(server.pid)
        await _send_all(server, [{"query": _build_hostile(number)} for number in range(documents)])
        return {"products": len(ids), "before": before, "filled": filled, "hostile": get_memory(server.pid)}


async def _list_ids(server: ServerProcess) -> list[str]:
    connection, ids, after = await Connection.open(server.port), list[str](), None
    for address in _generate_addresses():
        found = (await _ask(connection, {"query": IDS, "variables": {"after": after}}, address))["data"]["products"]
        ids += [node["id"] for node in found["nodes"]]
        after = found["pageInfo"]["endCursor"]
        if len(found["nodes"]) < PAGE:
            break
    connection.close()
    return ids


def _build_hostile(number: int) -> str:
    fields = " ".join(f"n{number}x{field}: title" for field in range(FIELDS))
    return DISTINCT % (f"a{number}", fields)


async def _send_all(server: ServerProcess, documents: Sequence[dict[str, Any]]) -> None:
    """Send each request several times."""
    left = iter([*documents] * TIMES)
    await asyncio.gather(*(_send(server, left, number) for number in range(CONNECTIONS)))


async def _send(server: ServerProcess, left: Iterator[dict[str, Any]], number: int) -> None:
    connection = await Connection.open(server.port)
    for document, address in zip(left, _generate_addresses(number), strict=False):
        await _ask(connection, document, address)
    connection.close()


async def _ask(connection: Connection, document: dict[str, Any], address: str) -> Any:
    message = build_request(document).replace(b"192.0.2.CLIENT", address.encode())
    head, body = await connection.send(message)
    while head[9:12] == b"503":
        await asyncio.sleep(1)  # as it asks for
        head, body = await connection.send(message)
    answer = orjson.loads(body)
    if head[9:12] != b"200" or "errors" in answer:
        raise AssertionError((head, body[:500]))
    return answer


def _generate_addresses(number: int = 0) -> Iterator[str]:
    """Generate the addresses of clients without a token, of which each sends a few requests only."""
    return (f"10.{number}.{first}.{last}" for first, last in itertools.cycle(itertools.product(range(256), repeat=2)))
