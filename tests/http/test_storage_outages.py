"""The database away, full or out of connections: clients can retry, the log has one line, and nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.runtime.gateway import get_utc_now
from gateway.storage.availability import Availability
from gateway.storage.database import Database
from gateway.storage.errors import StorageUnavailableError
from gateway.storage.postgresql_backend import PoolOptions
from gateway.storage.tables import carts
from tests.conditions import wait_for
from tests.conftest import build_database_url, execute_on_postgres
from tests.graphql.mutation_documents import build_document
from tests.graphql.shopper import TABLES, build_stores, make_key
from tests.graphql.test_stock import fetch_variant_id
from tests.graphql.world import Answer, World, open_world
from tests.outages import ENDLESS, fill_disk, open_proxy

pytestmark = pytest.mark.anyio

PRODUCTS = "{ products { nodes { title } } }"
LOGGER = "gateway.storage.availability"
SOON = 2.0
"""Seconds after which all is as before the outage."""


@contextlib.asynccontextmanager
async def open_background(url: str) -> AsyncIterator[World]:
    """Open a world whose till is polled all the time, by the clock, in the background."""
    channels = {"till": {"every": {"products": "100ms", "stock": "1h"}}, "web": {}}
    tables = {**TABLES, "channels": {key: {**TABLES["channels"][key], **table} for key, table in channels.items()}}
    async with open_world(url, build_stores(), **tables) as world:
        world.gateway.now = get_utc_now
        for sync in world.gateway.channel_syncs.values():
            sync.now = get_utc_now
        running = asyncio.create_task(world.gateway.background.run())
        try:
            yield world
        finally:
            running.cancel()
            await asyncio.wait([running])


async def fetch_readiness(world: World) -> tuple[int, str]:
    response = await world.client.http.get("/health/ready")
    return response.status_code, response.json()["status"]


async def create_cart(world: World, variant_id: str, key: str) -> Answer:
    lines = [{"variantId": variant_id, "quantity": 1}]
    given = {"channelKey": "web", "lines": lines, "idempotencyKey": key}
    return await world.client.ask(build_document("cartCreate"), input=given)


async def wait_for_readiness(world: World) -> float:
    """Wait until the gateway is ready. Returns the seconds that it took."""
    begun = time.monotonic()

    async def is_ready() -> bool:
        return await fetch_readiness(world) == (200, "ready")

    await wait_for(is_ready)
    return time.monotonic() - begun


def read_log(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines of the log, and fail on a traceback or an error."""
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []
    return [record.getMessage() for record in caplog.records if record.name == LOGGER]


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_database_that_is_away_is_reported_once_and_used_again_within_two_seconds(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_proxy(database_url) as (proxy, url), open_background(url) as world:
        tee = await fetch_variant_id(world, "TEE-B")
        assert await fetch_readiness(world) == (200, "ready")
        usual = await measure_request(world)
        await proxy.cut()
        answers = [await world.client.ask(PRODUCTS), await create_cart(world, tee, make_key())]
        unready = await world.client.http.get("/health/ready")
        unknown_token = await world.client.ask(PRODUCTS, "a-token-of-the-database")
        live = await world.client.http.get("/health/live")
        world.stores["till"].change("products", "t-lamp", title="Desk lamp")
        await asyncio.sleep(0.3)  # the loops try, and wait
        await proxy.restore()
        restored_at = time.monotonic()
        await wait_for_readiness(world)
        await wait_for_title(world, "Desk lamp")
        took = time.monotonic() - restored_at
    for answer in (*answers, unknown_token):
        assert (answer.status, answer.codes, "data" in answer.body) == (503, ["STORAGE_UNAVAILABLE"], False)
    assert (unready.status_code, unready.headers["retry-after"]) == (503, "1")
    assert unready.json() == {"status": "storage unavailable"}
    assert live.status_code == 200
    assert took < SOON + 20 * usual  # the machine may be busy
    lines = read_log(caplog)
    assert len(lines) == 2 and "is unavailable: " in lines[0] and "is available again" in lines[1]


async def measure_request(world: World) -> float:
    """Measure the seconds of a request that waits for nothing."""
    begun = time.monotonic()
    assert (await world.client.ask(PRODUCTS)).codes == []
    return time.monotonic() - begun


async def wait_for_title(world: World, title: str) -> None:
    async def is_shown() -> bool:
        return title in str((await world.client.ask(PRODUCTS)).body)

    await wait_for(is_shown)


async def test_a_full_disk_makes_the_gateway_unready_while_reads_are_answered(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_background(database_url) as world:
        tee, key = await fetch_variant_id(world, "TEE-B"), make_key()
        assert await fetch_readiness(world) == (200, "ready")
        async with fill_disk(world.gateway.database):
            refused = await create_cart(world, tee, key)
            unready = await fetch_readiness(world)
            read = await world.client.ask(PRODUCTS)
        took = await wait_for_readiness(world)
        accepted = await create_cart(world, tee, key)
        stored = await world.gateway.database.read(count_carts)
    assert (refused.status, refused.codes) == (503, ["STORAGE_UNAVAILABLE"])
    assert unready == (503, "storage unavailable")
    assert read.data["products"]["nodes"]
    assert took < SOON
    assert accepted.data["cartCreate"]["cart"]["id"] and stored == 1
    lines = read_log(caplog)
    assert len(lines) == 2 and "is unavailable: " in lines[0] and "is available again" in lines[1]


def count_carts(conn: Connection) -> int:
    return conn.scalar(sa.select(sa.func.count()).select_from(carts)) or 0


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_what_was_acknowledged_is_stored_and_a_retry_takes_effect_once(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Clients retry with the same key while the network is cut again and again, at any moment of a transaction."""
    randomness, keys = random.Random(1), [make_key() for _ in range(24)]
    async with open_proxy(database_url) as (proxy, url), open_world(url, build_stores(), **TABLES) as world:
        tee = await fetch_variant_id(world, "TEE-B")

        async def create_repeatedly(key: str) -> str:
            while (answer := await create_cart(world, tee, key)).status == 503:  # noqa: ASYNC110 as a client retries
                await asyncio.sleep(randomness.uniform(0.01, 0.05))
            return str(answer.data["cartCreate"]["cart"]["id"])

        async def cut_repeatedly() -> None:
            for _ in range(8):
                await asyncio.sleep(randomness.uniform(0.01, 0.06))
                await proxy.cut()
                await asyncio.sleep(randomness.uniform(0.01, 0.03))
                await proxy.restore()

        cutting = asyncio.create_task(cut_repeatedly())
        acknowledged = await asyncio.gather(*(create_repeatedly(key) for key in keys))
        await cutting
        again = await asyncio.gather(*(create_repeatedly(key) for key in keys))
        stored = await world.gateway.database.read(count_carts)
    assert again == acknowledged
    assert stored == len(set(acknowledged)) == len(keys)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
async def test_a_pool_that_is_in_use_lets_others_wait_and_then_refuses_them(database_url: str) -> None:
    database = Database(database_url, PoolOptions(size=1, overflow=0, timeout=timedelta(seconds=0.3)))

    async def hold(seconds: float) -> None:
        await database.read(lambda conn: conn.exec_driver_sql(f"SELECT pg_sleep({seconds})"))

    first = asyncio.create_task(hold(0.1))
    await asyncio.sleep(0.02)
    await hold(0)  # it waits until the first has ended
    await first
    endless = asyncio.create_task(database.read(lambda conn: conn.exec_driver_sql(ENDLESS)))
    await asyncio.sleep(0.02)
    with pytest.raises(StorageUnavailableError, match="no connection is free"):
        await hold(0)
    endless.cancel()
    await asyncio.gather(endless, return_exceptions=True)
    await hold(0)
    await database.close()


async def test_a_server_without_a_free_connection_is_an_outage(postgres_server: str) -> None:
    create = "CREATE ROLE limited LOGIN CONNECTION LIMIT 0"
    await asyncio.to_thread(execute_on_postgres, postgres_server, create)
    parsed = sa.make_url(build_database_url(postgres_server, "postgres")).set(username="limited")
    database = Database(parsed.render_as_string(hide_password=False))
    with pytest.raises(StorageUnavailableError, match="too many connections"):
        await database.read(lambda conn: conn.exec_driver_sql("SELECT 1"))
    await database.close()


def test_a_long_outage_is_one_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    seconds = 0.0
    database = Availability(lambda: seconds)
    for number in range(1_800):
        seconds = number / 10
        database.record_failure("cannot be reached", seconds, is_write=bool(number % 2))
    database.record_success(is_write=False)
    database.record_success(is_write=True)
    assert [record.getMessage() for record in caplog.records] == [
        "the database is unavailable: cannot be reached",
        "the database is unavailable since 60 s: cannot be reached",
        "the database is unavailable since 120 s: cannot be reached",
        "the database is available again, after 179.9 s",
    ]


def test_an_outage_that_comes_and_goes_is_no_more_than_a_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    seconds = 0.0
    database = Availability(lambda: seconds)
    for number in range(600):
        seconds = number / 10
        database.record_failure("cannot be reached", seconds, is_write=True)
        database.record_success(is_write=True)
    assert len([record for record in caplog.records if "is unavailable" in record.getMessage()]) == 1


def test_a_transaction_that_began_before_the_end_of_an_outage_begins_no_other() -> None:
    seconds = 10.0
    database = Availability(lambda: seconds)
    database.record_failure("cannot be reached", 9.0, is_write=False)
    database.record_success(is_write=False)
    database.record_failure("cannot be reached", 9.5, is_write=False)
    assert database.is_available
    database.record_failure("cannot be reached", 10.0, is_write=False)
    assert not database.is_available


def test_a_read_does_not_end_an_outage_of_writes(caplog: pytest.LogCaptureFixture) -> None:
    database = Availability()
    database.record_failure("database or disk is full", database.clock(), is_write=True)
    states = []
    for is_write in (False, True):
        database.record_success(is_write=is_write)
        states.append(database.is_available)
    assert states == [False, True]
    assert len(caplog.records) == 2
