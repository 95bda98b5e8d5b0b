"""Control of the sandbox's database: writes, and real outages and locks."""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from gateway_sqlpos_sandbox.schema import TillTables

T = TypeVar("T")


class DatabaseControl(Protocol):
    """Exclusive access to the database. Sales continue while the database is down or locked for others."""

    async def run(self, work: Callable[[Connection], T]) -> T: ...
    async def take_down(self) -> None: ...
    async def lock_tables(self) -> None: ...
    async def restore(self) -> None: ...
    async def close(self) -> None: ...


class SQLiteControl:
    """A SQLite file. Down: the file is renamed. Hanging: one connection locks it, and writes without committing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._away = path.with_name(f"{path.name}.away")
        self._locking: Connection | None = None
        if self._away.exists():  # an earlier run was killed while the database was down
            os.replace(self._away, path)

    async def run(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self._run, work)

    def _run(self, work: Callable[[Connection], T]) -> T:
        if self._locking is not None:
            return self._run_in_savepoint(self._locking, work)
        with self._connect() as conn:
            result = work(conn)
            conn.exec_driver_sql("COMMIT")
            return result

    def _run_in_savepoint(self, conn: Connection, work: Callable[[Connection], T]) -> T:
        conn.exec_driver_sql("SAVEPOINT sale")
        try:
            return work(conn)
        except BaseException:
            conn.exec_driver_sql("ROLLBACK TO sale")
            raise

    def _connect(self) -> Connection:
        path = self._away if self._away.exists() else self._path
        options = {"timeout": 30, "isolation_level": None, "check_same_thread": False}
        conn = sa.create_engine(f"sqlite:///{path}", connect_args=options, poolclass=sa.NullPool).connect()
        conn.exec_driver_sql("PRAGMA foreign_keys = ON")
        conn.exec_driver_sql("BEGIN EXCLUSIVE")
        return conn

    async def take_down(self) -> None:
        os.replace(self._path, self._away)

    async def lock_tables(self) -> None:
        self._locking = await asyncio.to_thread(self._connect)

    async def restore(self) -> None:
        if self._locking is not None:
            self._locking.exec_driver_sql("COMMIT")
            self._locking.close()
            self._locking = None
        if self._away.exists():
            os.replace(self._away, self._path)

    async def close(self) -> None:
        await self.restore()


class ServerControl(ABC):
    """A database on a server. Down: it accepts no other connections. Hanging: its tables are locked."""

    def __init__(self, url: sa.URL, tables: TillTables) -> None:
        self._url, self._tables = url, tables
        self._engine = create_async_engine(url, poolclass=sa.NullPool)
        self._connection: AsyncConnection | None = None
        self._is_locking = False

    async def run(self, work: Callable[[Connection], T]) -> T:
        conn = await self._connect()
        async with conn.begin_nested() if self._is_locking else conn.begin():
            return await conn.run_sync(work)

    async def _connect(self) -> AsyncConnection:
        if self._connection is None:
            self._connection = await self._engine.connect()
            await self.prepare(self._connection)
        return self._connection

    async def prepare(self, conn: AsyncConnection) -> None:  # noqa: B027 not every server needs it
        """Prepare a new connection."""

    async def _execute(self, statement: str, **values: object) -> None:
        await (await self._connect()).execute(sa.text(statement), values)

    async def _commit(self) -> None:
        await (await self._connect()).commit()

    @abstractmethod
    async def take_down(self) -> None: ...

    async def lock_tables(self) -> None:
        await self._lock([table.name for table in self._tables.metadata.sorted_tables])
        self._is_locking = True

    @abstractmethod
    async def _lock(self, tables: Sequence[str]) -> None: ...

    @abstractmethod
    async def restore(self) -> None: ...

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
        await self._engine.dispose()


class PostgresControl(ServerControl):
    """PostgreSQL."""

    async def take_down(self) -> None:
        await self._connect()
        await self._allow_connections(False)
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        await self._execute(f"{others} AND pid <> pg_backend_pid()", name=self._url.database)
        await self._commit()

    async def _allow_connections(self, allowed: bool) -> None:
        elsewhere = create_async_engine(
            self._url.set(database="postgres"), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT"
        )
        async with elsewhere.connect() as conn:
            await conn.execute(sa.text(f'ALTER DATABASE "{self._url.database}" ALLOW_CONNECTIONS {allowed}'))

    async def _lock(self, tables: Sequence[str]) -> None:
        await self._execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")

    async def restore(self) -> None:
        self._is_locking = False
        await self._commit()
        await self._allow_connections(True)


class MariaDbControl(ServerControl):
    """MariaDB. It cannot close a single database, so while that is down, its tables are in another one."""

    async def prepare(self, conn: AsyncConnection) -> None:
        await conn.execute(sa.text("SET SESSION time_zone = '+00:00'"))
        await conn.commit()

    async def take_down(self) -> None:
        await self._execute(f"CREATE DATABASE IF NOT EXISTS {self._away}")
        await self._move_tables(str(self._url.database), self._away)
        await self._execute(f"DROP DATABASE {self._url.database}")
        await self._execute(f"USE {self._away}")
        await self._kill_connections()
        await self._commit()

    async def _kill_connections(self) -> None:
        """Existing connections would otherwise find no tables instead of no database."""
        others = sa.text("SELECT id FROM information_schema.processlist WHERE db = :name AND id <> connection_id()")
        for (id_,) in await (await self._connect()).execute(others, {"name": self._url.database}):
            await self._execute(f"KILL {int(id_)}")

    async def _move_tables(self, source: str, target: str) -> None:
        for table in self._tables.metadata.sorted_tables:
            await self._execute(f"RENAME TABLE {source}.{table.name} TO {target}.{table.name}")

    @property
    def _away(self) -> str:
        return f"{self._url.database}_away"

    async def _lock(self, tables: Sequence[str]) -> None:
        await self._execute("SET autocommit = 0")
        await self._execute(f"LOCK TABLES {', '.join(f'{table} WRITE' for table in tables)}")

    async def restore(self) -> None:
        await self._commit()
        if self._is_locking:
            await self._execute("UNLOCK TABLES")
        self._is_locking = False
        away = sa.text("SELECT count(*) FROM information_schema.schemata WHERE schema_name = :name")
        if await (await self._connect()).scalar(away, {"name": self._away}):
            await self._execute(f"CREATE DATABASE {self._url.database}")
            await self._move_tables(self._away, str(self._url.database))
            await self._execute(f"DROP DATABASE {self._away}")
            await self._execute(f"USE {self._url.database}")
        await self._commit()


def open_control(url: sa.URL, tables: TillTables) -> DatabaseControl:
    """Open the control of the database with this URL, for a till with these tables."""
    match url.drivername:
        case "sqlite":
            return SQLiteControl(Path(url.database or ""))
        case "postgresql":
            return PostgresControl(url.set(drivername="postgresql+asyncpg"), tables)
        case _:
            return MariaDbControl(url.set(drivername="mariadb+aiomysql"), tables)
