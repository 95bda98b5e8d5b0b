"""PostgreSQL: a pool of connections over asyncpg."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from gateway.storage.change_signal import CHANGE_CHANNEL
from gateway.storage.change_tracking import has_changed_rows, track_changes
from gateway.storage.tables.base import metadata

T = TypeVar("T")

PREPARED_STATEMENTS = 300
"""Prepared statements per connection: enough for all statements, unlike the driver's default of 100."""


_GROWN_TABLES = """SELECT relname FROM pg_stat_user_tables WHERE schemaname = current_schema()
  AND n_mod_since_analyze > 100 AND n_mod_since_analyze > n_live_tup / 2"""

UNCHECKED_TIME = 2.0
"""Seconds after its last use for which a connection is used again without a question to the server."""

CONNECT_TIMEOUT = 5.0
"""Seconds until an attempt to open a connection is given up."""


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Connections of one process to a database server.

    Attributes:
        size: connections that stay open.
        overflow: further connections under load.
        timeout: how long a transaction waits for a connection of the pool.
        pre_ping: check each connection before its use, unless it was used a moment ago: a server or firewall may have
            closed it.
        statement_timeout: after this time the server cancels a statement, for example of a process that was killed.
    """

    size: int = 8
    overflow: int = 10
    timeout: timedelta = timedelta(seconds=30)
    pre_ping: bool = True
    statement_timeout: timedelta = timedelta(seconds=60)


class PostgreSQLBackend:
    """A connection pool over asyncpg; READ COMMITTED for writing, autocommit for reading."""

    def __init__(self, url: sa.URL, options: PoolOptions, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._url, self._connect_args = url.set(drivername="postgresql+asyncpg"), _build_connect_args(options)
        self._engine: AsyncEngine = create_async_engine(
            self._url,
            pool_size=options.size,
            max_overflow=options.overflow,
            pool_timeout=options.timeout.total_seconds(),
            hide_parameters=True,
            connect_args=self._connect_args,
        )
        if options.pre_ping:
            _check_connections(self._engine.sync_engine)
        _set_page_cost(self._engine.sync_engine)
        track_changes(self._engine.sync_engine)
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` for reading. If the caller is canceled, the driver cancels its statement in the server.

        A read whose connection turns out to be closed is repeated on another one.
        """
        return await self._read_repeatedly(self._reading, work)

    async def read_snapshot(self, work: Callable[[Connection], T]) -> T:
        """Run `work` for reading as `read` does, in one transaction."""
        return await self._read_repeatedly(self._snapshots, work)

    async def _read_repeatedly(self, engine: AsyncEngine, work: Callable[[Connection], T]) -> T:
        try:
            return await self._read(engine, work)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return await self._read(engine, work)

    async def _read(self, engine: AsyncEngine, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with engine.sync_engine.connect() as conn:
                return work(conn)

        return await greenlet_spawn(run)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction."""

        def run() -> tuple[T, bool]:
            with self._engine.sync_engine.begin() as conn:
                return work(conn), has_changed_rows(conn)

        result, has_changed = await greenlet_spawn(run)
        if has_changed:
            self._on_change()
        return result

    async def watch(self, notify: Callable[[], None]) -> None:
        """Call `notify` at changes by other processes, until canceled or until the connection for that is lost."""
        engine, closed = (
            create_async_engine(self._url, poolclass=sa.NullPool, connect_args=self._connect_args),
            asyncio.Event(),
        )
        async with engine.connect() as conn:
            connection: Any = (await conn.get_raw_connection()).driver_connection
            connection.add_termination_listener(lambda _: closed.set())
            await connection.add_listener(CHANGE_CHANNEL, lambda *_: notify())
            notify()
            await closed.wait()

    async def tidy(self) -> None:
        """Analyze tables that have grown a lot, as by a first sync: the server does so up to a minute later, and until
        then a filtered list can take longer than that.
        """
        async with self._reading.connect() as conn:
            grown = (await conn.exec_driver_sql(_GROWN_TABLES)).scalars().all()
            for table in metadata.tables.keys() & set(grown):
                await conn.exec_driver_sql(f'ANALYZE "{table}"')

    def read_version(self) -> None:
        """A server has no such number that could be read without a statement."""

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


def _check_connections(engine: sa.Engine) -> None:
    """Check each connection of the pool before its use, unless it was used a moment ago: then its socket would tell.

    The pool would ask the server each time, in a transaction: three round trips, as many as a short transaction has.
    """
    used_at = "used_at"

    def note_use(_: Any, record: Any) -> None:
        record.info[used_at] = time.monotonic()

    def check(connection: Any, record: Any, _: Any) -> None:
        is_recent = time.monotonic() - record.info[used_at] < UNCHECKED_TIME
        if connection.driver_connection.is_closed() or not (is_recent or _is_answering(engine.dialect, connection)):
            raise sa.exc.InvalidatePoolError  # the pool opens another one, and others as they are used

    sa.event.listen(engine, "connect", note_use)
    sa.event.listen(engine, "checkin", note_use)
    sa.event.listen(engine, "checkout", check)


def _is_answering(dialect: Any, connection: Any) -> bool:
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        if not dialect.is_disconnect(error, connection, None):
            raise
        return False
    return True


def _set_page_cost(engine: sa.Engine) -> None:
    """Set on new connections what reading a page at random costs: the server's default, 4, is that of a spinning disk,
    with which whole tables are read instead of indexes. Not when they are opened: a pooler can refuse the setting.
    """

    def set_cost(connection: Any, _: Any) -> None:
        connection.run_async(lambda driver: driver.execute("SET random_page_cost = 1.1"))

    sa.event.listen(engine, "connect", set_cost)


def _build_connect_args(options: PoolOptions) -> Mapping[str, Any]:
    statement_timeout = int(options.statement_timeout / timedelta(milliseconds=1))
    return {
        "prepared_statement_cache_size": PREPARED_STATEMENTS,
        "timeout": CONNECT_TIMEOUT,
        # Compiling a statement (JIT) takes longer than the short statements of the gateway and its facets.
        "server_settings": {"statement_timeout": str(statement_timeout), "jit": "off"},
    }
