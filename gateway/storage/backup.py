"""Backup of a SQLite database, while it is in use."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import sqlalchemy as sa

from gateway.storage.file_access import PRIVATE


class BackupError(Exception):
    """The database cannot be backed up. The message tells what to do."""


def back_up_database(url: str, target: Path) -> int:
    """Copy the database into a new file that only its owner may read, and return its size in bytes.

    The copy is one consistent state, and writers do not wait for it. It appears under its name when it is complete.

    Raises:
        BackupError: the database is on a server, or the file exists or cannot be written.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        raise BackupError(
            "a server keeps the database: back it up with the tools of PostgreSQL, see docs/operations.md"
        )
    if target.exists():
        raise BackupError(f"{target} exists; choose another file")
    source = Path(parsed.database or "")
    if not source.exists():
        raise BackupError(f"{source} does not exist: there is no database yet")
    return _copy_atomically(source, target)


def _copy_atomically(source: Path, target: Path) -> int:
    partial = target.with_name(f"{target.name}.partial")
    try:
        partial.unlink(missing_ok=True)  # of a backup that was killed
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, PRIVATE))
        _copy(source, partial)
        partial.rename(target)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        raise BackupError(f"{target} cannot be written: {error}") from error
    return target.stat().st_size


def _copy(source: Path, target: Path) -> None:
    """Copy all pages in one step: in steps it would begin anew whenever another process writes."""
    reading, writing = (sqlite3.connect(path, isolation_level=None) for path in (source, target))
    try:
        reading.backup(writing)
        if (problem := writing.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged: {problem}")
    finally:
        reading.close()
        writing.close()
