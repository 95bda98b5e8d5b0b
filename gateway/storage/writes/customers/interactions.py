"""Writes of interactions: service contacts, store visits and notes."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import build_insert_new
from gateway.storage.tables import interactions


class InteractionRow(NamedTuple):
    """A row of `interactions`. `source_key` names it in the system that sent it; None: nothing does."""

    id: str
    identity_id: str
    kind: str
    occurred_at: datetime
    channel: str | None
    location: str | None
    summary: str
    public: bool
    source_key: str | None
    actor: str
    created_at: datetime


_insert = build_insert_new(interactions, InteractionRow._fields)


def find_by_source_key(conn: Connection, source_key: str) -> InteractionRow | None:
    """Find the interaction with this source key."""
    row = conn.execute(sa.select(interactions).where(interactions.c.source_key == source_key)).first()
    return None if row is None else InteractionRow(*row)


def insert_interaction(conn: Connection, row: InteractionRow) -> None:
    """Insert an interaction, unless there is one with its source key."""
    _insert.run(conn, [row])
