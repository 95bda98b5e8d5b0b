"""Database of a till: one snapshot or transaction per call, in a thread for SQLite, otherwise asyncpg or aiomysql."""

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
from gateway_sqlpos.errors import is_locked, is_rolled_back, map_error

T = TypeVar("T")

LOCK_POLL_SECONDS = 0.2
"""Seconds that a thread waits for a lock before it checks whether the call was canceled."""
MAX_LOCK_POLLS = 300

MAX_ATTEMPTS = 20
"""Attempts of a transaction that conflicts with others, each of which inserted one row first."""


class TillDatabase(Protocol):
    """Runs functions over a connection. Raises only errors of the SDK.

    `read` provides one snapshot. `write` runs the function in one transaction; only an `OutcomeUnknownError` leaves
    open whether it was committed. If another transaction inserted the same row first, the function is run again.
    """

    async def read(self, work: Callable[[Connection], T]) -> T: ...
    async def write(self, work: Callable[[Connection], T]) -> T: ...
    async def close(self) -> None: ...


def open_database(url: str, time_zone: str) -> TillDatabase:
    """Create the database for a URL, without connecting to it."""
    parsed = sa.make_url(url)
    match parsed.drivername:
        case "sqlite":
            return SQLiteDatabase(Path(parsed.database or ""))
        case "postgresql":
            return ServerDatabase(
                parsed.set(drivername="postgresql+asyncpg"), _build_postgres_options(time_zone), _POSTGRES_READ_ONLY
            )
        case _:
            return ServerDatabase(parsed.set(drivername="mariadb+aiomysql"), _MARIADB_OPTIONS, _MARIADB_READ_ONLY)


_MARIADB_OPTIONS: Mapping[str, Any] = {"connect_timeout": 10, "charset": "utf8mb4"}
_MARIADB_READ_ONLY = {"init_command": "SET SESSION TRANSACTION READ ONLY"}
_POSTGRES_READ_ONLY = {"default_transaction_read_only": "on"}


def _build_postgres_options(time_zone: str) -> Mapping[str, Any]:
    """Use the till's time zone for the session, so that dates with and without a time zone compare alike."""
    return {"timeout": 10, "server_settings": {"timezone": time_zone, "application_name": "gateway"}}


