"""The database: `read` and `write` run a function over a connection, and are the only ways to one.

The functions are plain ones, so that a use case reads as what it does, and many statements cost one change of threads:
on SQLite they run in a thread of their own, on PostgreSQL over asyncpg.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection as Connection  # what a use case is a function over
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4
PREPARED = 300
"""Statements that a connection to PostgreSQL keeps prepared: all that there are, where the driver's own 100 are not."""

ATTEMPTS = 12
OLDEST_SQLITE = (3, 35)
_AGAIN = {"40001", "40P01", "55P03", "23505"}
"""Serialization failure, deadlock, lock not available; and a row that somebody else inserted since we looked."""


class DatabaseUrlError(ValueError):
    """The URL is not one of a database that the gateway can keep its state in."""


class Runner(Protocol):
    """Runs a function over a connection: in a transaction, or outside one for reading."""

    async def read(self, work: Callable[[Connection], T]) -> T: ...
    async def write(self, work: Callable[[Connection], T]) -> T: ...
    async def tidy(self) -> None: ...
    async def close(self) -> None: ...


class Database:
    """What the gateway knows. Give back with `close`."""

    def __init__(self, url: str) -> None:
        parsed = _parsed(url)
        self.url = url
        self.dialect = parsed.get_backend_name()
        self._runner: Runner = SQLite(parsed) if self.dialect == "sqlite" else PostgreSQL(parsed)

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, …)` for reading: every statement sees what is committed."""
        return await self._runner.read(lambda conn: work(conn, *args, **kwargs))

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, …)` in one transaction; again from the start where another one was in the way.

        So `work` does nothing but talk to its connection. A transaction that has begun is carried through even when
        the caller is cancelled.
        """
        for attempt in range(ATTEMPTS):
            try:
                return await asyncio.shield(self._runner.write(lambda conn: work(conn, *args, **kwargs)))
            except DBAPIError as error:
                if attempt == ATTEMPTS - 1 or not is_conflict(error):
                    raise
            await asyncio.sleep(random.uniform(0, 0.005 * 2 ** min(attempt, 6)))  # noqa: S311 jitter, not a secret
        raise AssertionError("unreachable")

    async def tidy(self) -> None:
        """What a database wants done now and then beside its work, in which nobody waits for it."""
        await self._runner.tidy()

    async def close(self) -> None:
        """Give back every connection."""
        await self._runner.close()


class SQLite:
    """One writer and a few readers, each in a thread: aiosqlite would change threads for every statement and fetch."""

    def __init__(self, url: sa.URL) -> None:
        _check_sqlite(url)
        self._writing = _sqlite_engine(url, 1, begin="BEGIN IMMEDIATE")
        self._reading = _sqlite_engine(url, READERS, begin="BEGIN")
        self._writer = ThreadPoolExecutor(1, "sqlite-write")
        self._readers = ThreadPoolExecutor(READERS, "sqlite-read")

    async def read(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._reading.connect() as conn:
                return work(conn)

        return await asyncio.get_running_loop().run_in_executor(self._readers, run)

    async def write(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._writing.begin() as conn:
                return work(conn)

        return await asyncio.get_running_loop().run_in_executor(self._writer, run)

    async def tidy(self) -> None:
        """Bring what was written from the log into the file: a commit that had to would take up to 100 ms."""

        def run() -> None:
            with self._reading.connect() as conn:
                conn.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

        await asyncio.get_running_loop().run_in_executor(self._readers, run)

    async def close(self) -> None:
        for executor, engine in ((self._writer, self._writing), (self._readers, self._reading)):
            await asyncio.get_running_loop().run_in_executor(executor, engine.dispose)
            executor.shutdown(wait=True)


class PostgreSQL:
    """A pool of connections over asyncpg; READ COMMITTED, and no transaction at all for reading."""

    def __init__(self, url: sa.URL) -> None:
        self._engine: AsyncEngine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            pool_size=8,
            hide_parameters=True,
            connect_args={"prepared_statement_cache_size": PREPARED},
        )
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    async def read(self, work: Callable[[Connection], T]) -> T:
        async with self._reading.connect() as conn:
            return await conn.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.begin() as conn:
            return await conn.run_sync(work)

    async def tidy(self) -> None:
        """It does so by itself."""

    async def close(self) -> None:
        await self._engine.dispose()


def is_conflict(error: DBAPIError) -> bool:
    """Whether another transaction was in the way, so that the same work may succeed when it is run again."""
    if isinstance(error.orig, sqlite3.OperationalError):
        return (getattr(error.orig, "sqlite_errorcode", 0) & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(error.orig, "sqlstate", None) in _AGAIN


def is_sqlite(conn: Connection) -> bool:
    """Whether this connection is one to SQLite: for the few statements that the two databases word differently."""
    return conn.dialect.name == "sqlite"


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:  # the latter is about the port
        raise DatabaseUrlError("is not a URL; expected sqlite:///FILE or postgresql://USER@HOST/NAME") from error
    if parsed.drivername not in ("sqlite", "postgresql"):
        raise DatabaseUrlError(
            f"begins with {parsed.drivername}; expected sqlite:///FILE or postgresql://USER@HOST/NAME"
        )
    return parsed


def _check_sqlite(url: sa.URL) -> None:
    if url.database in (None, "", ":memory:"):
        raise DatabaseUrlError("names no file; several connections share the database, so it cannot live in memory")
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise DatabaseUrlError(f"this Python carries SQLite {sqlite3.sqlite_version}; 3.35 or later is needed")


def _sqlite_engine(url: sa.URL, connections: int, begin: str) -> Engine:
    engine = sa.create_engine(
        url,
        poolclass=sa.QueuePool,
        pool_size=connections,
        max_overflow=0,
        connect_args={"check_same_thread": False},
        hide_parameters=True,  # errors are logged, and parameters are names, addresses and what was searched for
    )

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # or the driver begins transactions of its own, and deferred ones
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "busy_timeout=5000",
            "cache_size=-100000",
            "wal_autocheckpoint=8000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    if begin != "BEGIN":

        @sa.event.listens_for(engine, "begin")
        def begin_at_once(conn: Connection) -> None:
            conn.exec_driver_sql(begin)

    return engine
