"""Mapping of database errors to those of the SDK. Texts of the database are not passed on, only names."""

from __future__ import annotations

import re
import sqlite3

from gateway.sdk import AuthError, ChannelError, ContractError, UnavailableError

_MISSING_NAME = re.compile(
    r'no such (?:table|column): "?([\w.$ ]+)|(?:relation|column) "?([\w.$ ]+?)"? does not exist'
    r"|Table '(?:[\w$]+\.)?([\w$ ]+)' doesn't exist|Unknown column '([\w.$ ]+)'"
)
_MARIADB_DENIED_NAME = re.compile(r"for (?:table|column) [`'\"]?(?:\w+[`'\"]?\.[`'\"]?)?([\w$]+)")
_POSTGRES_DENIED_NAME = re.compile(r"permission denied for \w+ \"?([\w.$ ]+)")
_LOGIN_ADVICE = "check the user and the password in the channel's url"
_READ_GRANT, _WRITE_GRANT = ("read", "SELECT"), ("write to", "SELECT, INSERT and UPDATE")
_READ_ONLY_MESSAGE = "the till's database is read-only; configure the url of a writable one, or disable its writes"
_BUSY_CODES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_UNREADABLE_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_locked(error: BaseException) -> bool:
    """Whether a lock of another connection caused the error, so that a retry may succeed."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _BUSY_CODES


def is_rolled_back(error: Exception) -> bool:
    """Whether a commit that failed with this error has certainly changed nothing."""
    cause: object = getattr(error, "orig", None) or error
    state = str(getattr(cause, "sqlstate", None) or "")
    code, *_ = getattr(cause, "args", None) or (0,)
    return state.startswith(("40", "23")) or (type(cause).__module__.startswith("pymysql") and code == 1213)


def map_error(error: Exception, *, writing: bool = False) -> ChannelError:
    """Map an error of a driver."""
    cause: object = getattr(error, "orig", None) or error
    grant = _WRITE_GRANT if writing else _READ_GRANT
    if isinstance(cause, sqlite3.Error):
        return _map_sqlite_error(cause)
    if state := getattr(cause, "sqlstate", None):
        return _map_postgres_error(str(state), str(cause), grant)
    if type(cause).__module__.startswith("pymysql"):
        return _map_mariadb_error(cause, grant)
    if isinstance(cause, OSError) or getattr(error, "connection_invalidated", False):  # includes TimeoutError
        return UnavailableError("the till's database is unreachable")
    return ContractError(f"the till's database answered with {type(cause).__name__}")


def _map_sqlite_error(error: sqlite3.Error) -> ChannelError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY_CODES:
        return UnavailableError("the till's database is locked")
    if code in _UNREADABLE_CODES:
        return ContractError("the till's file is not a SQLite database, or is damaged")
    if code in (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_PERM):
        return AuthError("the till's file cannot be read; grant this user the permission")
    if code == sqlite3.SQLITE_READONLY:
        return AuthError(_READ_ONLY_MESSAGE)
    if code == sqlite3.SQLITE_ERROR:
        return _make_contract_error(str(error))
    return UnavailableError(f"the till's file cannot be read ({getattr(error, 'sqlite_errorname', 'no reason')})")


def _map_postgres_error(state: str, text: str, grant: tuple[str, str]) -> ChannelError:
    if state.startswith("28"):
        return AuthError(f"the till's database rejected the user; {_LOGIN_ADVICE}")
    if state == "42501":
        return _make_permission_error(_find_name(_POSTGRES_DENIED_NAME, text), grant)
    if state == "25006":
        return AuthError(_READ_ONLY_MESSAGE)
    if state.startswith(("08", "53", "57", "58")) or state in ("3D000", "55000"):
        return UnavailableError(f"the till's database is not available (SQLSTATE {state})")
    if state.startswith("40"):
        return UnavailableError("the till's database was busy with other transactions")
    return _make_contract_error(text, state)


def _make_permission_error(name: str, grant: tuple[str, str]) -> AuthError:
    return AuthError(f"the till's user has no permission to {grant[0]} {name}; grant {grant[1]} on it")


def _map_mariadb_error(error: object, grant: tuple[str, str]) -> ChannelError:
    """Map an error by its number (MariaDB's list of error codes)."""
    code, *texts = getattr(error, "args", None) or (0,)
    if code in (1044, 1045, 1698, 4151):  # 4151: the account is locked
        return AuthError(f"the till's database rejected the user; {_LOGIN_ADVICE}")
    if code in (1142, 1143):
        return _make_permission_error(_find_name(_MARIADB_DENIED_NAME, str(texts)), grant)
    if code in (1290, 1792, 1836):
        return AuthError(_READ_ONLY_MESSAGE)
    if code in (1146, 1054):
        return _make_contract_error(str(texts))
    if code in (1205, 1213, 1040, 1049, 1053, 1077, 1129, 1203, 1226) or 2000 <= code < 2100:
        return UnavailableError(f"the till's database is not available (error {code})")
    return ContractError(f"the till's database rejected the statement (error {code})")


def _make_contract_error(text: str, state: str = "") -> ContractError:
    if (name := _find_name(_MISSING_NAME, text)) != "?":
        return ContractError(f"the till's database has no {name}; correct the layout in the channel's configuration")
    return ContractError(f"the till's database rejected the statement (SQLSTATE {state or 'unknown'})")


def _find_name(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return next((group for group in match.groups() if group), "?") if match else "?"
