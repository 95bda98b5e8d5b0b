"""A gateway with synthetic data, and a client that calls it over ASGI, without a network."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Scope

from bench.synthetic_channel import Goods, GoodsPlugin
from gateway.app import create_app
from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.settings.loading import parse

TOKEN = "bench"
NOTHING_CACHED = {"caching": {"response_megabytes": 0, "rendered_megabytes": 0, "product_megabytes": 0}}
"""The table `[server]` with which each request is executed."""


@contextlib.asynccontextmanager
async def open_goods_gateway(url: str, goods: Goods, *plugins: object, **tables: Any) -> AsyncIterator[Gateway]:
    """Open a gateway whose channel `web` has these goods. `tables`: configuration merged into its own."""
    document: dict[str, Any] = {
        "database": url,
        "channels": {"web": {"plugin": "goods", "required": True}} | tables.pop("channels", {}),
        "locations": {location: _build_location("web", location) for location in goods.locations}
        | tables.pop("locations", {}),
        "tokens": {"bench": {"token": TOKEN, "kind": "ADMIN", "scopes": ["*"]}},
        "stock": {"default_channel": "web"},
        "server": NOTHING_CACHED,
    } | tables
    found = discover(GoodsPlugin(goods), *plugins, points=())
    async with open_gateway(parse(document, {}), plugins=found) as gateway:
        yield gateway


def _build_location(authority: str, external_location: str) -> dict[str, Any]:
    return {
        "name": external_location,
        "kind": "STORE",
        "authority": authority,
        "channels": {authority: external_location},
    }


class Client:
    """Sends requests to the application of a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._app: ASGIApp = create_app(gateway)

    async def query(self, query: str, **variables: Any) -> Any:
        """Return the data of a response; fail on errors."""
        answer = orjson.loads(await self.post(query, **variables))
        if "errors" in answer:
            raise AssertionError(answer["errors"])
        return answer["data"]

    async def post(self, query: str, **variables: Any) -> bytes:
        """Return a response as it is sent."""
        return await self._post(orjson.dumps({"query": query, "variables": variables}))

    async def _post(self, body: bytes) -> bytes:
        sent: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        received = bytearray()

        async def receive() -> Message:
            if not sent:
                await asyncio.Event().wait()  # the client stays connected
            return sent.pop()

        async def send(message: Message) -> None:
            received.extend(message.get("body", b""))

        await self._app(_build_scope(), receive, send)
        return bytes(received)


def _build_scope() -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"host", b"gateway"),
            (b"content-type", b"application/json"),
            (b"authorization", f"Bearer {TOKEN}".encode()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }


PRODUCTS = """query ($first: Int) { products(first: $first) { nodes {
  title brand category { title } priceRange { min { amount } max { amount currencyCode } }
  variants(first: 5) { nodes {
    sku gtin price { amount currencyCode } listings { channel { key } price { amount } observedAt }
    stock { status available levels { nodes { location { key } onHand available } } }
  } } } } }"""

ORDERS = """query ($first: Int) { orders(first: $first) { nodes {
  number placedAt total { amount } location { key } customer { displayName }
  lines(first: 5) { nodes { quantity total { amount } variant { sku product { title } } } } } } }"""
