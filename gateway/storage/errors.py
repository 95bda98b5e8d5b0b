"""Errors of the database, and which of them mean that it cannot be used now."""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError


class DatabaseUrlError(ValueError):
    """The URL is not one of a supported database."""


class GivenUpError(Exception):
    """The caller has given up before the transaction began, so no one waits for this error."""


class StorageUnavailableError(Exception):
    """The database is away, full, read-only or out of connections. The same transaction may succeed later."""


_CONFLICT_STATES = {"40001", "40P01", "55P03", "23505"}
"""Serialization failure, deadlock, lock not available, and unique violation by a concurrent insert."""

_OUTAGE_CLASSES = ("08", "28", "3D", "53", "58", "57P")
"""Connection failed, login refused, no such database, resources exhausted, system error, server shuts down."""

_READ_ONLY_STATE = "25006"

_DATA_CLASSES = ("22", "23", "54")
"""Invalid value, violated constraint, and a value that exceeds a limit of the database, such as one in an index."""

_SQLITE_DATA = (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE)
_SQLITE_OVERFLOW = "integer overflow"
"""Message of SQLite for a sum that exceeds 64 bits. It has no code of its own."""

DATA_ERRORS = (sa.exc.StatementError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError)
"""Types of the errors that unusual data can cause; see `is_data_error`."""

_SQLITE_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_SQLITE_OUTAGES = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
    *_SQLITE_BUSY,
)


def is_conflict(error: BaseException) -> bool:
    """Return whether the error is a conflict with another transaction, so that a retry may succeed."""
    if not isinstance(error, DBAPIError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return _get_sqlite_code(error.orig) in _SQLITE_BUSY
    return _get_state(error.orig) in _CONFLICT_STATES


def is_data_error(error: BaseException) -> bool:
    """Return whether the values that were stored are why it failed, so that other values may succeed."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, DATA_ERRORS)
    if isinstance(error.orig, sqlite3.Error):
        return _get_sqlite_code(error.orig) in _SQLITE_DATA or str(error.orig) == _SQLITE_OVERFLOW
    return _get_state(error.orig).startswith(_DATA_CLASSES)


def find_outage(error: BaseException) -> str | None:
    """Return why the database cannot be used, in one line without values of statements; None: it is another error."""
    if isinstance(error, sa.exc.TimeoutError):
        return "no connection is free: all of the pool are in use"
    if isinstance(error, OSError | TimeoutError):
        return f"cannot be reached ({getattr(error, 'strerror', None) or error or type(error).__name__})"
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return str(cause) if _get_sqlite_code(cause) in _SQLITE_OUTAGES else None
    state = _get_state(cause)
    if state.startswith(_OUTAGE_CLASSES) or state == _READ_ONLY_STATE:
        return str(cause).partition("\n")[0]
    is_cut_off = isinstance(error, DBAPIError) and error.connection_invalidated
    return "the connection was closed" if is_cut_off else None


def _get_sqlite_code(error: sqlite3.Error) -> int:
    """Return the primary result code: an extended code has it in its lowest byte."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _get_state(error: BaseException | None) -> str:
    """Return the SQLSTATE of an error of PostgreSQL; empty: it has none."""
    return getattr(error, "sqlstate", None) or ""


class SnapshotError(Exception):
    """A statement of several that read in one snapshot has failed, and the others cannot be trusted."""
