"""SQLite databases for tests: copies of one that is migrated once per process."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from gateway.storage.migrate import upgrade


@cache
def build_migrated_file() -> bytes:
    """Build a database file with the current tables and no data."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gateway.db"
        engine = sa.create_engine(f"sqlite:///{path}")
        with engine.begin() as conn:
            upgrade(conn)
        engine.dispose()
        return path.read_bytes()


def create_sqlite_database(path: Path) -> str:
    """Create a migrated, empty database at this path, which must not exist, and return its URL."""
    with path.open("xb") as file:
        file.write(build_migrated_file())
    return f"sqlite:///{path}"
