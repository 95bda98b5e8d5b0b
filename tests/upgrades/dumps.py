"""Databases of earlier versions, restored from SQL dumps."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import build_database_url, execute_on_postgres


def read_dump(folder: Path, kind: str) -> str:
    """Return the SQL dump of a database of this kind."""
    return gzip.decompress((folder / f"{kind}.sql.gz").read_bytes()).decode()


@contextlib.contextmanager
def restore_database(request: pytest.FixtureRequest, folder: Path, kind: str, directory: Path) -> Iterator[str]:
    """Restore a database of this kind, and return its URL."""
    dump = read_dump(folder, kind)
    if kind == "sqlite":
        path = directory / "gateway.db"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.executescript(dump)
        yield f"sqlite:///{path}"
        return
    address, name = request.getfixturevalue("postgres_server"), "upgraded"
    execute_on_postgres(address, f"CREATE DATABASE {name}")
    url = build_database_url(address, name)
    asyncio.run(_execute(url, dump))
    yield url
    execute_on_postgres(address, f"DROP DATABASE {name} WITH (FORCE)")


async def _execute(url: str, dump: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        await connection.execute(dump)
    finally:
        await connection.close()
