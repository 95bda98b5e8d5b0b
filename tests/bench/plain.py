"""What our own ways of crossing threads cost, beside the plain ones."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from datetime import timedelta
from importlib.util import find_spec
from queue import SimpleQueue
from statistics import median

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.channels.lanes import Lane
from gateway.storage import tables
from gateway.storage.database import Database
from tests.bench.databases import opened, two_databases
from tests.bench.times import Seconds, timed

FACTS = [{"name": f"fact {n}", "value": str(n)} for n in range(100)]
NAMES = [row["name"] for row in FACTS[::20]]


async def measure(*, calls: int) -> dict[str, float]:
    """Microseconds of a lane's call and of a read of five statements, and of the plain things."""
    taken = {"lane": await _lane(calls), "ping_pong": await _ping_pong(calls)}
    async with two_databases("sqlite") as (url, _), opened(url) as database:
        await database.write(_fill)
        taken |= {"read": await _read(database, calls), "sqlite3": await _sqlite3(url, calls)}
        if find_spec("aiosqlite") is not None:
            taken["aiosqlite"] = await _aiosqlite(url, calls)
    return {name: 1e6 * median(seconds) for name, seconds in taken.items()}


async def _lane(calls: int) -> Seconds:
    lane = Lane("bench")
    try:
        return await timed(lambda: lane.call(_nothing, deadline=timedelta(seconds=1)), calls)
    finally:
        await lane.close()


async def _nothing() -> None:
    pass


async def _ping_pong(calls: int) -> Seconds:
    """A thread that waits at a queue and answers into our loop: the least there is."""
    loop, asked = asyncio.get_running_loop(), SimpleQueue[asyncio.Future[None] | None]()

    def answer() -> None:
        while (future := asked.get()) is not None:
            loop.call_soon_threadsafe(future.set_result, None)

    async def ask() -> None:
        future: asyncio.Future[None] = loop.create_future()
        asked.put(future)
        await future

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        return await timed(ask, calls)
    finally:
        asked.put(None)
        thread.join()


def _fill(conn: Connection) -> None:
    conn.execute(sa.insert(tables.facts), FACTS)


def _fact(name: str) -> sa.Select[tuple[str]]:
    return sa.select(tables.facts.c.value).where(tables.facts.c.name == name)


def _five(conn: Connection) -> None:
    for name in NAMES:
        conn.scalar(_fact(name))


async def _read(database: Database, calls: int) -> Seconds:
    return await timed(lambda: database.read(_five), calls)


async def _sqlite3(url: str, calls: int) -> Seconds:
    """The same in our own thread, without anything between."""
    connection = sqlite3.connect(sa.make_url(url).database or "")

    async def five() -> None:
        for name in NAMES:
            connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()

    try:
        return await timed(five, calls)
    finally:
        connection.close()


async def _aiosqlite(url: str, calls: int) -> Seconds:
    engine = create_async_engine(sa.make_url(url).set(drivername="sqlite+aiosqlite"))

    async def five() -> None:
        async with engine.connect() as conn:
            for name in NAMES:
                await conn.scalar(_fact(name))

    try:
        return await timed(five, calls)
    finally:
        await engine.dispose()
