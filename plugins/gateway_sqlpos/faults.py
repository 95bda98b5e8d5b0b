"""What a database says when it fails, as the errors of the SDK. Nothing of its own text is passed on but names."""

from __future__ import annotations

import re
import sqlite3

from gateway.sdk import AuthError, ChannelError, ContractError, UnavailableError

_MISSING = re.compile(
    r'no such (?:table|column): "?([\w.$ ]+)|(?:relation|column) "?([\w.$ ]+?)"? does not exist'
    r"|Table '(?:[\w$]+\.)?([\w$ ]+)' doesn't exist|Unknown column '([\w.$ ]+)'"
)
_NOT_GRANTED = re.compile(r"for (?:table|column) [`'\"]?(?:\w+[`'\"]?\.[`'\"]?)?([\w$]+)")
_DENIED = re.compile(r"permission denied for \w+ \"?([\w.$ ]+)")
_GRANT = "check the user and the password in the channel's url"
_READS, _WRITES = ("read", "SELECT"), ("write to", "SELECT, INSERT and UPDATE")
_READ_ONLY = "the till's database may only be read; give the url of one that takes writes, or leave stock_movements out"
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_UNREADABLE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_locked(error: BaseException) -> bool:
    """Whether another connection keeps a SQLite file to itself, so that asking again may succeed."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _BUSY


def is_undone(error: Exception) -> bool:
    """Whether a commit that failed like this has certainly changed nothing."""
    cause: object = getattr(error, "orig", None) or error
    state = str(getattr(cause, "sqlstate", None) or "")
    code, *_ = getattr(cause, "args", None) or (0,)
    return state.startswith(("40", "23")) or (type(cause).__module__.startswith("pymysql") and code == 1213)


def translated(error: Exception, *, writing: bool = False) -> ChannelError:
    """The error of the SDK that says what can be done about this one of a driver."""
    cause: object = getattr(error, "orig", None) or error
    wanted = _WRITES if writing else _READS
    if isinstance(cause, sqlite3.Error):
        return _sqlite(cause)
    if state := getattr(cause, "sqlstate", None):
        return _postgres(str(state), str(cause), wanted)
    if type(cause).__module__.startswith("pymysql"):
        return _mariadb(cause, wanted)
    if isinstance(cause, OSError) or getattr(error, "connection_invalidated", False):  # TimeoutError is one
        return UnavailableError("the till's database cannot be reached")
    return ContractError(f"the till's database answered with {type(cause).__name__}")


def _sqlite(error: sqlite3.Error) -> ChannelError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY:
        return UnavailableError("the till's database is locked")
    if code in _UNREADABLE:
        return ContractError("the till's file is not a SQLite database, or is damaged")
    if code in (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_PERM):
        return AuthError("the till's file may not be read; give this user the right to")
    if code == sqlite3.SQLITE_READONLY:
        return AuthError(_READ_ONLY)
    if code == sqlite3.SQLITE_ERROR:
        return _contract(str(error))
    return UnavailableError(f"the till's file cannot be read ({getattr(error, 'sqlite_errorname', 'no reason')})")


def _postgres(state: str, text: str, wanted: tuple[str, str]) -> ChannelError:
    if state.startswith("28"):
        return AuthError(f"the till's database refuses the user; {_GRANT}")
    if state == "42501":
        return _not_granted(_named(_DENIED, text), wanted)
    if state == "25006":
        return AuthError(_READ_ONLY)
    if state.startswith(("08", "53", "57", "58")) or state in ("3D000", "55000"):
        return UnavailableError(f"the till's database is not available (SQLSTATE {state})")
    if state.startswith("40"):
        return UnavailableError("the till's database was busy with something else")
    return _contract(text, state)


def _not_granted(name: str, wanted: tuple[str, str]) -> AuthError:
    return AuthError(f"the till's user may not {wanted[0]} {name}; grant {wanted[1]} on it")


def _mariadb(error: object, wanted: tuple[str, str]) -> ChannelError:
    """By the number with which each message begins (MariaDB's list of error codes)."""
    code, *said = getattr(error, "args", None) or (0,)
    if code in (1044, 1045, 1698, 4151):  # 4151: the account is locked
        return AuthError(f"the till's database refuses the user; {_GRANT}")
    if code in (1142, 1143):
        return _not_granted(_named(_NOT_GRANTED, str(said)), wanted)
    if code in (1290, 1792, 1836):
        return AuthError(_READ_ONLY)
    if code in (1146, 1054):
        return _contract(str(said))
    if code in (1205, 1213, 1040, 1049, 1053, 1077, 1129, 1203, 1226) or 2000 <= code < 2100:
        return UnavailableError(f"the till's database is not available (error {code})")
    return ContractError(f"the till's database does not understand the question (error {code})")


def _contract(text: str, state: str = "") -> ContractError:
    if (name := _named(_MISSING, text)) != "?":
        return ContractError(f"the till's database has no {name}; correct the layout in the channel's configuration")
    return ContractError(f"the till's database does not understand the question (SQLSTATE {state or 'unknown'})")


def _named(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return next((group for group in match.groups() if group), "?") if match else "?"
