"""The sandbox's hold on its database: how it is written, taken down and made to hang. All of it for real."""

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


class ServerOwner(ABC):
    """A database of a server, held by one connection. Down: it lets nobody else in. Hanging: its tables are locked."""

    def __init__(self, url: sa.URL) -> None:
        self._url = url
        self._engine = create_async_engine(url, poolclass=sa.NullPool)
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

    async def _execute(self, statement: str, **values: object) -> None:
        await (await self._connected()).execute(sa.text(statement), values)

    async def _commit(self) -> None:
        await (await self._connected()).commit()

    @abstractmethod
    async def go_down(self) -> None: ...

    async def hang(self) -> None:
        await self._lock([table.name for table in schema.metadata.sorted_tables])
        self._hanging = True

    @abstractmethod
    async def _lock(self, tables: Sequence[str]) -> None: ...

    @abstractmethod
    async def mend(self) -> None: ...

    async def close(self) -> None:
        if self._own is not None:
            await self._own.close()
        await self._engine.dispose()


class PostgresOwner(ServerOwner):
    """PostgreSQL."""

    async def go_down(self) -> None:
        await self._connected()
        await self._connections(False)
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        await self._execute(f"{others} AND pid <> pg_backend_pid()", name=self._url.database)
        await self._commit()

    async def _connections(self, allowed: bool) -> None:
        elsewhere = create_async_engine(
            self._url.set(database="postgres"), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT"
        )
        async with elsewhere.connect() as conn:
            await conn.execute(sa.text(f'ALTER DATABASE "{self._url.database}" ALLOW_CONNECTIONS {allowed}'))

    async def _lock(self, tables: Sequence[str]) -> None:
        await self._execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")

    async def mend(self) -> None:
        self._hanging = False
        await self._commit()
        await self._connections(True)


class MariaOwner(ServerOwner):
    """MariaDB. It can lock nobody out of one database, so while it is down, the database's tables stand in another."""

    async def go_down(self) -> None:
        await self._execute(f"CREATE DATABASE IF NOT EXISTS {self._away}")
        await self._move(str(self._url.database), self._away)
        await self._execute(f"DROP DATABASE {self._url.database}")
        await self._execute(f"USE {self._away}")
        await self._end_others()
        await self._commit()

    async def _end_others(self) -> None:
        """Who is connected already would find no tables instead of no database."""
        others = sa.text("SELECT id FROM information_schema.processlist WHERE db = :name AND id <> connection_id()")
        for (id_,) in await (await self._connected()).execute(others, {"name": self._url.database}):
            await self._execute(f"KILL {int(id_)}")

    async def _move(self, source: str, target: str) -> None:
        for table in schema.metadata.sorted_tables:
            await self._execute(f"RENAME TABLE {source}.{table.name} TO {target}.{table.name}")

    @property
    def _away(self) -> str:
        return f"{self._url.database}_away"

    async def _lock(self, tables: Sequence[str]) -> None:
        await self._execute("SET autocommit = 0")
        await self._execute(f"LOCK TABLES {', '.join(f'{table} WRITE' for table in tables)}")

    async def mend(self) -> None:
        await self._commit()
        await self._execute("UNLOCK TABLES")
        self._hanging = False
        away = sa.text("SELECT count(*) FROM information_schema.schemata WHERE schema_name = :name")
        if await (await self._connected()).scalar(away, {"name": self._away}):
            await self._execute(f"CREATE DATABASE {self._url.database}")
            await self._move(self._away, str(self._url.database))
            await self._execute(f"DROP DATABASE {self._away}")
            await self._execute(f"USE {self._url.database}")
        await self._commit()


def owner_of(url: sa.URL) -> Owner:
    """Who holds the till at this address."""
    match url.drivername:
        case "sqlite":
            return SQLiteOwner(Path(url.database or ""))
        case "postgresql":
            return PostgresOwner(url.set(drivername="postgresql+asyncpg"))
        case _:
            return MariaOwner(url.set(drivername="mariadb+aiomysql"))
