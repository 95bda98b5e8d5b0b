"""The change log (rule L2): what changed, in an order in which no subject's versions stand the wrong way round.

A row is written in the transaction that made the change, last, when every subject is locked; so a later version of a
subject has a greater id. The stamper gives visible rows their place, by id; readers follow the places and read the
subjects anew.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.rows import dump, insert_new
from gateway.storage.tables import changes, log_head, log_readers

Subject = tuple[str, int]
"""A subject's id and the version that it has now."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the log."""

    pos: int
    kind: str
    subjects: tuple[Subject, ...]
    at: datetime


class ReaderBehindError(Exception):
    """What the reader has not read yet is no longer kept: it has to start anew."""


_insert = sa.insert(changes)


def record(conn: Connection, kind: str, subjects: Sequence[Subject], now: datetime) -> None:
    """Say that these subjects changed. The last thing a transaction does."""
    if subjects:
        conn.execute(_insert, {"kind": kind, "subjects": dump(subjects), "at": now})


def stamp(conn: Connection, most: int = 1000) -> int:
    """Give the rows that have none their places; how many there were."""
    pos = conn.scalar(sa.select(log_head.c.pos).with_for_update()) or 0
    ids = conn.scalars(sa.select(changes.c.id).where(changes.c.pos.is_(None)).order_by(changes.c.id).limit(most)).all()
    if ids:
        statement = sa.update(changes).where(changes.c.id == sa.bindparam("_id")).values(pos=sa.bindparam("_pos"))
        conn.execute(statement, [{"_id": id_, "_pos": pos + n} for n, id_ in enumerate(ids, 1)])
        conn.execute(sa.update(log_head).values(pos=pos + len(ids)))
    return len(ids)


def after(conn: Connection, pos: int, most: int = 1000) -> list[Change]:
    """What follows this place.

    Raises:
        ReaderBehindError: part of it is no longer kept.
    """
    head = conn.scalar(sa.select(log_head.c.pos)) or 0
    rows = conn.execute(sa.select(changes).where(changes.c.pos > pos).order_by(changes.c.pos).limit(most)).all()
    if (rows[0].pos if rows else max(head, pos) + 1) != pos + 1:  # places have no gaps, but for what was pruned
        raise ReaderBehindError(f"what follows {pos} in the log is no longer kept")
    return [Change(row.pos, row.kind, tuple((s[0], s[1]) for s in json.loads(row.subjects)), row.at) for row in rows]


def follow(conn: Connection, reader: str, now: datetime, most: int = 1000) -> list[Change] | None:
    """What this reader has not read yet, which it has by the end of this transaction.

    None: part of it is no longer kept, or it has never read anything: it starts anew, from here.
    """
    insert_new(conn, log_readers, [{"name": reader, "pos": -1, "read_at": now}])
    pos = conn.scalar(sa.select(log_readers.c.pos).where(log_readers.c.name == reader).with_for_update()) or 0
    try:
        found = None if pos < 0 else after(conn, pos, most)
    except ReaderBehindError:
        found = None
    reached = found[-1].pos if found else pos
    if found is None:
        reached = conn.scalar(sa.select(log_head.c.pos)) or 0
    if reached != pos:
        moved = sa.update(log_readers).where(log_readers.c.name == reader)
        conn.execute(moved.values(pos=reached, read_at=now))
    return found


def is_behind(conn: Connection, reader: str) -> bool:
    """Whether there is something that this reader has not read."""
    head = conn.scalar(sa.select(log_head.c.pos)) or 0
    pos = conn.scalar(sa.select(log_readers.c.pos).where(log_readers.c.name == reader))
    return pos is None or pos < head


def prune(conn: Connection, kept_since: datetime, now: datetime) -> int:
    """Forget what every reader has read and is older than this, and whatever is twice as old; how many rows.

    Only from the beginning, so that the log has no gaps: a row that was long under way stands behind younger ones.
    """
    read = conn.scalar(sa.select(sa.func.min(log_readers.c.pos)))
    most = _before(conn, kept_since)
    if read is not None:
        most = max(min(most, read), _before(conn, kept_since - (now - kept_since)))
    return conn.execute(sa.delete(changes).where(changes.c.pos <= most)).rowcount


def _before(conn: Connection, instant: datetime) -> int:
    """The place up to which everything is older than this."""
    younger = conn.scalar(sa.select(sa.func.min(changes.c.pos)).where(changes.c.at >= instant))
    return (conn.scalar(sa.select(log_head.c.pos)) or 0) if younger is None else younger - 1
