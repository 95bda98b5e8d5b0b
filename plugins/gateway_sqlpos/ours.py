"""Which rows of a till are the gateway's: their ids are derived from the keys of its commands.

So a command that is sent twice meets a primary key that is there already.
"""

from __future__ import annotations

PREFIX = "gw-"
"""Before a key, which has 32 characters: some tills have room for 36."""

_LINE = "#"
_SESSION = "gateway-"


def id_of(key: str, line: int | None = None) -> str:
    """The id of what the command with this key writes, or of one line of it."""
    return f"{PREFIX}{key}" if line is None else f"{PREFIX}{key}{_LINE}{line}"


def key_of(id_: str) -> str | None:
    """The key of the command that wrote this; None: the till did."""
    return id_.removeprefix(PREFIX).partition(_LINE)[0] if id_.startswith(PREFIX) else None


def session_of(place: str) -> str:
    """The host of our own cash sessions in a place. No till has it, so nobody else's report holds our receipts."""
    return f"{_SESSION}{place}"


def place_of(session: str) -> str | None:
    """The place of one of our own cash sessions."""
    return session.removeprefix(_SESSION) if session.startswith(_SESSION) else None
