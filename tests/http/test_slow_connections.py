"""Deliberately slow clients are disconnected without an effect on other clients."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.server import connection
from tests.graphql.world import World, open_world
from tests.http.raw_client import EMPTY
from tests.http.server import POST, QUERY, RunningServer, serve, wait_until

pytestmark = pytest.mark.anyio

HALF = b"POST /graphql HTTP/1.1\r\nhost: x\r\nx-slow: "
LONG = 1000.0


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


@pytest.fixture(scope="module")
async def world(shared_database_url: str) -> AsyncIterator[World]:
    async with open_world(shared_database_url, {}, **EMPTY) as world:
        yield world


@pytest.fixture
async def server(world: World) -> AsyncIterator[RunningServer]:
    async with serve(world.gateway) as found:
        yield found


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT", 0.1)
    monkeypatch.setattr(connection, "STALL_TIMEOUT", 0.1)


async def test_half_sent_headers_block_no_other_client(server: RunningServer) -> None:
    async with contextlib.AsyncExitStack() as lines:
        for _ in range(200):
            slow = await lines.enter_async_context(server.connect())
            await slow.send(HALF)
        await wait_until(lambda: server.connections == 200)
        async with server.connect() as line:
            await line.send(POST)
            assert (await line.answer())[0] == 200


@pytest.mark.usefixtures("hurried")
async def test_half_sent_headers_are_given_up(server: RunningServer) -> None:
    async with server.connect() as line:
        await line.send(HALF)
        assert (await line.is_closed()).startswith(b"HTTP/1.1 408 ")
    await wait_until(lambda: server.connections == 0)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("sent", [b"", b"\r\n", POST, POST + b"\r\n", POST + HALF])
async def test_who_says_nothing_more_is_let_go(server: RunningServer, sent: bytes) -> None:
    async with server.connect() as line:
        await line.send(sent)
        if sent.startswith(POST):
            assert (await line.answer())[0] == 200
        await line.send(b"\r\n")
        if sent == POST:
            server.server.config.timeout_keep_alive = 0
        await line.is_closed()
    await wait_until(lambda: server.connections == 0)


@pytest.mark.usefixtures("hurried")
async def test_headers_that_come_byte_by_byte_are_given_up_too(server: RunningServer) -> None:
    async with server.connect() as line:
        closed = asyncio.create_task(line.is_closed())
        while not closed.done():
            with contextlib.suppress(ConnectionError):
                await line.send(b"P")
            await asyncio.sleep(0.01)
    await wait_until(lambda: server.connections == 0)


async def test_without_the_deadline_they_would_stay(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proof that the tests above can fail."""
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT", LONG)
    async with server.connect() as line:
        await line.send(HALF)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await line.is_closed()


