"""A server that is told to end: it says so first, answers what it has begun, and is gone after a bounded time."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator

import pytest

from gateway.sdk.testing.faults import Gate
from tests.graphql.world import World, small_world
from tests.http.held import PATIENT, Held
from tests.http.served import POST, Served, serving, until
from tests.http.test_cancellation import live

pytestmark = pytest.mark.anyio

READY = b"GET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
async def retailer(database_url: str) -> AsyncIterator[World]:
    server = {"linger": "300ms", "drain": "1s"}
    async with small_world(database_url, channels=PATIENT, server=server) as world:
        world.clock.forward(seconds=60)
        yield world


@pytest.fixture
async def here(retailer: World) -> AsyncIterator[Served]:
    async with serving(retailer.gateway) as found:
        yield found


def told_to_end(here: Served) -> None:
    here.server.handle_exit(signal.SIGTERM, None)


async def test_first_it_is_not_ready_and_still_answers(retailer: World, here: Served) -> None:
    async with here.connected() as line:
        await line.send(READY)
        assert (await line.answer())[0] == 200
        told_to_end(here)
        await line.send(READY)
        status, body = await line.answer()
        assert (status, json.loads(body)) == (503, {"status": "leaving"})
        await line.is_closed()
    async with here.connected() as line:
        await line.send(POST)
        assert b"connection: close" in await line.is_closed()


async def test_what_is_being_answered_is_answered_to_the_end(retailer: World, here: Served) -> None:
    gate = Gate()
    with retailer.stores["till"].under(gate, feed="stock"):
        async with here.connected() as line, here.connected() as idle:
            await line.send(await live(retailer))
            await gate.reached.wait()
            told_to_end(here)
            assert await idle.is_closed() == b""
            gate.open()
            status, body = await line.answer()
            assert (status, json.loads(body)["data"]["stocks"][0]["available"]) == (200, 41)
            await line.is_closed()
    with pytest.raises(ConnectionError):
        async with here.connected():
            pass


async def test_it_does_not_wait_for_ever(retailer: World, here: Served, caplog: pytest.LogCaptureFixture) -> None:
    held = Held()
    with retailer.stores["till"].under(held, feed="stock"):
        async with here.connected() as line:
            await line.send(await live(retailer))
            await held.reached.wait()
            told_to_end(here)
            await asyncio.wait_for(held.left.wait(), 5)
    await until(lambda: not here.server.server_state.tasks)


async def test_a_second_signal_makes_it_short(here: Served) -> None:
    told_to_end(here)
    told_to_end(here)
    assert here.server.should_exit
