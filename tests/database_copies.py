"""Copies of the contents of a gateway's database, which can be put into another one that is migrated and empty."""

from __future__ import annotations

import asyncio
import contextlib
import io
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from tests.databases import build_migrated_file

TEMPLATE = "template_gateway"
"""Name of the migrated, empty database of a PostgreSQL server of the tests."""

_TABLES = """
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0 ORDER BY relname
"""
_SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"


class DatabaseCopy(Protocol):
    """The contents of a database."""

    async def restore(self, url: str) -> bool:
        """Put the contents into a database. Return False, and leave it alone, unless it is migrated and empty."""
        ...


async def copy_database(url: str) -> DatabaseCopy:
    """Copy all that is committed in a database, which may be in use."""
    if url.startswith("sqlite"):
        return SQLiteCopy(await asyncio.to_thread(_read_file, _get_path(url)))
    async with _connect(url) as connection:
        return await _copy_tables(connection)


@dataclass(frozen=True, slots=True)
class SQLiteCopy:
    """The file of a database."""

    content: bytes

    async def restore(self, url: str) -> bool:
        """Replace the file."""
        path = _get_path(url)
        if not path.exists() or path.read_bytes() != build_migrated_file():
            return False
        path.write_bytes(self.content)
        return True


def _get_path(url: str) -> Path:
    return Path(sa.make_url(url).database or "")


def _read_file(path: Path) -> bytes:
    """Read the file together with its write-ahead log."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.serialize()


@dataclass(frozen=True, slots=True)
class PostgreSQLCopy:
    """The rows of the tables that have any, and the values of the sequences."""

    tables: Mapping[str, bytes]
    sequences: Mapping[str, int]

    async def restore(self, url: str) -> bool:
        """Replace the rows."""
        async with _connect(url) as connection:
            if await _copy_tables(connection) != await _copy_template(url):
                return False
            async with connection.transaction():
                await connection.execute("SET LOCAL session_replication_role = replica")  # no trigger runs again
                await self._fill(connection)
        return True

    async def _fill(self, connection: Any) -> None:
        await connection.execute("".join(f"DELETE FROM {name};" for name in self.tables))
        for name, rows in self.tables.items():
            await connection.copy_to_table(name, source=io.BytesIO(rows), format="binary")
        for name, value in self.sequences.items():
            await connection.execute("SELECT setval($1::text::regclass, $2)", name, value)


_templates: dict[sa.URL, PostgreSQLCopy] = {}


async def _copy_template(url: str) -> PostgreSQLCopy:
    """Copy the migrated, empty database of the same server, once."""
    address = sa.make_url(url).set(database=TEMPLATE)
    if address not in _templates:
        async with _connect(address.render_as_string(hide_password=False)) as connection:
            _templates[address] = await _copy_tables(connection)
    return _templates[address]


@contextlib.asynccontextmanager
async def _connect(url: str) -> AsyncIterator[Any]:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def _copy_tables(connection: Any) -> PostgreSQLCopy:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        names = [row["relname"] for row in await connection.fetch(_TABLES)]
        tables = {name: await _copy_rows(connection, name) for name in names}
        return PostgreSQLCopy(tables, dict(map(tuple, await connection.fetch(_SEQUENCES))))


async def _copy_rows(connection: Any, table: str) -> bytes:
    rows = io.BytesIO()
    await connection.copy_from_table(table, output=rows, format="binary")
    return rows.getvalue()
