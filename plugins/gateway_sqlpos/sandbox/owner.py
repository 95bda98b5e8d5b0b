"""The sandbox's hold on its database: how it is written, taken down and made to hang. All of it for real."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from gateway_sqlpos.sandbox import schema

T = TypeVar("T")


class Owner(Protocol):
    """What the sandbox writes through. A till that is down or hangs for everybody else still sells."""

    async def run(self, work: Callable[[Connection], T]) -> T: ...
    async def go_down(self) -> None: ...
    async def hang(self) -> None: ...
    async def mend(self) -> None: ...
    async def close(self) -> None: ...


class SQLiteOwner:
    """A file. Down: it has another name. Hanging: one connection has it to itself, and sells without committing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._away = path.with_name(f"{path.name}.away")
        self._held: Connection | None = None
        if self._away.exists():  # an earlier run was killed while it was down
            os.replace(self._away, path)

    async def run(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._run, work)

    def _run(self, work: Callable[[Connection], T]) -> T:
        if self._held is not None:
            return self._uncommitted(self._held, work)
        with self._connected() as conn:
            found = work(conn)
            conn.exec_driver_sql("COMMIT")
            return found

    def _uncommitted(self, conn: Connection, work: Callable[[Connection], T]) -> T:
        conn.exec_driver_sql("SAVEPOINT sale")
        try:
            return work(conn)
        except BaseException:
            conn.exec_driver_sql("ROLLBACK TO sale")
            raise

    def _connected(self) -> Connection:
        path = self._away if self._away.exists() else self._path
        options = {"timeout": 30, "isolation_level": None, "check_same_thread": False}
        conn = sa.create_engine(f"sqlite:///{path}", connect_args=options, poolclass=sa.NullPool).connect()
        conn.exec_driver_sql("BEGIN EXCLUSIVE")
        return conn

    async def go_down(self) -> None:
        os.replace(self._path, self._away)

    async def hang(self) -> None:
        self._held = await asyncio.to_thread(self._connected)

    async def mend(self) -> None:
        if self._held is not None:
            self._held.exec_driver_sql("COMMIT")
            self._held.close()
            self._held = None
        if self._away.exists():
            os.replace(self._away, self._path)

    async def close(self) -> None:
        await self.mend()


class PostgresOwner:
    """A database of a server. Down: it lets nobody in. Hanging: its tables are locked."""

    def __init__(self, url: sa.URL) -> None:
        self._url = url.set(drivername="postgresql+asyncpg")
        self._engine = create_async_engine(self._url, poolclass=sa.NullPool)
        self._own: AsyncConnection | None = None
        self._hanging = False

    async def run(self, work: Callable[[Connection], T]) -> T:
        conn = await self._connected()
        async with conn.begin_nested() if self._hanging else conn.begin():
            return await conn.run_sync(work)

    async def _connected(self) -> AsyncConnection:
        if self._own is None:
            self._own = await self._engine.connect()
        return self._own

    async def go_down(self) -> None:
        own = await (await self._connected()).scalar(sa.text("SELECT pg_backend_pid()"))
        await self._connections(False)
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name AND pid <> :own"
        await (await self._connected()).execute(sa.text(others), {"name": self._url.database, "own": own})
        await (await self._connected()).commit()

    async def _connections(self, allowed: bool) -> None:
        elsewhere = create_async_engine(
            self._url.set(database="postgres"), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT"
        )
        async with elsewhere.connect() as conn:
            await conn.execute(sa.text(f'ALTER DATABASE "{self._url.database}" ALLOW_CONNECTIONS {allowed}'))

    async def hang(self) -> None:
        conn = await self._connected()
        names = ", ".join(table.name for table in schema.metadata.sorted_tables)
        await conn.execute(sa.text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
        self._hanging = True

    async def mend(self) -> None:
        self._hanging = False
        await (await self._connected()).commit()
        await self._connections(True)

    async def close(self) -> None:
        if self._own is not None:
            await self._own.close()
        await self._engine.dispose()
