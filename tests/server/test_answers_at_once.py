"""Requests that the server answers without a task look the same on the wire, however they arrive."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from gateway.http.graphql.hot_path import HotPath
from gateway.server.whole_response import CONTROLS, build_head
from tests.graphql.world import open_small_world
from tests.http.server import RunningServer, serve

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


BODY = json.dumps({"query": "{ products(first: 2) { nodes { title } } }"}).encode()
OTHER = json.dumps({"query": "{ orders { nodes { number } } }"}).encode()
QUERY = b"query=%7Bproducts%7Bnodes%7Btitle%7D%7D%7D"
Servers = tuple[RunningServer, RunningServer]


def build_post(*lines: bytes, body: bytes = BODY, version: bytes = b"1.1") -> bytes:
    head = (b"POST /graphql HTTP/" + version, b"host: x", b"x-request-id: 12345678", b"content-type: application/json")
    return b"\r\n".join([*head, b"content-length: %d" % len(body), *lines, b"", body])


def build_get(method: bytes = b"GET", *lines: bytes) -> bytes:
    return b"\r\n".join(
        [method + b" /graphql?" + QUERY + b" HTTP/1.1", b"host: x", b"x-request-id: 12345678", *lines, b"", b""]
    )


CLOSE = b"connection: close"
EXCHANGES: dict[str, Sequence[bytes]] = {
    "a POST": [build_post(CLOSE)],
    "a GET": [build_get(b"GET", CLOSE)],
    "a HEAD": [build_get(b"HEAD", CLOSE)],
    "HTTP/1.0": [build_post(version=b"1.0")],
    "one after the other": [build_post(), build_get(), build_post(CLOSE)],
    "pipelined": [build_post() * 5 + build_get() + build_post(body=OTHER) + build_get() + build_post(CLOSE)],
    "pipelined behind a slow one": [build_post(body=OTHER) + build_post() * 3 + build_post(CLOSE)],
    "more after the last": [build_post(CLOSE) + build_post()],
    "in parts": [build_post()[:40], build_post()[40:-9], build_post()[-9:] + build_post(CLOSE)],
    "after 100": [build_post(b"expect: 100-continue", CLOSE)],
    "an upgrade": [build_post(b"connection: upgrade", b"upgrade: h2c") + build_post(CLOSE)],
    "chunked": [
        build_post(b"transfer-encoding: chunked", CLOSE, body=b"").replace(b"content-length: 0\r\n", b"")
        + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    ],
    "gzip and zstd": [build_post(b"accept-encoding: gzip"), build_post(b"accept-encoding: zstd", CLOSE)],
}


@pytest.fixture(scope="module")
async def servers(shared_database_url: str) -> AsyncIterator[Servers]:
    async with (
        open_small_world(shared_database_url) as world,
        serve(world.gateway) as hot,
        serve(world.gateway, has_hot_path=False) as ordinary,
    ):
        for server in (hot, ordinary):
            for _ in range(3):
                await send_parts(server, [build_post(), build_get(b"GET", CLOSE)])
        yield hot, ordinary


async def send_parts(server: RunningServer, parts: Sequence[bytes]) -> bytes:
    """Send a connection's requests, part by part, and return all that the server sends until it closes."""
    async with server.connect() as line:
        for part in parts:
            await line.send(part)
        return re.sub(rb"date: [^\r]+", b"date: now", await line.is_closed())


def get_hot_path(server: RunningServer) -> HotPath:
    app: Any = server.server.config.app
    assert isinstance(app, HotPath)
    return app


@pytest.mark.parametrize("name", EXCHANGES)
async def test_what_is_answered_at_once_is_the_same_on_the_wire(servers: Servers, name: str) -> None:
    sent, expected = [await send_parts(server, EXCHANGES[name]) for server in servers]
    assert sent == expected
    assert sent.count(b"HTTP/1.1 200 OK") >= 1


async def test_no_task_is_created_for_what_is_answered_at_once(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    hot = get_hot_path(servers[0])
    answered = hot.answered

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("gateway.server.connection.WholeResponse", fail)
    assert (await send_parts(servers[0], [build_post() * 3 + build_post(CLOSE)])).count(b"HTTP/1.1 200 OK") == 4
    assert hot.answered == answered + 4


async def test_an_error_of_the_hot_path_is_no_error_of_the_connection(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ArithmeticError

    expected = await send_parts(servers[1], EXCHANGES["one after the other"])
    monkeypatch.setattr(get_hot_path(servers[0])._admission, "admit_at_once", fail)
    assert await send_parts(servers[0], EXCHANGES["one after the other"]) == expected
    assert {record.message for record in caplog.records} == {"the hot path failed"}


@pytest.mark.parametrize("control", CONTROLS)
def test_no_value_of_a_header_can_end_it(control: int) -> None:
    headers = [(b"etag", b"a%cb" % control), (b"content-length", b"1")]
    assert build_head(200, [], headers, 1, is_open=True) is None


def test_what_says_something_about_the_connection_is_left_to_uvicorn() -> None:
    plain = [(b"content-length", b"1"), (b"etag", b"a")]
    assert build_head(200, [], plain, 1, is_open=True) == b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\netag: a\r\n\r\n"
    for other in [(b"connection", b"close"), (b"transfer-encoding", b"chunked"), (b"etag", b"b"), (b"x y", b"")]:
        assert build_head(200, [], [*plain, other], 1, is_open=True) is None
    assert build_head(200, [], plain, 2, is_open=True) is None
    assert build_head(200, [], plain[1:], 1, is_open=True) is None
