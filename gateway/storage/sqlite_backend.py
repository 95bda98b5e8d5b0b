"""SQLite: one writer and a few readers, each in a thread of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from gateway.storage.change_tracking import track_changes
from gateway.storage.errors import DatabaseUrlError
from gateway.storage.file_access import protect_files
from gateway.storage.sql.planner_hints import HintCompiler
from gateway.storage.sql.sqlite_readers import SQLiteReaders
from gateway.storage.sql.sqlite_write_queue import WriteQueue, WriteUnit

T = TypeVar("T")

READERS, SNAPSHOTS = 4, 2
"""Threads for reading, and how many of them may execute whole queries, which take longer than a statement."""

CACHE_KILOBYTES = 16_000
"""Pages that each connection caches. With 100 MB, five connections took 500 MB of a large catalog, and only what reads
all of it was faster: the operating system caches the file as well.
"""

WATCH_INTERVAL = 0.25
"""Seconds between two looks at the number of commits, which take some microseconds."""

MIN_SQLITE_VERSION = (3, 35)


class SQLiteBackend:
    """One writer and a few readers, each in a thread; aiosqlite would switch threads for every statement and fetch."""

    def __init__(self, url: sa.URL, on_change: Callable[[], None]) -> None:
        _check_sqlite(url)
        self._on_change = on_change
        protect = cache(partial(protect_files, Path(url.database or "")))
        self._writing = _create_engine(url, 1, "BEGIN IMMEDIATE", protect)
        self._reading = _create_engine(url, READERS, "BEGIN", protect)
        self._watching = _create_engine(url, 1, "BEGIN", protect)
        self._comparing = _create_engine(url, 1, "BEGIN", protect)
        self._compared: sa.PoolProxiedConnection | None = None
        self._compared_cursor: Any = None
        self._version: int | None = None  # of this iteration of the event loop
        track_changes(self._writing)
        self._writer, self._units = ThreadPoolExecutor(1, "sqlite-write"), WriteQueue(self._writing)
        self._readers = SQLiteReaders(self._reading, READERS)
        self._snapshots = asyncio.Semaphore(SNAPSHOTS)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a thread for reading."""
        return await self._readers.read(work)

    async def read_snapshot(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a thread for reading, in one transaction."""
        async with self._snapshots:
            return await self._readers.read(partial(_run_in_transaction, work))

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in the thread for writing, in one transaction, or in one with others that wait (rule L1)."""
        unit = WriteUnit(work)
        self._units.add(unit)
        self._writer.submit(self._units.run_next)
        result, has_changed = await asyncio.wrap_future(unit.done)
        if has_changed:
            self._on_change()
        return result

    async def watch(self, notify: Callable[[], None]) -> None:
        """Call `notify` at changes, also by other processes, until canceled."""
        seen = -1
        while True:
            current = await asyncio.to_thread(self._read_data_version)
            if current != seen:
                notify()
            seen = current
            await asyncio.sleep(WATCH_INTERVAL)

    def _read_data_version(self) -> int:
        """Read the number that changes when another connection commits. It is one of this connection only."""
        with self._watching.connect() as conn:
            return int(conn.exec_driver_sql("PRAGMA data_version").scalar_one())

    def read_version(self) -> int | None:
        """Read the number that changes at each commit, in the event loop: it waits for no lock.

        It is read once in an iteration of the event loop: all requests that it handles had arrived before.
        """
        if self._version is None:
            asyncio.get_running_loop().call_soon(self._forget_version)
            self._version = self._compare_version()
        return self._version

    def _forget_version(self) -> None:
        self._version = None

    def _compare_version(self) -> int | None:
        try:
            if self._compared is None:
                self._compared = self._comparing.raw_connection()
                self._compared_cursor = self._compared.cursor()
            return int(self._compared_cursor.execute("PRAGMA data_version").fetchone()[0])
        except (sqlite3.Error, sa.exc.DBAPIError):  # the read that follows reports why
            return None

    async def tidy(self) -> None:
        """Checkpoint the write-ahead log, or a commit would have to, which takes up to 100 ms."""
        await self._readers.read(_run_checkpoint)

    async def close(self) -> None:
        """Wait for what runs, and close all connections."""
        if self._compared is not None:
            self._compared.close()
        self._comparing.dispose()
        await asyncio.to_thread(self._watching.dispose)
        await self._readers.close()
        await asyncio.to_thread(self._reading.dispose)
        await asyncio.get_running_loop().run_in_executor(self._writer, self._writing.dispose)
        self._writer.shutdown(wait=True)


def _run_in_transaction(work: Callable[[Connection], T], conn: Connection) -> T:
    connection: Any = conn.connection.driver_connection
    connection.execute("BEGIN")  # it sees what was committed before its first statement
    result = work(conn)  # after an error the reader closes the connection
    connection.execute("ROLLBACK")
    return result


def _run_checkpoint(conn: Connection) -> None:
    conn.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


def _check_sqlite(url: sa.URL) -> None:
    if url.database in (None, "", ":memory:"):
        raise DatabaseUrlError("names no file; use a file, because several connections share the database")
    if sqlite3.sqlite_version_info < MIN_SQLITE_VERSION:
        raise DatabaseUrlError(f"this Python is built with SQLite {sqlite3.sqlite_version}; use SQLite 3.35 or later")


def _create_engine(url: sa.URL, connections: int, begin: str, prepare: Callable[[], None]) -> Engine:
    """Create an engine that calls `prepare` before it opens the file."""
    engine = sa.create_engine(
        url,
        poolclass=sa.QueuePool,
        pool_size=connections,
        max_overflow=0,
        connect_args={"check_same_thread": False},
        hide_parameters=True,  # errors are logged, and parameters contain names, addresses and search texts
    )
    engine.dialect.statement_compiler = HintCompiler

    @sa.event.listens_for(engine, "do_connect")
    def prepare_files(*_: Any) -> None:
        prepare()

    sa.event.listen(engine, "connect", _set_up_connection)
    if begin != "BEGIN":

        @sa.event.listens_for(engine, "begin")
        def begin_at_once(conn: Connection) -> None:
            conn.exec_driver_sql(begin)

    return engine


def _set_up_connection(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # or the driver begins its own, deferred transactions
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "busy_timeout=5000",
        f"cache_size=-{CACHE_KILOBYTES}",
        "wal_autocheckpoint=8000",
    ):
        connection.execute(f"PRAGMA {pragma}")
