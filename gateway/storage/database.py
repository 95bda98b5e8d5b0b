"""The database: `read` and `write` run a function with a connection, and are the only access to connections.

The functions are synchronous, so that a use case reads like its steps, and many statements cost one thread switch:
on SQLite they run in a dedicated thread, on PostgreSQL over asyncpg.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection as Connection  # re-exported for use cases
from sqlalchemy.exc import DBAPIError

from gateway.storage.availability import Availability
from gateway.storage.change_signal import CHANGE_CHANNEL, ChangeSignal
from gateway.storage.errors import (
    DatabaseUrlError,
    GivenUpError,
    StorageUnavailableError,
    find_outage,
    is_conflict,
)
from gateway.storage.file_access import list_exposed_files
from gateway.storage.postgresql_backend import PoolOptions, PostgreSQLBackend
from gateway.storage.sqlite_backend import SQLiteBackend

P = ParamSpec("P")
T = TypeVar("T")

MAX_ATTEMPTS = 12

DEFAULT_POOL = PoolOptions()


class DatabaseBackend(Protocol):
    """Runs a function with a connection: in a transaction, or outside one for reading."""

    async def read(self, work: Callable[[Connection], T]) -> T: ...
    async def read_snapshot(self, work: Callable[[Connection], T]) -> T: ...
    async def write(self, work: Callable[[Connection], T]) -> T: ...
    async def tidy(self) -> None: ...
    async def watch(self, notify: Callable[[], None]) -> None: ...
    def read_version(self) -> int | None: ...
    async def close(self) -> None: ...


class Database:
    """The gateway's database. Call `close` to release it.

    Args:
        pool: connections to a database server; SQLite has a fixed number of them.

    Attributes:
        changes: tells of changes by this process, and while `watch_changes` runs by other processes.
        availability: whether the database can be used, as the last transactions have shown.
    """

    def __init__(self, url: str, pool: PoolOptions = DEFAULT_POOL) -> None:
        parsed = _parse_url(url)
        self.url = url
        self.dialect = parsed.get_backend_name()
        self.availability = Availability()
        self.changes = ChangeSignal()
        self._backend: DatabaseBackend = (
            SQLiteBackend(parsed, self._record_change)
            if self.dialect == "sqlite"
            else PostgreSQLBackend(parsed, pool, self._record_change)
        )

    @staticmethod
    def list_exposed_files(url: str) -> list[Path]:
        """List the files of the database that others than their owner may read; none if a server keeps them."""
        parsed = _parse_url(url)
        return list_exposed_files(Path(parsed.database or "")) if parsed.get_backend_name() == "sqlite" else []

    @staticmethod
    def has_files(url: str) -> bool:
        """Return whether the file of the database exists. A server is assumed to have its database."""
        parsed = _parse_url(url)
        return parsed.get_backend_name() != "sqlite" or Path(parsed.database or "").exists()

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, …)` for reading: each statement sees all committed data.

        If the caller is canceled, the statement in progress is canceled, too.

        Raises:
            StorageUnavailableError: the database cannot be used now.
        """
        with self._observe_outages(is_write=False):
            return await self._backend.read(lambda conn: work(conn, *args, **kwargs))

    async def read_snapshot(self, work: Callable[[Connection], T]) -> T:
        """Run `work(connection)` for reading as `read` does, but all statements see the data of the same moment.

        Raises:
            StorageUnavailableError: the database cannot be used now.
        """
        with self._observe_outages(is_write=False):
            return await self._backend.read_snapshot(work)

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, …)` in one transaction, and retry it from the start after a conflict.

        So `work` has no side effects outside its connection. A transaction that has begun completes even if the
        caller is canceled.

        Raises:
            StorageUnavailableError: the database cannot be used now, and the transaction had no effect; or, if the
                connection was lost during the commit, it may have had one.
        """
        with self._observe_outages(is_write=True):
            return await self._write_repeatedly(lambda conn: work(conn, *args, **kwargs))

    async def _write_repeatedly(self, work: Callable[[Connection], T]) -> T:
        for attempt in range(MAX_ATTEMPTS):
            try:
                return await self._complete(self._backend.write(work))
            except DBAPIError as error:
                if attempt == MAX_ATTEMPTS - 1 or not is_conflict(error):
                    raise
            await asyncio.sleep(random.uniform(0, 0.005 * 2 ** min(attempt, 6)))  # noqa: S311 jitter, not a secret
        raise AssertionError("unreachable")

    async def _complete(self, transaction: Coroutine[Any, Any, T]) -> T:
        """Wait for a transaction, which goes on if the caller is canceled."""
        task = asyncio.ensure_future(transaction)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_handle_abandoned)
            raise

    async def tidy(self) -> None:
        """Run the database's housekeeping, outside of any request."""
        try:
            await self._backend.tidy()
        except Exception as error:  # success is not recorded: there may have been nothing to write
            self._report_outage(error, self.availability.clock(), is_write=True)
            raise

    async def watch_changes(self) -> None:
        """Watch for changes by other processes, until canceled or until the connection for that is lost."""
        with self._observe_outages(is_write=False):
            await self._backend.watch(self.changes.notify)

    def read_version(self) -> int | None:
        """Return a number that differs after each commit of any process, or None if the database has none.

        It takes some microseconds on SQLite, so that it is called in the event loop. What one iteration of the loop
        handles has the same version: it had arrived before the version was read.
        """
        return self._backend.read_version()

    async def announce(self) -> None:
        """Tell other processes on a database server that there may be work for them. SQLite shows them by itself."""
        if self.dialect != "sqlite":
            await self.write(notify_processes)

    async def close(self) -> None:
        """Close all connections."""
        await self._backend.close()

    @contextmanager
    def _observe_outages(self, *, is_write: bool) -> Iterator[None]:
        """Record whether the database can be used inside the `with` statement."""
        begun_at = self.availability.clock()
        try:
            yield
        except Exception as error:
            self._report_outage(error, begun_at, is_write=is_write)
            raise
        self.availability.record_success(is_write=False)  # a transaction that changed nothing proves no write

    def _record_change(self) -> None:
        """Record that a transaction of this process has changed rows."""
        self.availability.record_success(is_write=True)
        self.changes.notify()

    def _report_outage(self, error: Exception, begun_at: float, *, is_write: bool) -> None:
        """Record an error that means that the database cannot be used, and raise it as a StorageUnavailableError."""
        if (reason := find_outage(error)) is not None:
            self.availability.record_failure(reason, begun_at, is_write=is_write)
            raise StorageUnavailableError(reason) from error


def _handle_abandoned(task: asyncio.Task[Any]) -> None:
    """Mark the error of a transaction that was given up as retrieved. The event loop reports any unexpected error."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, GivenUpError) and find_outage(error) is None:
        context = {"message": "A transaction failed after its caller was canceled.", "exception": error}
        task.get_loop().call_exception_handler(context)


def notify_processes(conn: Connection) -> None:
    """Tell other processes of the changes of this transaction, when it commits."""
    if not is_sqlite(conn):
        conn.execute(sa.select(sa.func.pg_notify(CHANGE_CHANNEL, "")))


def is_sqlite(conn: Connection) -> bool:
    """Return whether the connection is to SQLite, for the few statements that differ between the databases."""
    return conn.dialect.name == "sqlite"


def _parse_url(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:  # ValueError: the port is invalid
        raise DatabaseUrlError("is not a URL; expected sqlite:///FILE or postgresql://USER@HOST/NAME") from error
    if parsed.drivername not in ("sqlite", "postgresql"):
        raise DatabaseUrlError(
            f"begins with {parsed.drivername}; expected sqlite:///FILE or postgresql://USER@HOST/NAME"
        )
    return parsed
