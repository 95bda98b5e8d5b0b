"""The change log (rule L2): changed subjects, in an order that preserves the versions of each subject.

A transaction writes its log row last, when all its subjects are locked, so a later version of a subject has a
greater id. The stamper assigns positions to visible rows, by id; readers follow the positions and read the current
subjects.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.database import notify_processes
from gateway.storage.sql.bulk import AnyRow, dump_json, insert_new_rows
from gateway.storage.sql.driver_statements import DriverChange, DriverSelect
from gateway.storage.tables import changes, log_head, log_readers

PRUNE_SLICE = 500
"""Rows that are deleted in one transaction."""

Subject = tuple[str, int]
"""A subject's id and its new version."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the log."""

    pos: int
    kind: str
    subjects: tuple[Subject, ...]
    at: datetime


class ReaderBehindError(Exception):
    """Changes that the reader has not read were pruned: it has to start over."""


_insert = DriverChange(sa.insert(changes), ("kind", "subjects", "at"))
_most = sa.bindparam("most", type_=sa.Integer)
_unstamped = DriverSelect(sa.select(changes.c.id).where(changes.c.pos.is_(None)).order_by(changes.c.id).limit(_most))
_any_unstamped = DriverSelect(sa.select(changes.c.id).where(changes.c.pos.is_(None)).limit(1))
_stamp = DriverChange(sa.update(changes).where(changes.c.id == sa.bindparam("_id")), ("pos",))
_head, _locked_head = DriverSelect(sa.select(log_head.c.pos)), DriverSelect(sa.select(log_head.c.pos).with_for_update())
_move_head = DriverChange(sa.update(log_head), ("pos",))
_later = DriverSelect(
    sa.select(changes).where(changes.c.pos > sa.bindparam("after")).order_by(changes.c.pos).limit(_most)
)
_of_reader = log_readers.c.name == sa.bindparam("reader")
_locked_reader = DriverSelect(sa.select(log_readers.c.pos).where(_of_reader).with_for_update())
_move_reader = DriverChange(sa.update(log_readers).where(_of_reader), ("pos", "read_at"))
_lag = DriverSelect(
    sa.select(
        sa.select(log_head.c.pos).scalar_subquery().label("head"),
        sa.select(log_readers.c.pos).where(_of_reader).scalar_subquery().label("pos"),
    )
)


def log_change(conn: Connection, kind: str, subjects: Sequence[Subject], now: datetime) -> None:
    """Log that these subjects changed. Call it last in a transaction."""
    if subjects:
        _insert.run(conn, {"kind": kind, "subjects": dump_json(subjects), "at": now})


def stamp_changes(conn: Connection, limit: int = 1000) -> int:
    """Assign positions to rows that have none, and return their number."""
    pos = _read_pos(_locked_head.fetch(conn, {})) or 0
    rows = _unstamped.fetch(conn, {"most": limit})
    if rows:
        _stamp.run_all(conn, [{"_id": row.id, "pos": pos + n} for n, row in enumerate(rows, 1)])
        _move_head.run(conn, {"pos": pos + len(rows)})
        notify_processes(conn)
    return len(rows)


def _read_pos(rows: Sequence[Any]) -> int | None:
    return rows[0].pos if rows else None


def _read_head(conn: Connection) -> int:
    return _read_pos(_head.fetch(conn, {})) or 0


def has_unstamped(conn: Connection) -> bool:
    """Return whether changes have no position yet, without locking any."""
    return bool(_any_unstamped.fetch(conn, {}))


def list_changes(conn: Connection, pos: int, limit: int = 1000) -> list[Change]:
    """List the changes after this position.

    Raises:
        ReaderBehindError: some of them were pruned.
    """
    head = _read_head(conn)
    rows = _later.fetch(conn, {"after": pos, "most": limit})
    if (rows[0].pos if rows else max(head, pos) + 1) != pos + 1:  # positions have no gaps except for pruned rows
        raise ReaderBehindError(f"changes after position {pos} were pruned from the log")
    return [Change(row.pos, row.kind, tuple((s[0], s[1]) for s in json.loads(row.subjects)), row.at) for row in rows]


def read_changes(conn: Connection, reader: str, now: datetime, limit: int = 1000) -> list[Change] | None:
    """Return the changes that this reader has not read, and advance its position in this transaction.

    None: some of them were pruned, or the reader is new. It starts over from the current head.
    """
    pos = _lock_reader(conn, reader, now)
    try:
        unread = None if pos < 0 else list_changes(conn, pos, limit)
    except ReaderBehindError:
        unread = None
    reached = unread[-1].pos if unread else pos
    if unread is None:
        reached = _read_head(conn)
    if reached != pos:
        _move_reader.run(conn, {"reader": reader, "pos": reached, "read_at": now})
    return unread


def _lock_reader(conn: Connection, reader: str, now: datetime) -> int:
    """Return the position of a reader, locked; -1: it is new."""
    pos = _read_pos(_locked_reader.fetch(conn, {"reader": reader}))
    if pos is None:
        insert_new_rows(conn, log_readers, [{"name": reader, "pos": -1, "read_at": now}])
        pos = _read_pos(_locked_reader.fetch(conn, {"reader": reader}))
    return pos or 0


def is_behind(conn: Connection, reader: str) -> bool:
    """Return whether changes exist that this reader has not read."""
    (row,) = _lag.fetch(conn, {"reader": reader})
    return row.pos is None or row.pos < (row.head or 0)


def prune_log(conn: Connection, retained_since: datetime, now: datetime, most: int = PRUNE_SLICE) -> int:
    """Delete rows that all readers have read and that are older than `retained_since`, and any twice as old, at most
    `most`; return how many.

    Deletes from the beginning only, so that the log has no gaps: a row of a long transaction follows younger ones.
    """
    read = conn.scalar(sa.select(sa.func.min(log_readers.c.pos)))
    first = sa.select(changes.c.pos, changes.c.at).where(changes.c.pos.is_not(None)).order_by(changes.c.pos).limit(most)
    last_pos = _find_last_prunable(
        conn.execute(first).all(), read, retained_since, retained_since - (now - retained_since)
    )
    return 0 if last_pos is None else conn.execute(sa.delete(changes).where(changes.c.pos <= last_pos)).rowcount


def _find_last_prunable(
    rows: Sequence[AnyRow], read: int | None, retained_since: datetime, unread_since: datetime
) -> int | None:
    """Find the last of these rows before which all can be deleted. `unread_since`: from then on unread rows stay."""
    last_pos: int | None = None
    for row in rows:
        is_unread = read is not None and row.pos > read
        if row.at >= (unread_since if is_unread else retained_since):
            break
        last_pos = row.pos
    return last_pos
