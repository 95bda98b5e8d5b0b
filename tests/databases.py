"""SQLite databases for tests: copies of one that is migrated once in a process."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from gateway.storage.migrate import upgrade


@cache
def migrated() -> bytes:
    """A file with the tables of this version and nothing in them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gateway.db"
        engine = sa.create_engine(f"sqlite:///{path}")
        with engine.begin() as conn:
            upgrade(conn)
        engine.dispose()
        return path.read_bytes()


def sqlite_database(path: Path) -> str:
    """The URL of a migrated, empty database at this path, which is new."""
    with path.open("xb") as file:
        file.write(migrated())
    return f"sqlite:///{path}"
