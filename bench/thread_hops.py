"""The cost of the gateway's calls across threads, compared with plain ones."""

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

from bench.databases import create_databases, open_database
from bench.timing import Seconds, time_runs
from gateway.channels.plugin_thread import PluginThread
from gateway.storage import tables
from gateway.storage.database import Database

FACTS = [{"name": f"fact {n}", "value": str(n)} for n in range(100)]
NAMES = [row["name"] for row in FACTS[::20]]


async def measure(*, calls: int) -> dict[str, float]:
    """Measure the microseconds of a plugin thread's call, of a read of five statements, and of plain alternatives."""
    taken = {"plugin_thread": await _time_plugin_thread(calls), "ping_pong": await _time_ping_pong(calls)}
    async with create_databases("sqlite") as (url, _), open_database(url) as database:
        await database.write(_fill)
        taken |= {"read": await _time_reads(database, calls), "sqlite3": await _time_sqlite3(url, calls)}
        if find_spec("aiosqlite") is not None:
            taken["aiosqlite"] = await _time_aiosqlite(url, calls)
    return {name: 1e6 * median(seconds) for name, seconds in taken.items()}


async def _time_plugin_thread(calls: int) -> Seconds:
    plugin_thread = PluginThread("bench")
    try:
        return await time_runs(lambda: plugin_thread.call(_return_none, deadline=timedelta(seconds=1)), calls)
    finally:
        await plugin_thread.close()


async def _return_none() -> None:
    pass


async def _time_ping_pong(calls: int) -> Seconds:
    """Time a thread that waits for a queue and responds to the event loop: the minimum."""
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
        return await time_runs(ask, calls)
    finally:
        asked.put(None)
        thread.join()


def _fill(conn: Connection) -> None:
    conn.execute(sa.insert(tables.facts), FACTS)


def _select_fact(name: str) -> sa.Select[tuple[str]]:
    return sa.select(tables.facts.c.value).where(tables.facts.c.name == name)


def _read_facts(conn: Connection) -> None:
    for name in NAMES:
        conn.scalar(_select_fact(name))


async def _time_reads(database: Database, calls: int) -> Seconds:
    return await time_runs(lambda: database.read(_read_facts), calls)


async def _time_sqlite3(url: str, calls: int) -> Seconds:
    """Time the same statements in the event loop's thread."""
    connection = sqlite3.connect(sa.make_url(url).database or "")

    async def read_five() -> None:
        for name in NAMES:
            connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()

    try:
        return await time_runs(read_five, calls)
    finally:
        connection.close()


async def _time_aiosqlite(url: str, calls: int) -> Seconds:
    engine = create_async_engine(sa.make_url(url).set(drivername="sqlite+aiosqlite"))

    async def read_five() -> None:
        async with engine.connect() as conn:
            for name in NAMES:
                await conn.scalar(_select_fact(name))

    try:
        return await time_runs(read_five, calls)
    finally:
        await engine.dispose()
