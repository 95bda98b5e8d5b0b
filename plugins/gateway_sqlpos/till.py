"""The till's database: one snapshot or one transaction a call; in a thread for SQLite, else over an async driver."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.sdk import UnavailableError
from gateway_sqlpos.faults import is_locked, translated

T = TypeVar("T")

LOCK_POLL = 0.2
"""Seconds that a thread waits for a lock before it looks whether anybody still wants the answer."""
LOCK_POLLS = 300


class Till(Protocol):
    """Runs a function over a connection that sees one snapshot. Raises the SDK's errors and no others.

    What is written is written whole or not at all. A write whose answer was lost fails as one that was not done does:
    whoever writes must be able to do so again.
    """

    async def read(self, work: Callable[[Connection], T]) -> T: ...
    async def write(self, work: Callable[[Connection], T]) -> T: ...
    async def close(self) -> None: ...


def open_till(url: str, time_zone: str) -> Till:
    """The till at this address. Talks to nobody yet."""
    parsed = sa.make_url(url)
    match parsed.drivername:
        case "sqlite":
            return SQLiteTill(Path(parsed.database or ""))
        case "postgresql":
            return ServerTill(parsed.set(drivername="postgresql+asyncpg"), _postgres(time_zone), POSTGRES_WRITING)
        case _:
            return ServerTill(parsed.set(drivername="mariadb+aiomysql"), MARIADB, MARIADB_WRITING)


MARIADB: Mapping[str, Any] = {
    "connect_timeout": 10,
    "init_command": "SET SESSION TRANSACTION READ ONLY",
    "charset": "utf8mb4",
}
"""Its dates have no zone, and its session needs none."""


MARIADB_WRITING: Mapping[str, Any] = {"connect_timeout": 10, "charset": "utf8mb4"}
POSTGRES_WRITING: Mapping[str, Any] = {"timeout": 10, "server_settings": {"application_name": "gateway"}}


def _postgres(time_zone: str) -> Mapping[str, Any]:
    """The session's time zone is the till's, so that dates with and without a zone compare alike."""
    settings = {"timezone": time_zone, "default_transaction_read_only": "on", "application_name": "gateway"}
    return {"timeout": 10, "server_settings": settings}


class SQLiteTill:
    """A file. It is opened for every call, as one that was replaced or is gone must not live on in a pool."""

    def __init__(self, path: Path) -> None:
        address = f"file:{quote(str(path))}?mode=rw"  # never creates it; and rw, or a crashed till could not be read

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(
                address, uri=True, timeout=LOCK_POLL, isolation_level=None, check_same_thread=False
            )
            connection.text_factory = lambda text: text.decode(errors="surrogateescape")  # one bad row is one reject
            return connection

        self._engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool, hide_parameters=True)

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._patiently(lambda: self._read(work))

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await self._patiently(lambda: self._write(work))

    async def _patiently(self, work: Callable[[], T]) -> T:
        for _ in range(LOCK_POLLS):
            try:
                return await asyncio.to_thread(work)
            except (sa.exc.DBAPIError, sqlite3.Error) as error:
                if not is_locked(getattr(error, "orig", None) or error):
                    raise translated(error) from error
        raise UnavailableError(f"the till's database was locked for {LOCK_POLL * LOCK_POLLS:.0f} seconds")

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA query_only=ON")
            conn.exec_driver_sql("BEGIN")
            return work(conn)

    def _write(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as conn:
            conn.exec_driver_sql("BEGIN IMMEDIATE")
            result = work(conn)
            conn.exec_driver_sql("COMMIT")
            return result

    async def close(self) -> None:
        self._engine.dispose()


class ServerTill:
    """A server: PostgreSQL or MariaDB."""

    def __init__(self, url: sa.URL, reading: Mapping[str, Any], writing: Mapping[str, Any]) -> None:
        self._engine = _server(url, reading, "REPEATABLE READ")
        self._writing = _server(url, writing, "READ COMMITTED")

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._run(self._engine.connect(), work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await self._run(self._writing.begin(), work)

    async def _run(self, opened: AbstractAsyncContextManager[AsyncConnection], work: Callable[[Connection], T]) -> T:
        try:
            async with opened as conn:
                return await conn.run_sync(work)
        except Exception as error:
            if isinstance(error, (sa.exc.SQLAlchemyError, OSError)) or hasattr(error, "sqlstate"):
                raise translated(error) from error
            raise

    async def close(self) -> None:
        await self._engine.dispose()
        await self._writing.dispose()


def _server(url: sa.URL, connect_args: Mapping[str, Any], isolation: IsolationLevel) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=2,
        pool_pre_ping=True,
        isolation_level=isolation,
        hide_parameters=True,
        connect_args=dict(connect_args),
    )


def instant(conn: Connection, local: datetime) -> sa.BindParameter[Any]:
    """A wall-clock time to compare a column of dates with: SQLite keeps them as text."""
    if conn.dialect.name == "sqlite":
        return sa.literal(local.isoformat(" ", "seconds"), sa.String)
    return sa.literal(local, sa.DateTime)
