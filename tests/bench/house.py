"""A gateway over the goods, and a client that asks it by ASGI, with nothing between them that costs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Scope

from gateway.app import create_app
from gateway.channels.plugins import discover
from gateway.runtime import Gateway, open_gateway
from gateway.settings import parse
from tests.bench.goods import Goods, GoodsPlugin

TOKEN = "bench"


@contextlib.asynccontextmanager
async def gateway_over(url: str, goods: Goods, *plugins: object, **tables: Any) -> AsyncIterator[Gateway]:
    """A gateway whose channel `web` has these goods. `tables`: of the configuration, merged into it."""
    document: dict[str, Any] = {
        "database": url,
        "channels": {"web": {"plugin": "goods", "required": True}} | tables.pop("channels", {}),
        "locations": {place: _location("web", place) for place in goods.places} | tables.pop("locations", {}),
        "tokens": {"bench": {"token": TOKEN, "kind": "ADMIN", "scopes": ["*"]}},
        "stock": {"default_channel": "web"},
    } | tables
    found = discover(GoodsPlugin(goods), *plugins, points=())
    async with open_gateway(parse(document, {}), plugins=found) as gateway:
        yield gateway


def _location(authority: str, place: str) -> dict[str, Any]:
    return {"name": place, "kind": "STORE", "authority": authority, "channels": {authority: place}}


class Client:
    """Asks one gateway's application."""

    def __init__(self, gateway: Gateway) -> None:
        self._app: ASGIApp = create_app(gateway)

    async def data(self, query: str, **variables: Any) -> Any:
        """The data of the answer, which has no errors."""
        answer = orjson.loads(await self._post(orjson.dumps({"query": query, "variables": variables})))
        if "errors" in answer:
            raise AssertionError(answer["errors"])
        return answer["data"]

    async def _post(self, body: bytes) -> bytes:
        sent: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        received = bytearray()

        async def receive() -> Message:
            if not sent:
                await asyncio.Event().wait()  # the client stays
            return sent.pop()

        async def send(message: Message) -> None:
            received.extend(message.get("body", b""))

        await self._app(_scope(), receive, send)
        return bytes(received)


def _scope() -> Scope:
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
        "headers": [(b"content-type", b"application/json"), (b"authorization", f"Bearer {TOKEN}".encode())],
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