async def test_headers_without_an_end_are_431(server: RunningServer) -> None:
    async with server.connect() as line:
        with contextlib.suppress(ConnectionError):
            for _ in range(connection.MAX_HEAD_BYTES // 1_000 + 2):
                await line.send(b"GET / HTTP/1.1\r\nx: ", b"y" * 1_000)
        assert b" 431 " in (await line.is_closed())[:20]


@pytest.mark.usefixtures("hurried")
async def test_the_rest_of_a_body_that_was_refused_is_not_waited_for(server: RunningServer) -> None:
    async with server.connect() as line:
        await line.send(b"PUT /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n")
        assert (await line.answer())[0] == 405
        await line.is_closed()


async def test_a_slow_but_steady_client_is_served(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT", 5.0)
    async with server.connect() as line:
        for start in range(0, len(POST), 20):
            await line.send(POST[start : start + 20])
            await asyncio.sleep(0)
        assert (await line.answer())[0] == 200


async def test_requests_in_a_row_are_answered_in_a_row(server: RunningServer) -> None:
    async with server.connect() as line:
        await line.send(POST + POST + POST[:40])
        assert [(await line.answer())[0] for _ in range(2)] == [200, 200]
        await line.send(POST[40:])
        assert await line.answer() == (200, b'{"data":{"__typename":"Query"}}')


async def test_a_large_body_does_not_count_as_part_of_the_next_head(server: RunningServer) -> None:
    large = b" " * (connection.MAX_HEAD_BYTES + 1_000) + QUERY
    head = POST.partition(b"content-length")[0] + b"content-length: %d\r\n\r\n"
    async with server.connect() as line:
        await line.send(head % len(large) + large + POST[:40])
        assert (await line.answer())[0] == 200
        await line.send(POST[40:])
        assert (await line.answer())[0] == 200


@pytest.mark.usefixtures("hurried")
async def test_a_response_that_is_not_read_is_given_up(server: RunningServer) -> None:
    """Many requests on one connection, until all buffers are full."""
    async with server.connect() as line:
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        large = b'{"query":"{ ' + b" ".join(b"%s%d: __typename" % (b"a" * 100, n) for n in range(50)) + b' }"}'
        head = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(8):
                for _ in range(2_000):
                    await line.send(head % len(large) + large)
                    if server.connections == 0:
                        break
        await wait_until(lambda: server.connections == 0)


@pytest.mark.parametrize(("taken", "stays"), [(2_500, False), (400_000, True)])
async def test_a_large_answer_that_is_read_in_crumbs_is_given_up(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, taken: int, stays: bool
) -> None:
    monkeypatch.setattr(connection, "STALL_TIMEOUT", 0.05)
    async with server.connect():
        await wait_until(lambda: server.connections == 1)
        peer: Any = next(iter(server.server.server_state.connections))
        looked: list[int] = []

        def count_unread() -> int:
            looked.append(10_000_000 - taken * len(looked))
            return looked[-1]

        monkeypatch.setattr(peer.transport, "get_write_buffer_size", count_unread)
        peer._watch_reader()
        await wait_until(lambda: len(looked) == 7 or server.connections == 0)
        assert server.connections == stays
        monkeypatch.undo()


async def test_the_last_answers_say_that_the_connection_closes(server: RunningServer) -> None:
    async with server.connect() as line:
        await line.send(POST)
        assert (await line.answer())[0] == 200
        server.server.server_state.is_draining = True
        await line.send(POST)
        assert b"connection: close" in await line.is_closed()


UPGRADE = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\ncontent-type: "
HIDDEN = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"


async def test_a_request_that_would_go_on_in_another_protocol_is_read_like_all_others(server: RunningServer) -> None:
    async with server.connect() as line:
        for _ in range(2):
            await line.send(POST.replace(b"content-type: ", UPGRADE))
            assert await line.answer() == (200, b'{"data":{"__typename":"Query"}}')


async def test_the_body_of_such_a_request_is_never_taken_for_the_next_one(server: RunningServer) -> None:
    """Otherwise the next client of a shared proxy connection would get the response to it."""
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\n%sapplication/json\r\ncontent-length: %d\r\n\r\n"
    async with server.connect() as line:
        await line.send(head % (UPGRADE, len(HIDDEN)))
        await asyncio.sleep(0)
        await line.send(HIDDEN)
        assert (await line.answer())[0] == 400
        await line.send(POST)
        assert await line.answer() == (200, b'{"data":{"__typename":"Query"}}')


@pytest.mark.parametrize("name", [b"authorization", b"x-forwarded-for", b"x-request-id"])
async def test_what_stands_behind_a_body_is_no_header(server: RunningServer, name: bytes) -> None:
    body = b'{"query":"{ __typename }"}'
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    async with server.connect() as line:
        await line.send(head + b"%x\r\n%s\r\n0\r\n%s: behind-it\r\n\r\n" % (len(body), body, name))
        found = await line.reader.readuntil(b"}}")
    assert found.startswith(b"HTTP/1.1 200 ")
    assert b"behind-it" not in found


@pytest.mark.parametrize("head", [b"x-a: " + b"a" * 70_000 + b"\r\n", b"x-a: \r\n" * 201])
async def test_a_head_that_comes_at_once_is_no_larger_than_others(server: RunningServer, head: bytes) -> None:
    async with server.connect() as line:
        await line.send(POST.replace(b"host: x\r\n", b"host: x\r\n" + head))
        assert (await line.is_closed()).startswith(b"HTTP/1.1 431 ")


async def test_who_sends_very_many_requests_ahead_is_cut_off(server: RunningServer) -> None:
    async with server.connect() as line:
        await line.send(HIDDEN * 2_000)
        assert (await line.is_closed()).count(b"HTTP/1.1 200 ") < 2_000
    await wait_until(lambda: server.connections == 0)
