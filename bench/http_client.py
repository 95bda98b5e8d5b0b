"""A client with one persistent connection, and the requests for a list of a storefront."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

_OFFER = 'KEY: price(channelKey: "KEY") { amount currencyCode } KEYStock: stock(channelKey: "KEY") { status available }'
_OFFERS = " ".join(_OFFER.replace("KEY", key) for key in ("web", "till", "market"))
LIST = f"""query ($first: Int!) {{ products(first: $first, channelKey: "web") {{ nodes {{
  id handle title featuredImage {{ url }} variants(first: 5) {{ nodes {{ id sku title {_OFFERS} }} }} }} }} }}"""
"""A list of a storefront: products of three variants, with their prices and stock in three channels."""


class Connection:
    """A persistent connection with one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Connection:
        """Connect to a server of this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, message: bytes) -> tuple[bytes, bytes]:
        """Send a request, and return the head and the body of its response."""
        self._writer.write(message)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        if b"transfer-encoding: chunked" in head:
            return head, await self._read_chunks()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        return head, await self._reader.readexactly(length)

    async def _read_chunks(self) -> bytes:
        chunks: list[bytes] = []
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            chunks.append((await self._reader.readexactly(size + 2))[:-2])
        await self._reader.readuntil(b"\r\n")
        return b"".join(chunks)

    def close(self) -> None:
        self._writer.close()


def build_post(first: int, *headers: str) -> bytes:
    """Build a POST request of the list."""
    return build_request({"query": LIST, "variables": {"first": first}}, *headers)


def build_request(document: Mapping[str, Any], *headers: str) -> bytes:
    """Build a POST request of this JSON."""
    body = orjson.dumps(document)
    more = ("content-type: application/json", f"content-length: {len(body)}")
    return _build_message("POST /graphql", *more, *headers) + body


def build_get(first: int, *headers: str) -> bytes:
    """Build a GET request of the list."""
    variables = orjson.dumps({"first": first}).decode()
    return _build_message(f"GET /graphql?query={quote(LIST)}&variables={quote(variables)}", *headers)


def _build_message(line: str, *headers: str) -> bytes:
    accept, client = "accept: application/graphql-response+json", "x-forwarded-for: 192.0.2.CLIENT"
    lines = (f"{line} HTTP/1.1", "host: gateway", accept, client, *headers)
    return "\r\n".join((*lines, "", "")).encode()
