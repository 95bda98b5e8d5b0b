"""Graceful shutdown: the server reports that it is not ready, answers what it has begun, and exits within a bounded
time.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator

import pytest

from gateway.sdk.testing.fault_injection import Barrier
from tests.graphql.world import World, open_small_world
from tests.http.blocked_channel import PATIENT, BlockedChannel
from tests.http.server import POST, RunningServer, serve, wait_until
from tests.http.test_cancellation import build_live_query

pytestmark = pytest.mark.anyio

READY = b"GET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
async def retailer(database_url: str) -> AsyncIterator[World]:
    server = {"linger": "300ms", "drain": "1s"}
    async with open_small_world(database_url, channels=PATIENT, server=server) as world:
        world.clock.forward(seconds=60)
        yield world


@pytest.fixture
async def server(retailer: World) -> AsyncIterator[RunningServer]:
    async with serve(retailer.gateway) as found:
        yield found


def request_shutdown(server: RunningServer) -> None:
    server.server.handle_exit(signal.SIGTERM, None)


async def test_first_it_is_not_ready_and_still_answers(retailer: World, server: RunningServer) -> None:
    async with server.connect() as line:
        await line.send(READY)
        assert (await line.answer())[0] == 200
        request_shutdown(server)
        await line.send(READY)
        status, body = await line.answer()
        assert (status, json.loads(body)) == (503, {"status": "leaving"})
        await line.is_closed()
    async with server.connect() as line:
        await line.send(POST)
        assert b"connection: close" in await line.is_closed()


async def test_what_is_being_answered_is_answered_to_the_end(retailer: World, server: RunningServer) -> None:
    barrier = Barrier()
    with retailer.stores["till"].under(barrier, feed="stock"):
        async with server.connect() as line, server.connect() as idle:
            await line.send(await build_live_query(retailer))
            await barrier.reached.wait()
            request_shutdown(server)
            assert await idle.is_closed() == b""
            barrier.open()
            status, body = await line.answer()
            assert (status, json.loads(body)["data"]["stocks"][0]["available"]) == (200, 41)
            await line.is_closed()
    with pytest.raises(ConnectionError):
        async with server.connect():
            pass


async def test_it_does_not_wait_for_ever(
    retailer: World, server: RunningServer, caplog: pytest.LogCaptureFixture
) -> None:
    held = BlockedChannel()
    with retailer.stores["till"].under(held, feed="stock"):
        async with server.connect() as line:
            await line.send(await build_live_query(retailer))
            await held.reached.wait()
            request_shutdown(server)
            await asyncio.wait_for(held.left.wait(), 5)
    await wait_until(lambda: not server.server.server_state.tasks)


async def test_a_second_signal_makes_it_short(server: RunningServer) -> None:
    request_shutdown(server)
    request_shutdown(server)
    assert server.server.should_exit