class SQLiteDatabase:
    """A SQLite file. It is opened for every call: a pooled connection would outlive a file that was replaced or
    deleted.
    """

    def __init__(self, path: Path) -> None:
        # rw does not create the file; ro could not recover the journal of a crashed till.
        address = f"file:{quote(str(path))}?mode=rw"

        def connect() -> sqlite3.Connection:
            connection = sqlite3.connect(
                address, uri=True, timeout=LOCK_POLL_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.text_factory = lambda text: text.decode(
                errors="surrogateescape"
            )  # an invalid text rejects one record only
            return connection

        self._engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool, hide_parameters=True)

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._run_with_lock_polls(self._read_once, work, writing=False)

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await retry_on_conflict(lambda: self._run_with_lock_polls(self._write_once, work, writing=True))

    async def _run_with_lock_polls(
        self, run: Callable[[Callable[[Connection], T]], T], work: Callable[[Connection], T], *, writing: bool
    ) -> T:
        for _ in range(MAX_LOCK_POLLS):
            try:
                return await asyncio.to_thread(run, work)
            except sa.exc.IntegrityError:
                raise
            except (sa.exc.DBAPIError, sqlite3.Error) as error:
                if not is_locked(getattr(error, "orig", None) or error):
                    raise map_error(error, writing=writing) from error
        raise UnavailableError(f"the till's database was locked for {LOCK_POLL_SECONDS * MAX_LOCK_POLLS:.0f} seconds")

    def _read_once(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA query_only=ON")
            conn.exec_driver_sql("BEGIN")
            return work(conn)

    def _write_once(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as conn:
            conn.exec_driver_sql("BEGIN IMMEDIATE")
            result = work(conn)
            try:
                self._commit(conn)
            except sa.exc.DBAPIError as error:
                if is_locked(error.orig or error):
                    raise
                raise make_unknown_outcome() from error
            return result

    def _commit(self, conn: Connection) -> None:
        conn.exec_driver_sql("COMMIT")

    async def close(self) -> None:
        self._engine.dispose()


class ServerDatabase:
    """A server: PostgreSQL or MariaDB. Reads use connections that cannot write."""

    def __init__(self, url: sa.URL, options: Mapping[str, Any], reads: Mapping[str, str]) -> None:
        settings = options.get("server_settings")
        only_reads = {"server_settings": {**settings, **reads}} if settings else reads
        self._read_engine = _create_engine(url, {**options, **only_reads}, "REPEATABLE READ")
        self._write_engine = _create_engine(url, options, "READ COMMITTED")

    async def read(self, work: Callable[[Connection], T]) -> T:
        try:
            async with self._read_engine.connect() as conn:
                return await conn.run_sync(work)
        except Exception as error:
            if _is_driver_error(error):
                raise map_error(error) from error
            raise

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await retry_on_conflict(lambda: self._write_once(work))

    async def _write_once(self, work: Callable[[Connection], T]) -> T:
        committing = False
        try:
            async with self._write_engine.connect() as conn:
                result = await conn.run_sync(work)
                committing = True
                await self._commit(conn)
            return result
        except sa.exc.IntegrityError:
            raise
        except Exception as error:
            if committing and not is_rolled_back(error):
                raise make_unknown_outcome() from error
            if _is_driver_error(error):
                raise map_error(error, writing=True) from error
            raise

    async def _commit(self, conn: AsyncConnection) -> None:
        await conn.commit()

    async def close(self) -> None:
        await self._read_engine.dispose()
        await self._write_engine.dispose()


def _create_engine(url: sa.URL, options: Mapping[str, Any], isolation: IsolationLevel) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=2,
        pool_pre_ping=True,
        isolation_level=isolation,
        hide_parameters=True,
        connect_args=dict(options),
    )
    if url.get_backend_name() == "mariadb":
        sa.event.listen(engine.sync_engine, "connect", _use_utc)
    return engine


def _use_utc(connection: Any, _record: object) -> None:
    """Read and write columns of the type TIMESTAMP in UTC. Those of the type DATETIME have no time zone."""
    cursor = connection.cursor()
    cursor.execute("SET SESSION time_zone = '+00:00'")
    cursor.close()


def _is_driver_error(error: Exception) -> bool:
    return isinstance(error, (sa.exc.SQLAlchemyError, OSError)) or hasattr(error, "sqlstate")


async def retry_on_conflict(attempt: Callable[[], Awaitable[T]]) -> T:
    """Run an attempt, and repeat it after a conflict: the next attempt finds the row that another connection inserted.

    Raises:
        RejectedError: A constraint of the database forbids the row.
    """
    conflict: sa.exc.IntegrityError | None = None
    for _ in range(MAX_ATTEMPTS):
        try:
            return await attempt()
        except sa.exc.IntegrityError as error:
            conflict = error
    raise RejectedError("a constraint of the till's database rejected the row", "INTEGRITY") from conflict


def make_unknown_outcome() -> ChannelError:
    """Build the error for a commit without a result."""
    return OutcomeUnknownError("it is unknown whether the till's database committed the transaction")


def get_local_time(context: Context, time_zone: str) -> datetime:
    """Return the till's local time, without a time zone and to the second."""
    return context.now().astimezone(ZoneInfo(time_zone)).replace(tzinfo=None, microsecond=0)


def bind_date(conn: Connection, local: datetime) -> sa.BindParameter[Any]:
    """Bind a local time for comparison with a column of dates: SQLite stores them as text."""
    if conn.dialect.name == "sqlite":
        return sa.literal(local.isoformat(" ", "seconds"), sa.String)
    return sa.literal(local, sa.DateTime)
