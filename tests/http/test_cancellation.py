"""Clients that leave: what a query asks of channels ends with them, and a mutation is carried through."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import nullcontext
from typing import Any

import pytest
from sqlalchemy import QueuePool

from gateway.http import guard
from gateway.http.gate import Gate as Places
from gateway.sdk.testing.faults import Gate
from tests.conftest import DATABASES
from tests.graphql.buying import TABLES, Shopper, key, stores
from tests.graphql.mutating import document
from tests.graphql.test_stock import LIVE, variant_id
from tests.graphql.world import ADMIN, STAFF, World, opened, small_world
from tests.http.held import PATIENT, Held, message, posted
from tests.http.served import Line, Served, serving, until

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", params=DATABASES)
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def retailer(database_url: str) -> AsyncIterator[World]:
    async with small_world(database_url, channels=PATIENT, limits={"deadline": "20s", "crowd_waits": "20s"}) as world:
        world.clock.forward(seconds=60)
        yield world


@pytest.fixture
async def here(retailer: World) -> AsyncIterator[Served]:
    async with serving(retailer.gateway) as found:
        yield found


async def live(world: World) -> bytes:
    """A query that asks the till."""
    return message(LIVE, STAFF, ids=[await variant_id(world, "MUG")], age=1)


async def test_a_client_that_leaves_ends_what_its_query_asks_of_a_channel(retailer: World, here: Served) -> None:
    asks, held = await live(retailer), Held()
    with retailer.stores["till"].under(held, feed="stock"):
        async with here.connected() as line:
            await line.send(asks)
            await held.reached.wait()
        await asyncio.wait_for(held.left.wait(), 5)
    await until(lambda: here.connections == 0)


async def test_who_leaves_with_more_on_the_way_ends_it_as_well(retailer: World, here: Served) -> None:
    asks, held = await live(retailer), Held()
    with retailer.stores["till"].under(held, feed="stock"):
        async with here.connected() as line:
            await line.send(asks + message("{ __typename }"))
            await held.reached.wait()
        await asyncio.wait_for(held.left.wait(), 5)
    await until(lambda: here.connections == 0 and not here.server.server_state.tasks)


async def test_it_ends_within_a_tenth_of_a_second(retailer: World, here: Served) -> None:
    """In the best of three: the machine has other things to do."""
    asks = await live(retailer)
    took = [await seconds_to_end(retailer, here, asks) for _ in range(3)]
    assert min(took) < 0.1


async def seconds_to_end(world: World, here: Served, asks: bytes) -> float:
    """From a client's leaving to the end of what its query asks of a channel."""
    held = Held()
    with world.stores["till"].under(held, feed="stock"):
        async with here.connected() as line:
            await line.send(asks)
            await held.reached.wait()
            abort(line)
            left_at = time.perf_counter()
            await asyncio.wait_for(held.left.wait(), 5)
    return time.perf_counter() - left_at


async def test_who_leaves_while_she_waits_for_her_turn_waits_no_longer(retailer: World, here: Served) -> None:
    gate = gate_of(here)
    gate.take("somebody")
    async with here.connected() as line:
        await line.send(message("{ __typename }"))
        await until(lambda: gate._waiting == 1)
        abort(line)
        await until(lambda: gate._waiting == 0)
    gate.leave("somebody")
    assert gate.is_idle


async def test_of_a_batch_whose_client_has_left_nothing_more_is_begun(database_url: str) -> None:
    held, server = Held(), {"batching": 2}
    async with small_world(database_url, channels=PATIENT, server=server) as world, serving(world.gateway) as here:
        ids = [[await variant_id(world, sku)] for sku in ("MUG", "TEE-R")]
        world.clock.forward(seconds=60)
        with world.stores["till"].under(held, feed="stock"):
            async with here.connected() as line:
                await line.send(posted([{"query": LIVE, "variables": {"ids": one, "age": 1}} for one in ids], STAFF))
                await held.reached.wait()
                abort(line)
                await until(lambda: not here.server.server_state.tasks)
    assert held.times == 1


async def test_who_wants_the_same_is_answered_although_the_first_has_left(retailer: World, here: Served) -> None:
    asks, gate = await live(retailer), Gate()
    with retailer.stores["till"].under(gate, feed="stock"):
        async with here.connected() as second:
            async with here.connected() as first:
                await first.send(asks)
                await gate.reached.wait()
                await second.send(asks)
                await until(lambda: wanted_by(retailer) == [2])
            await until(lambda: wanted_by(retailer) == [1])
            gate.open()
            status, body = await second.answer()
    assert (status, json.loads(body)["data"]["stocks"][0]["available"]) == (200, 41)
    assert [call.method for call in retailer.stores["till"].calls].count("fetch") == 1


def wanted_by(world: World) -> list[int]:
    """For how many each live read goes on."""
    return [one.wanted_by for one in world.gateway._refreshing.values()]


