"""Access to the files of a SQLite database: they hold personal data, so only their owner may read them."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

PRIVATE = 0o600
_SUFFIXES = ("", "-wal", "-shm", "-journal")

_log = logging.getLogger(__name__)


def protect_files(database: Path) -> None:
    """Create the database's file for its owner alone, and take access to existing files from everybody else.

    SQLite gives its other files the mode of the database's file.
    """
    _create_private(database)
    for file in list_exposed_files(database):
        _make_private(file)


def list_exposed_files(database: Path) -> list[Path]:
    """List the files of the database that others than their owner may read or write."""
    files = (database.with_name(database.name + suffix) for suffix in _SUFFIXES)
    return [file for file in files if _is_exposed(file)]


def _is_exposed(file: Path) -> bool:
    try:
        return stat.S_IMODE(file.stat().st_mode) & ~PRIVATE != 0
    except FileNotFoundError:  # there is none, or SQLite has just deleted it
        return False


def _create_private(file: Path) -> None:
    """Create the file, if it does not exist, with its final mode: no other user can have opened it before."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, PRIVATE))
    except OSError:
        return  # it exists, or SQLite will say why it cannot be created


def _make_private(file: Path) -> None:
    try:
        file.chmod(PRIVATE)
    except OSError as error:
        _log.warning("%s can be read by others than its owner, and its mode cannot be changed: %s", file, error)
