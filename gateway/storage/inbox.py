"""The inbox: verified deliveries, stored before they are answered (rule S2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.rows import dump, load
from gateway.storage.tables import inbox


@dataclass(frozen=True, slots=True)
class Letter:
    """A delivery that is not processed yet."""

    id: int
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


def store(
    conn: Connection, channel: str, delivery_id: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> bool:
    """Keep a delivery; False, if it is known already."""
    insert = sqlite.insert(inbox) if is_sqlite(conn) else postgresql.insert(inbox)
    row = {"channel": channel, "delivery_id": delivery_id, "headers": dump(dict(headers)), "body": body}
    return conn.execute(insert.values(received_at=now, **row).on_conflict_do_nothing()).rowcount == 1


def waiting(conn: Connection, channel: str, most: int) -> list[Letter]:
    """Deliveries that are not processed yet, the oldest first."""
    here = sa.and_(inbox.c.channel == channel, inbox.c.processed_at.is_(None))
    rows = conn.execute(sa.select(inbox).where(here).order_by(inbox.c.id).limit(most))
    return [Letter(row.id, load(row.headers), row.body, row.received_at) for row in rows]


def any_waiting(conn: Connection, channel: str) -> bool:
    """Whether `waiting` would give any."""
    here = sa.and_(inbox.c.channel == channel, inbox.c.processed_at.is_(None))
    return conn.execute(sa.select(inbox.c.id).where(here).limit(1)).first() is not None


def processed(conn: Connection, id_: int, now: datetime, problem: str | None = None) -> None:
    """The delivery has had its effect; or, for this reason, it has none."""
    conn.execute(sa.update(inbox).where(inbox.c.id == id_).values(processed_at=now, problem=problem))


def prune(conn: Connection, before: datetime) -> int:
    """Forget deliveries that were processed before then (rule V1)."""
    return conn.execute(sa.delete(inbox).where(inbox.c.processed_at < before)).rowcount
