"""Sends the same requests to an application with the hot path and to one without, and compares what they send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message

from gateway.app import create_app
from gateway.http.graphql.hot_path import HotPath
from tests.graphql.world import World, get_schema
from tests.http.raw_client import GRAPHQL, JSON

Headers = Mapping[str, Sequence[str]]
REQUEST_ID = "x-request-id"
HEADERS: Headers = {"host": ["gateway"], "accept": [GRAPHQL], REQUEST_ID: ["0123456789abcdef"]}


@dataclass(frozen=True)
class Exchange:
    """A request. `chunks`: of its body; the client disconnects after them if `is_broken`.

    Attributes:
        is_hot: whether the hot path answers it when it is repeated; None: either path may.
    """

    name: str
    method: str = "POST"
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Headers = field(default_factory=lambda: HEADERS)
    chunks: Sequence[bytes] = (b"",)
    version: str = "1.1"
    is_broken: bool = False
    is_hot: bool | None = None

    def change(self, name: str, headers: Mapping[str, Sequence[str]] | None = None, **changes: Any) -> Exchange:
        """Build another one with these headers and attributes instead."""
        return replace(self, name=f"{self.name}, {name}", headers={**self.headers, **(headers or {})}, **changes)


@dataclass(frozen=True)
class Sent:
    """What an application has sent."""

    status: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes


def build_post(name: str, document: Any, **more: Any) -> Exchange:
    """Build a POST of this JSON."""
    headers = {**HEADERS, "content-type": [JSON]}
    return Exchange(name, headers=headers, chunks=(json.dumps(document).encode(),), **more)


def build_get(name: str, parameters: Mapping[str, str], **more: Any) -> Exchange:
    """Build a GET with these parameters."""
    return Exchange(name, "GET", parameters, **more)


class Comparison:
    """Two applications of one gateway: with the hot path, and without."""

    def __init__(self, world: World) -> None:
        hot = create_app(world.gateway, get_schema())
        assert isinstance(hot, HotPath)
        self.hot = hot
        self.ordinary = create_app(world.gateway, get_schema(), has_hot_path=False)

    async def find_differences(self, exchanges: Sequence[Exchange], times: int = 4) -> list[str]:
        """Send each request several times to both. Returns what differs, and which path should have answered."""
        found: list[str] = []
        for exchange in exchanges:
            answered = self.hot.answered
            for number in range(times):
                one, other = [await send(app, exchange) for app in (self.hot, self.ordinary)]
                if one != other:
                    found.append(f"{exchange.name}, time {number + 1}: {one} and {other}")
            is_hot = self.hot.answered > answered
            if exchange.is_hot is not None and exchange.is_hot != is_hot:
                found.append(f"{exchange.name}: {'answered' if is_hot else 'not answered'} by the hot path")
        return found


async def send(app: ASGIApp, exchange: Exchange) -> Sent:
    """Send a request to an application. A random request id is left out of what it has sent."""
    sent: list[Message] = []
    messages = _list_messages(exchange)

    async def receive() -> Message:
        message = next(messages, None)
        if message is None:
            await asyncio.Event().wait()
        assert message is not None
        return message

    async def collect(message: Message) -> None:
        sent.append(message)

    await app(_build_scope(exchange), receive, collect)
    start, *bodies = sent
    body = b"".join(message.get("body", b"") for message in bodies)
    return _hide_random_id(exchange, Sent(start["status"], [*start["headers"]], body))


def _hide_random_id(exchange: Exchange, sent: Sent) -> Sent:
    id_ = dict(sent.headers).get(REQUEST_ID.encode(), b"")
    if id_.decode() in exchange.headers.get(REQUEST_ID, ()) or not id_:
        return sent
    headers = [(name, b"random" if value == id_ else value) for name, value in sent.headers]
    return replace(sent, headers=headers, body=sent.body.replace(id_, b"random"))


def _list_messages(exchange: Exchange) -> Iterator[Message]:
    for number, chunk in enumerate(exchange.chunks, 1):
        more = number < len(exchange.chunks) or exchange.is_broken
        yield {"type": "http.request", "body": chunk, "more_body": more}
    if exchange.is_broken:
        yield {"type": "http.disconnect"}


def _build_scope(exchange: Exchange) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": exchange.version,
        "method": exchange.method,
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": urlencode(exchange.parameters).encode(),
        "headers": [(name.encode(), value.encode()) for name, values in exchange.headers.items() for value in values],
        "client": ("192.0.2.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }
