"""Clients that disconnect: channel calls of a query are canceled, a mutation is carried through."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from typing import Any

import pytest

from gateway.http.admission.fair_queue import AdmissionQueue
from gateway.http.graphql import operation_policy
from gateway.sdk.testing.fault_injection import Barrier
from gateway.storage.sqlite_backend import READERS
from tests.conftest import DATABASES
from tests.graphql.mutation_documents import build_document
from tests.graphql.shopper import TRUSTING, Shopper, build_stores, make_key
from tests.graphql.test_stock import LIVE, fetch_variant_id
from tests.graphql.world import ADMIN, STAFF, World, open_small_world, open_world
from tests.http.blocked_channel import PATIENT, BlockedChannel, build_post_message, build_query_message
from tests.http.server import RawConnection, RunningServer, serve, wait_until

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]


@pytest.fixture(scope="module", params=DATABASES)
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def retailer(database_url: str) -> AsyncIterator[World]:
    async with open_small_world(
        database_url, channels=PATIENT, limits={"deadline": "20s", "queue_timeout": "20s"}
    ) as world:
        world.clock.forward(seconds=60)
        yield world


@pytest.fixture
async def server(retailer: World) -> AsyncIterator[RunningServer]:
    async with serve(retailer.gateway) as found:
        yield found


async def build_live_query(world: World) -> bytes:
    """A query that asks the till."""
    return build_query_message(LIVE, STAFF, ids=[await fetch_variant_id(world, "MUG")], age=1)


async def test_a_client_that_leaves_ends_what_its_query_asks_of_a_channel(
    retailer: World, server: RunningServer
) -> None:
    asks, held = await build_live_query(retailer), BlockedChannel()
    with retailer.stores["till"].under(held, feed="stock"):
        async with server.connect() as line:
            await line.send(asks)
            await held.reached.wait()
        await asyncio.wait_for(held.left.wait(), 5)
    await wait_until(lambda: server.connections == 0)


async def test_who_leaves_with_more_on_the_way_ends_it_as_well(retailer: World, server: RunningServer) -> None:
    asks, held = await build_live_query(retailer), BlockedChannel()
    with retailer.stores["till"].under(held, feed="stock"):
        async with server.connect() as line:
            await line.send(asks + build_query_message("{ __typename }"))
            await held.reached.wait()
        await asyncio.wait_for(held.left.wait(), 5)
    await wait_until(lambda: server.connections == 0 and not server.server.server_state.tasks)


async def test_it_ends_within_a_tenth_of_a_second(retailer: World, server: RunningServer) -> None:
    """Best of three, since the machine may be busy."""
    asks = await build_live_query(retailer)
    took = [await measure_cancellation(retailer, server, asks) for _ in range(3)]
    assert min(took) < 0.1


async def measure_cancellation(world: World, server: RunningServer, asks: bytes) -> float:
    """Measure the seconds from the disconnect of a client to the end of the channel call of its query."""
    held = BlockedChannel()
    with world.stores["till"].under(held, feed="stock"):
        async with server.connect() as line:
            await line.send(asks)
            await held.reached.wait()
            abort(line)
            left_at = time.perf_counter()
            await asyncio.wait_for(held.left.wait(), 5)
    return time.perf_counter() - left_at


async def test_a_client_that_disconnects_while_it_is_queued_leaves_the_queue(
    retailer: World, server: RunningServer
) -> None:
    queue = get_queue(server)
    queue.acquire("other")
    async with server.connect() as line:
        await line.send(build_query_message("{ __typename }"))
        await wait_until(lambda: queue._queued == 1)
        abort(line)
        await wait_until(lambda: queue._queued == 0)
    queue.release("other")
    assert queue.is_idle


async def test_of_a_batch_whose_client_has_left_nothing_more_is_begun(database_url: str) -> None:
    held, limits = BlockedChannel(), {"batching": 2}
    async with open_small_world(database_url, channels=PATIENT, server=limits) as world, serve(world.gateway) as server:
        ids = [[await fetch_variant_id(world, sku)] for sku in ("MUG", "TEE-R")]
        world.clock.forward(seconds=60)
        with world.stores["till"].under(held, feed="stock"):
            async with server.connect() as line:
                await line.send(
                    build_post_message([{"query": LIVE, "variables": {"ids": one, "age": 1}} for one in ids], STAFF)
                )
                await held.reached.wait()
                abort(line)
                await wait_until(lambda: not server.server.server_state.tasks)
    assert held.times == 1


async def test_who_wants_the_same_is_answered_although_the_first_has_left(
    retailer: World, server: RunningServer
) -> None:
    asks, barrier = await build_live_query(retailer), Barrier()
    with retailer.stores["till"].under(barrier, feed="stock"):
        async with server.connect() as second:
            async with server.connect() as first:
                await first.send(asks)
                await barrier.reached.wait()
                await second.send(asks)
                await wait_until(lambda: count_waiters(retailer) == [2])
            await wait_until(lambda: count_waiters(retailer) == [1])
            barrier.open()
            status, body = await second.answer()
    assert (status, json.loads(body)["data"]["stocks"][0]["available"]) == (200, 41)
    assert [call.method for call in retailer.stores["till"].calls].count("fetch") == 1


def count_waiters(world: World) -> list[int]:
    """Count the waiters of each live read."""
    return [read.waiters for read in world.gateway.live_reads._in_flight.values()]


async def test_without_a_watch_the_channel_would_be_asked_to_the_end(
    retailer: World, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the tests above can fail."""
    monkeypatch.setattr(operation_policy.OperationPolicy, "limit_execution", lambda *_: nullcontext())
    asks, held = await build_live_query(retailer), BlockedChannel()
    with retailer.stores["till"].under(held, feed="stock"):
        async with server.connect() as line:
            await line.send(asks)
            await held.reached.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(held.left.wait(), 0.3)
    for reading in retailer.gateway.live_reads._in_flight.values():
        reading.task.cancel()


async def test_a_query_that_takes_longer_than_it_may_is_given_up_and_says_so(database_url: str) -> None:
    held = BlockedChannel()
    async with open_small_world(database_url, channels=PATIENT, limits={"deadline": "3s"}) as world:
        mug = await fetch_variant_id(world, "MUG")
        world.clock.forward(seconds=60)
        with world.stores["till"].under(held, feed="stock"):
            answer = await world.client.ask(LIVE, STAFF, ids=[mug], age=1)
            await asyncio.wait_for(held.left.wait(), 5)
    assert (answer.status, answer.codes, list(answer.body)) == (400, ["DEADLINE_EXCEEDED"], ["errors"])


class RecordingShopper(Shopper):
    """Records the request for an order instead of sending it."""

    request: Mapping[str, Any] = {}

    async def ask(self, name: str, *, by: str | None = None, **given: Any) -> dict[str, Any]:
        if name != "orderPlace":
            return await super().ask(name, by=by, **given)
        self.request = given
        return {}


async def test_a_mutation_that_has_begun_is_carried_through(database_url: str) -> None:
    barrier = Barrier()
    tables = {**TRUSTING, "limits": {"deadline": "5s"}}
    async with open_world(database_url, build_stores(), **tables) as world, serve(world.gateway) as server:
        shopper = RecordingShopper(world)
        await shopper.fill("web", TEE_B=1)
        await shopper.submit(await shopper.find_option("SHIPPING", "depot"))
        with world.stores["web"].under(barrier, method="send"):
            async with server.connect() as line:
                await line.send(
                    build_query_message(
                        build_document("orderPlace"), input={"idempotencyKey": make_key(), **shopper.request}
                    )
                )
                await barrier.reached.wait()
            await wait_until(lambda: server.connections == 0)
            barrier.open()
            await wait_until(lambda: not server.server.server_state.tasks)
        query = '{ orders(filter: {channelKeys: ["web"]}) { nodes { status } } }'
        found = (await world.client.fetch_data(query, ADMIN))["orders"]["nodes"]
        assert [order["status"] for order in found if order["status"] == "PENDING"] == []


@pytest.mark.parametrize("times", [100, pytest.param(1_000, marks=pytest.mark.long)])
async def test_clients_that_leave_leave_nothing_behind(retailer: World, server: RunningServer, times: int) -> None:
    asks, held = await build_live_query(retailer), BlockedChannel()
    page = build_query_message(
        "{ products(first: 100) { nodes { title variants(first: 5) { nodes { stock { available } } } } } }"
    )
    before = asyncio.all_tasks()
    with retailer.stores["till"].under(held, feed="stock"):
        for begun in range(0, times, 25):
            numbers = range(begun, begun + 25)
            await asyncio.gather(*(abort_request(server, asks if number % 2 else page, number) for number in numbers))
        await wait_until(lambda: server.connections == 0 and not server.server.server_state.tasks)
    await wait_until(lambda: asyncio.all_tasks() <= before)
    await use_all_connections(retailer)  # the statement in a thread ends by itself
    assert count_sockets(server.port) == 1, "the one that listens"
    assert retailer.gateway.live_reads._in_flight == {}
    assert get_queue(server).is_idle
    async with server.connect() as line:
        await line.send(build_query_message("{ __typename }"))
        assert (await line.answer())[0] == 200


async def abort_request(server: RunningServer, asks: bytes, number: int) -> None:
    """Send a query and disconnect at once or a little later."""
    async with server.connect() as line:
        await line.send(asks)
        for _ in range(number % 7):
            await asyncio.sleep(0)
        abort(line)


def abort(line: RawConnection) -> None:
    line.writer.transport.abort()


def count_sockets(port: int) -> int:
    """Count the sockets of this process on the server side."""
    numbers = [int(name) for name in os.listdir("/dev/fd")]
    return sum(get_port(number) == port for number in numbers)


def get_port(number: int) -> int | None:
    """Return the local port of an open socket, or None for other files and sockets."""
    with contextlib.suppress(OSError):  # the directory that was just listed is closed again
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            with socket.socket(fileno=os.dup(number)) as one:
                return int(one.getsockname()[1]) if one.family in (socket.AF_INET, socket.AF_INET6) else None
    return None


def get_queue(server: RunningServer) -> AdmissionQueue:
    """Return the admission queue of the server."""
    app: Any = server.server.config.app
    found: AdmissionQueue = app._admission._queue
    return found


async def use_all_connections(world: World) -> None:
    """Wait until no connection of the database is in use; on SQLite, until all its readers read at once."""
    database = world.gateway.database
    engines = [getattr(database._backend, name) for name in ("_writing", "_engine") if hasattr(database._backend, name)]
    await wait_until(lambda: not any(engine.pool.checkedout() for engine in engines))
    if database.dialect == "sqlite":
        meeting = threading.Barrier(READERS)
        await asyncio.gather(*(database.read(lambda _: meeting.wait(10)) for _ in range(READERS)))