async def test_without_a_watch_the_channel_would_be_asked_to_the_end(
    retailer: World, here: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof that the tests above can fail."""
    monkeypatch.setattr(guard.Guard, "watch", lambda *_: nullcontext())
    asks, held = await live(retailer), Held()
    with retailer.stores["till"].under(held, feed="stock"):
        async with here.connected() as line:
            await line.send(asks)
            await held.reached.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(held.left.wait(), 0.3)
    for reading in retailer.gateway._refreshing.values():
        reading.task.cancel()


async def test_a_query_that_takes_longer_than_it_may_is_given_up_and_says_so(database_url: str) -> None:
    held = Held()
    async with small_world(database_url, channels=PATIENT, limits={"deadline": "1s"}) as world:
        mug = await variant_id(world, "MUG")
        world.clock.forward(seconds=60)
        with world.stores["till"].under(held, feed="stock"):
            answer = await world.client.ask(LIVE, STAFF, ids=[mug], age=1)
            await asyncio.wait_for(held.left.wait(), 5)
    assert (answer.status, answer.codes, list(answer.body)) == (400, ["DEADLINE_EXCEEDED"], ["errors"])


class Deciding(Shopper):
    """Knows what she would order, and does not."""

    wish: Mapping[str, Any] = {}

    async def ask(self, name: str, *, by: str | None = None, **given: Any) -> dict[str, Any]:
        if name != "orderPlace":
            return await super().ask(name, by=by, **given)
        self.wish = given
        return {}


async def test_a_mutation_that_has_begun_is_carried_through(database_url: str) -> None:
    gate = Gate()
    tables = {**TABLES, "limits": {"deadline": "5s"}}
    async with opened(database_url, stores(), **tables) as world, serving(world.gateway) as here:
        shopper = Deciding(world)
        await shopper.fill("web", TEE_B=1)
        await shopper.buy(await shopper.option("SHIPPING", "depot"))
        with world.stores["web"].under(gate, method="send"):
            async with here.connected() as line:
                await line.send(message(document("orderPlace"), input={"idempotencyKey": key(), **shopper.wish}))
                await gate.reached.wait()
            await until(lambda: here.connections == 0)
            gate.open()
            await until(lambda: not here.server.server_state.tasks)
        query = '{ orders(filter: {channelKeys: ["web"]}) { nodes { status } } }'
        found = (await world.client.data(query, ADMIN))["orders"]["nodes"]
        assert [order["status"] for order in found if order["status"] == "PENDING"] == []


@pytest.mark.parametrize("times", [100, pytest.param(1_000, marks=pytest.mark.long)])
async def test_clients_that_leave_leave_nothing_behind(retailer: World, here: Served, times: int) -> None:
    asks, held = await live(retailer), Held()
    page = message("{ products(first: 100) { nodes { title variants(first: 5) { nodes { stock { available } } } } } }")
    before = asyncio.all_tasks()
    with retailer.stores["till"].under(held, feed="stock"):
        for begun in range(0, times, 25):
            numbers = range(begun, begun + 25)
            await asyncio.gather(*(aborted(here, asks if number % 2 else page, number) for number in numbers))
        await until(lambda: here.connections == 0 and not here.server.server_state.tasks)
    await until(lambda: asyncio.all_tasks() <= before)
    await until(lambda: not any(pool.checkedout() for pool in pools(retailer)))  # a thread's statement ends by itself
    assert sockets_at(here.port) == 1, "the one that listens"
    assert retailer.gateway._refreshing == {}
    assert gate_of(here).is_idle
    async with here.connected() as line:
        await line.send(message("{ __typename }"))
        assert (await line.answer())[0] == 200


async def aborted(here: Served, asks: bytes, number: int) -> None:
    """Asked, and left at once or a little later."""
    async with here.connected() as line:
        await line.send(asks)
        for _ in range(number % 7):
            await asyncio.sleep(0)
        abort(line)


def abort(line: Line) -> None:
    line.writer.transport.abort()


def sockets_at(port: int) -> int:
    """Sockets of this process at the server's end."""
    numbers = [int(name) for name in os.listdir("/dev/fd")]
    return sum(port_of(number) == port for number in numbers)


def port_of(number: int) -> int | None:
    """The own port of an open socket; None: it is none, or none of the network."""
    with contextlib.suppress(OSError):  # the folder that was just listed is closed again
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            with socket.socket(fileno=os.dup(number)) as one:
                return int(one.getsockname()[1]) if one.family in (socket.AF_INET, socket.AF_INET6) else None
    return None


def gate_of(here: Served) -> Places:
    """Where requests wait for their turns."""
    app: Any = here.server.config.app
    found: Places = app._app._gate
    return found


def pools(world: World) -> Iterable[QueuePool]:
    """The connections to the database."""
    runner: Any = world.gateway.database._runner
    engines = [getattr(runner, name) for name in ("_reading", "_writing", "_engine") if hasattr(runner, name)]
    return [engine.pool for engine in engines]
