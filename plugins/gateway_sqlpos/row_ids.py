"""IDs of the rows that the gateway writes: they are derived from the keys of its commands.

A command that is sent twice therefore conflicts with an existing primary key.
"""

from __future__ import annotations

PREFIX = "gw-"
"""Prefix of a key, which has 32 characters: some tills limit IDs to 36."""

_LINE_SEPARATOR = "#"
_SESSION_PREFIX = "gateway-"


def build_row_id(key: str, line: int | None = None) -> str:
    """Build the ID of the row of a command, or of one of its lines."""
    return f"{PREFIX}{key}" if line is None else f"{PREFIX}{key}{_LINE_SEPARATOR}{line}"


def build_number_id(number: int) -> str:
    """Build the ID of the row that reserves a receipt number."""
    return f"{PREFIX}number{number}"


def parse_key(id_: str) -> str | None:
    """Parse the key of the command that wrote a row; None if the till wrote it."""
    return id_.removeprefix(PREFIX).partition(_LINE_SEPARATOR)[0] if id_.startswith(PREFIX) else None


def build_session_host(location: str) -> str:
    """Build the host name of the gateway's cash sessions of a location. No till uses it, so the receipts appear in no
    till's report.
    """
    return f"{_SESSION_PREFIX}{location}"


def parse_session_location(session: str) -> str | None:
    """Parse the location of one of the gateway's cash sessions."""
    return session.removeprefix(_SESSION_PREFIX) if session.startswith(_SESSION_PREFIX) else None
