"""The till's database, for reading: one snapshot a call, in a thread for SQLite and over asyncpg for PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.sdk import UnavailableError
from gateway_sqlpos.faults import is_locked, translated

T = TypeVar("T")

LOCK_POLL = 0.2
"""Seconds that a thread waits for a lock before it looks whether anybody still wants the answer."""
LOCK_POLLS = 300


class Till(Protocol):
    """Runs a function over a connection that sees one snapshot. Raises the SDK's errors and no others."""

    async def read(self, work: Callable[[Connection], T]) -> T: ...
    async def close(self) -> None: ...


def open_till(url: str, time_zone: str) -> Till:
    """The till at this address. Talks to nobody yet."""
    parsed = sa.make_url(url)
    return SQLiteTill(Path(parsed.database or "")) if parsed.drivername == "sqlite" else PostgresTill(parsed, time_zone)


class SQLiteTill:
    """A file. It is opened for every call, as one that was replaced or is gone must not live on in a pool."""

    def __init__(self, path: Path) -> None:
        address = f"file:{quote(str(path))}?mode=rw"  # never creates it; and rw, or a crashed till could not be read

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(
                address, uri=True, timeout=LOCK_POLL, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA query_only=ON")
            connection.text_factory = lambda text: text.decode(errors="surrogateescape")  # one bad row is one reject
            return connection

        self._engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool, hide_parameters=True)

    async def read(self, work: Callable[[Connection], T]) -> T:
        for _ in range(LOCK_POLLS):
            try:
                return await asyncio.to_thread(self._run, work)
            except (sa.exc.DBAPIError, sqlite3.Error) as error:
                if not is_locked(getattr(error, "orig", None) or error):
                    raise translated(error) from error
        raise UnavailableError(f"the till's database was locked for {LOCK_POLL * LOCK_POLLS:.0f} seconds")

    def _run(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as conn:
            conn.exec_driver_sql("BEGIN")
            return work(conn)

    async def close(self) -> None:
        self._engine.dispose()


class PostgresTill:
    """A server. Its session's time zone is the till's, so that dates with and without a zone compare alike."""

    def __init__(self, url: sa.URL, time_zone: str) -> None:
        settings = {"timezone": time_zone, "default_transaction_read_only": "on", "application_name": "gateway"}
        self._engine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            pool_size=2,
            pool_pre_ping=True,
            isolation_level="REPEATABLE READ",
            hide_parameters=True,
            connect_args={"timeout": 10, "server_settings": settings},
        )

    async def read(self, work: Callable[[Connection], T]) -> T:
        try:
            async with self._engine.connect() as conn:
                return await conn.run_sync(work)
        except Exception as error:
            if isinstance(error, (sa.exc.SQLAlchemyError, OSError)) or hasattr(error, "sqlstate"):
                raise translated(error) from error
            raise

    async def close(self) -> None:
        await self._engine.dispose()


def instant(conn: Connection, local: datetime) -> sa.BindParameter[Any]:
    """A wall-clock time to compare a column of dates with: SQLite keeps them as text."""
    if conn.dialect.name == "sqlite":
        return sa.literal(local.isoformat(" ", "seconds"), sa.String)
    return sa.literal(local, sa.DateTime)
