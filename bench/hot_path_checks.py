"""The CPU time of each check of a request that is answered from the response cache, before the framework."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from statistics import median

import orjson
from starlette.types import Message, Receive, Scope

from bench.asgi_gateway import open_goods_gateway
from bench.databases import create_databases
from bench.http_client import LIST
from bench.socket_server import CHANNELS, LIMITS, READER, RENDERED_AND_RESPONSES, TOKENS
from bench.synthetic_channel import Goods
from gateway.app import create_app
from gateway.execution.response import build_cached_response
from gateway.http.graphql.hot_path import HotPath
from gateway.http.request_state import open_state
from gateway.http.responses import respond_at_once
from gateway.runtime.gateway import Gateway
from gateway.server.whole_response import build_head
from gateway.storage.sqlite_backend import SQLiteBackend

ROUNDS, REPEATED = 30, 300
BODY = orjson.dumps({"query": LIST, "variables": {"first": 20}})
DATE = [(b"date", b"Mon, 30 Nov 2026 12:00:00 GMT")]


async def measure(*, products: int) -> dict[str, float]:
    """Measure each check, in CPU microseconds of this process, in turn with the others."""
    goods = Goods(products=products, seed=1, sizes=3)
    channels = {key: {"plugin": "goods", "sells_to": "anyone"} for key in CHANNELS}
    tables = {**LIMITS, **TOKENS, "channels": channels, "server": {"caching": RENDERED_AND_RESPONSES}}
    async with create_databases("sqlite") as (url, _), open_goods_gateway(url, goods, **tables) as gateway:
        await gateway.run_due()
        hot = create_app(gateway)
        assert isinstance(hot, HotPath)
        await _warm_up(hot)
        return _measure(list_checks(hot, gateway))


async def _warm_up(hot: HotPath) -> None:
    async def send(_message: object) -> None:
        """Nothing is sent."""

    for _ in range(4):
        await hot(_build_scope(), _build_receive(), send)
    assert hot.answered > 0


def _build_receive() -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": BODY, "more_body": False}]

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()  # the client stays connected
        return messages.pop()

    return receive


def list_checks(hot: HotPath, gateway: Gateway) -> dict[str, Callable[[], object]]:
    """List the checks, with functions that repeat them."""
    scope, known = _build_scope(), _build_scope((b"authorization", f"Bearer {READER}".encode()))
    state, head, request = open_state(scope), hot._heads.read(scope), hot._posted.find(BODY)
    assert head is not None
    assert request is not None
    assert hot._admission.admit_at_once(scope, state)
    found = hot._ready.look_up_at_once(request, state.client.caller, by_get=False)
    assert found is not None
    response = respond_at_once(build_cached_response(found.response), head.format, state.headers)
    identifier, resolver, backend = hot._admission._identifier, hot._ready.resolver, gateway.database._backend
    assert isinstance(backend, SQLiteBackend)
    return {
        "host, media type, encoding, origin": lambda: hot._heads.read(scope),
        "request id": lambda: open_state({"headers": scope["headers"]}),
        "client without a token": lambda: identifier.identify_at_once(scope),
        "client with a token": lambda: identifier.identify_at_once(known),
        "client, exhausted rate, overload": lambda: hot._admission.admit_at_once(scope, state),
        "request by its bytes": lambda: hot._posted.find(BODY),
        "document": lambda: resolver.find_known(request, state.client.caller),
        "freshness, once for all requests that arrive together": backend._compare_version,
        "document, response": lambda: hot._ready.look_up_at_once(request, state.client.caller, by_get=False),
        "cost, rate, variables": lambda: hot._ready.check_at_once(request, state, found),
        "response with its headers": lambda: respond_at_once(
            build_cached_response(found.response), head.format, state.headers
        ),
        "head of the response in bytes": lambda: build_head(
            200, DATE, response.raw_headers, len(response.body), is_open=True
        ),
        "all but the head in bytes": lambda: hot.answer_at_once(_build_scope(), BODY),
    }


def _measure(checks: dict[str, Callable[[], object]]) -> dict[str, float]:
    rounds: dict[str, list[float]] = {name: [] for name in checks}
    for _ in range(1 + ROUNDS):
        for name, check in checks.items():
            begun = time.process_time()
            for _ in range(REPEATED):
                check()
            rounds[name].append((time.process_time() - begun) / REPEATED * 1e6)
    return {name: median(measured[1:]) for name, measured in rounds.items()}


def _build_scope(*more: tuple[bytes, bytes]) -> Scope:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(BODY)),
        (b"host", b"gateway"),
        (b"accept", b"application/graphql-response+json"),
        (b"x-forwarded-for", b"192.0.2.7"),
        *more,
    ]
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "state": {},
    }
