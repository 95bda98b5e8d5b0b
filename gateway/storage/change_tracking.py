"""Change tracking: whether a transaction has changed a row, as the database reports it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

_HAS_CHANGED = "has_changed_rows"
_CHANGING = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|WITH\b.*\b(?:INSERT|UPDATE|DELETE))\b", re.IGNORECASE | re.DOTALL)


def track_changes(engine: Engine) -> None:
    """Record in the connections of the engine whether their transaction has changed rows."""

    sa.event.listen(engine, "begin", forget_changes)

    @sa.event.listens_for(engine, "after_cursor_execute")
    def record_change(conn: Connection, cursor: Any, statement: str, *_: Any) -> None:
        # of a statement that returns rows, some drivers count the changed ones only when all are fetched
        if _is_changing(statement) and (cursor.rowcount != 0 or cursor.description is not None):
            record_changed_rows(conn)


def forget_changes(conn: Connection) -> None:
    """Begin to record: what follows has changed no row yet."""
    conn.info.pop(_HAS_CHANGED, None)


def record_changed_rows(conn: Connection) -> None:
    """Record that the transaction of this connection has changed a row."""
    conn.info[_HAS_CHANGED] = True


def has_changed_rows(conn: Connection) -> bool:
    """Return whether the transaction of this connection has changed rows."""
    return _HAS_CHANGED in conn.info


@lru_cache(2_000)
def _is_changing(statement: str) -> bool:
    return _CHANGING.match(statement) is not None
