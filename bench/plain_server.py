"""`python -m bench.plain_server KIND PORT FILE`: a server on a socket to compare with, on uvicorn.

The file is a list that the gateway has sent. `bare` sends its bytes, `by_hand` builds the list from objects in memory
by a function written for it, and `strawberry` executes the query over the same objects.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import strawberry
import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.asgi import GraphQL

from bench.plain_catalog import CHANNELS, PlainCatalog, Product, ProductPage, Variant


def create_bare_app(catalog: PlainCatalog) -> ASGIApp:
    """Create an application that sends the same bytes to each request."""
    body = catalog.body

    async def respond(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await _send_json(send, body)

    return respond


def create_hand_written_app(catalog: PlainCatalog) -> ASGIApp:
    """Create an application that knows this one list: it reads the variable, and builds the list from the objects."""

    async def respond(_scope: Scope, receive: Receive, send: Send) -> None:
        message, body = await receive(), b""
        while message.get("more_body"):
            body += message["body"]
            message = await receive()
        first = orjson.loads(body + message["body"])["variables"]["first"]
        nodes = [_build_product(product) for product in catalog.products[:first]]
        await _send_json(send, orjson.dumps({"data": {"products": {"nodes": nodes}}}))

    return respond


def _build_product(product: Product) -> dict[str, Any]:
    image = product.featured_image
    return {
        "id": product.id,
        "handle": product.handle,
        "title": product.title,
        "featuredImage": None if image is None else {"url": image.url},
        "variants": {"nodes": [_build_variant(variant) for variant in product.all_variants[:5]]},
    }


def _build_variant(variant: Variant) -> dict[str, Any]:
    built: dict[str, Any] = {"id": variant.id, "sku": variant.sku, "title": variant.title}
    for key in CHANNELS:
        price, stock = variant.prices[key], variant.stocks[key]
        built[key] = {"amount": price.amount, "currencyCode": price.currency_code}
        built[f"{key}Stock"] = {"status": stock.status, "available": stock.available}
    return built


async def _send_json(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def create_strawberry_app(catalog: PlainCatalog) -> ASGIApp:
    """Create an application of Strawberry as its documentation shows it."""

    def list_products(first: int, channel_key: str) -> ProductPage:
        return ProductPage(nodes=catalog.products[:first])

    @strawberry.type
    class Query:
        products: ProductPage = strawberry.field(resolver=list_products)

    app: Any = GraphQL(strawberry.Schema(Query))
    return app  # type: ignore[no-any-return]


APPS: Mapping[str, Callable[[PlainCatalog], ASGIApp]] = {
    "bare": create_bare_app,
    "by_hand": create_hand_written_app,
    "strawberry": create_strawberry_app,
}


async def listen(kind: str, port: int, path: Path) -> None:
    """Serve until a signal."""
    app = APPS[kind](PlainCatalog.load(path))
    config = uvicorn.Config(
        app, lifespan="off", ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    with socket.create_server(("127.0.0.1", port), backlog=2048, reuse_port=True) as listening:
        print("ready", flush=True)
        await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(listen(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
