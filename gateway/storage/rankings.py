"""Frozen rankings (rule T3): the order of what was found, kept for some minutes for those who read on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.rows import dump, load
from gateway.storage.tables import EPOCH, rankings

MOST_HITS = 1_000
MOST_RANKINGS = 1_000
LASTING = timedelta(minutes=10)
SHARED = timedelta(seconds=10)
"""So long everybody who searches for the same gets the same ranking, and only the first one writes it."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What was found, in order."""

    id: str
    ids: Sequence[str]


def fresh(conn: Connection, fingerprint: str, now: datetime) -> Ranking | None:
    """The ranking of the same search, if it was made a moment ago."""
    young = sa.and_(rankings.c.fingerprint == fingerprint, rankings.c.created_at > now - SHARED)
    statement = sa.select(rankings.c.id, rankings.c.ids).where(young).order_by(rankings.c.created_at.desc())
    row = conn.execute(statement.limit(1)).first()
    return None if row is None else Ranking(row.id, load(row.ids))


def by_id(conn: Connection, id_: str, fingerprint: str, now: datetime) -> Ranking | None:
    """This ranking of this search, unless it has expired."""
    here = sa.and_(rankings.c.id == id_, rankings.c.fingerprint == fingerprint)
    row = conn.execute(sa.select(rankings).where(here, rankings.c.created_at > now - LASTING)).first()
    return None if row is None else Ranking(row.id, load(row.ids))


def freeze(conn: Connection, ranking: Ranking, fingerprint: str, now: datetime) -> None:
    """Keep a ranking; the oldest go where there are too many."""
    row = {"id": ranking.id, "fingerprint": fingerprint, "ids": dump(list(ranking.ids)), "created_at": now}
    conn.execute(sa.insert(rankings), [row])
    newest = sa.select(rankings.c.created_at).order_by(rankings.c.created_at.desc()).offset(MOST_RANKINGS).limit(1)
    oldest = max(conn.scalar(newest) or EPOCH, now - LASTING)
    going = sa.select(rankings.c.id).where(rankings.c.created_at <= oldest).with_for_update(skip_locked=True)
    conn.execute(sa.delete(rankings).where(rankings.c.id.in_(going)))
