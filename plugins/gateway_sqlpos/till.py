"""The till's database: a snapshot or a transaction a call, in a thread for SQLite, over asyncpg or aiomysql else."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gateway.sdk import ChannelError, Context, OutcomeUnknownError, RejectedError, UnavailableError
from gateway_sqlpos.faults import is_locked, is_undone, translated

T = TypeVar("T")

LOCK_POLL = 0.2
"""Seconds that a thread waits for a lock before it looks whether anybody still wants the answer."""
LOCK_POLLS = 300


class Till(Protocol):
    """Runs a function over a connection. Raises the SDK's errors and no others.

    `read` shows it one snapshot. `write` runs it in one transaction, so that an `OutcomeUnknownError` alone leaves open
    whether that was committed; it is run once more where somebody else was quicker to insert a row.
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
            return ServerTill(parsed.set(drivername="postgresql+asyncpg"), _postgres(time_zone), _POSTGRES_READS)
        case _:
            return ServerTill(parsed.set(drivername="mariadb+aiomysql"), _MARIADB, _MARIADB_READS)


_MARIADB: Mapping[str, Any] = {"connect_timeout": 10, "charset": "utf8mb4"}
"""Its dates have no zone, and its session needs none."""

_MARIADB_READS = {"init_command": "SET SESSION TRANSACTION READ ONLY"}
_POSTGRES_READS = {"default_transaction_read_only": "on"}


def _postgres(time_zone: str) -> Mapping[str, Any]:
    """The session's time zone is the till's, so that dates with and without a zone compare alike."""
    return {"timeout": 10, "server_settings": {"timezone": time_zone, "application_name": "gateway"}}


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
        return await self._tried(self._read, work, writing=False)

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await again(lambda: self._tried(self._write, work, writing=True))

    async def _tried(
        self, run: Callable[[Callable[[Connection], T]], T], work: Callable[[Connection], T], *, writing: bool
    ) -> T:
        for _ in range(LOCK_POLLS):
            try:
                return await asyncio.to_thread(run, work)
            except sa.exc.IntegrityError:
                raise
            except (sa.exc.DBAPIError, sqlite3.Error) as error:
                if not is_locked(getattr(error, "orig", None) or error):
                    raise translated(error, writing=writing) from error
        raise UnavailableError(f"the till's database was locked for {LOCK_POLL * LOCK_POLLS:.0f} seconds")

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA query_only=ON")
            conn.exec_driver_sql("BEGIN")
            return work(conn)

    def _write(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as conn:
            conn.exec_driver_sql("BEGIN IMMEDIATE")
            found = work(conn)
            try:
                self._commit(conn)
            except sa.exc.DBAPIError as error:
                if is_locked(error.orig or error):
                    raise
                raise lost() from error
            return found

    def _commit(self, conn: Connection) -> None:
        conn.exec_driver_sql("COMMIT")

    async def close(self) -> None:
        self._engine.dispose()


class ServerTill:
    """A server: PostgreSQL or MariaDB. What only reads does so over connections that can do nothing else."""

    def __init__(self, url: sa.URL, options: Mapping[str, Any], reads: Mapping[str, str]) -> None:
        settings = options.get("server_settings")
        only_reads = {"server_settings": {**settings, **reads}} if settings else reads
        self._reading = _engine(url, {**options, **only_reads}, "REPEATABLE READ")
        self._writing = _engine(url, options, "READ COMMITTED")

    async def read(self, work: Callable[[Connection], T]) -> T:
        try:
            async with self._reading.connect() as conn:
                return await conn.run_sync(work)
        except Exception as error:
            if _is_drivers(error):
                raise translated(error) from error
            raise

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await again(lambda: self._written(work))

    async def _written(self, work: Callable[[Connection], T]) -> T:
        committing = False
        try:
            async with self._writing.connect() as conn:
                found = await conn.run_sync(work)
                committing = True
                await self._commit(conn)
            return found
        except sa.exc.IntegrityError:
            raise
        except Exception as error:
            if committing and not is_undone(error):
                raise lost() from error
            if _is_drivers(error):
                raise translated(error, writing=True) from error
            raise

    async def _commit(self, conn: AsyncConnection) -> None:
        await conn.commit()

    async def close(self) -> None:
        await self._reading.dispose()
        await self._writing.dispose()


def _engine(url: sa.URL, options: Mapping[str, Any], isolation: IsolationLevel) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=2,
        pool_pre_ping=True,
        isolation_level=isolation,
        hide_parameters=True,
        connect_args=dict(options),
    )


def _is_drivers(error: Exception) -> bool:
    return isinstance(error, (sa.exc.SQLAlchemyError, OSError)) or hasattr(error, "sqlstate")


async def again(attempt: Callable[[], Awaitable[T]]) -> T:
    """Its result; where a row was there already, that of another attempt, which will see the row.

    Raises:
        RejectedError: the rules of the database forbid it.
    """
    try:
        return await attempt()
    except sa.exc.IntegrityError:
        pass
    try:
        return await attempt()
    except sa.exc.IntegrityError as error:
        raise RejectedError("the till's database does not take such a row", "INTEGRITY") from error


def lost() -> ChannelError:
    """The transaction was ended, and nothing said how."""
    return OutcomeUnknownError("the till's database did not say whether the transaction was committed")


def wall_clock(context: Context, time_zone: str) -> datetime:
    """The time as the till writes it: without a zone, to the second."""
    return context.now().astimezone(ZoneInfo(time_zone)).replace(tzinfo=None, microsecond=0)


def instant(conn: Connection, local: datetime) -> sa.BindParameter[Any]:
    """A wall-clock time to compare a column of dates with: SQLite keeps them as text."""
    if conn.dialect.name == "sqlite":
        return sa.literal(local.isoformat(" ", "seconds"), sa.String)
    return sa.literal(local, sa.DateTime)
