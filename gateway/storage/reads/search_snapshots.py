"""Search snapshots (rule T3): the order of search results, stored for some minutes for later pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import dump_json, load_json
from gateway.storage.tables import EPOCH, rankings

MAX_HITS = 1_000
MAX_SNAPSHOTS = 1_000
LIFETIME = timedelta(minutes=10)
REUSE_WITHIN = timedelta(seconds=10)
"""Within this time all identical searches share one snapshot, and only the first one writes it."""


@dataclass(frozen=True, slots=True)
class SearchSnapshot:
    """The ids of a search's results, in order."""

    id: str
    ids: Sequence[str]


def find_recent(conn: Connection, fingerprint: str, now: datetime) -> SearchSnapshot | None:
    """Find the latest snapshot of the same search, if it is recent."""
    recent = sa.and_(rankings.c.fingerprint == fingerprint, rankings.c.created_at > now - REUSE_WITHIN)
    statement = sa.select(rankings.c.id, rankings.c.ids).where(recent).order_by(rankings.c.created_at.desc())
    row = conn.execute(statement.limit(1)).first()
    return None if row is None else SearchSnapshot(row.id, load_json(row.ids))


def find_snapshot(conn: Connection, id_: str, fingerprint: str, now: datetime) -> SearchSnapshot | None:
    """Find a snapshot of this search by id, unless it has expired."""
    same_search = sa.and_(rankings.c.id == id_, rankings.c.fingerprint == fingerprint)
    row = conn.execute(sa.select(rankings).where(same_search, rankings.c.created_at > now - LIFETIME)).first()
    return None if row is None else SearchSnapshot(row.id, load_json(row.ids))


def store_snapshot(conn: Connection, snapshot: SearchSnapshot, fingerprint: str, now: datetime) -> None:
    """Store a snapshot, and delete the oldest above the limit."""
    row = {"id": snapshot.id, "fingerprint": fingerprint, "ids": dump_json(list(snapshot.ids)), "created_at": now}
    conn.execute(sa.insert(rankings), [row])
    limit = sa.select(rankings.c.created_at).order_by(rankings.c.created_at.desc()).offset(MAX_SNAPSHOTS).limit(1)
    expired_at = max(conn.scalar(limit) or EPOCH, now - LIFETIME)
    expired = sa.select(rankings.c.id).where(rankings.c.created_at <= expired_at).with_for_update(skip_locked=True)
    conn.execute(sa.delete(rankings).where(rankings.c.id.in_(expired)))
