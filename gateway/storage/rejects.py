"""Rejects (rule S8): records that could not be read, one row each, until they are good or gone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.rows import as_row, slices, upsert
from gateway.storage.tables import rejects


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectRow:
    """A row of `rejects`. `payload`: the raw data as ASCII-escaped JSON, until it expires."""

    id: str
    channel: str
    resource: str
    external_id: str
    feed: str
    reason: str
    field: str | None
    payload: str | None
    rejected_at: datetime


def store(conn: Connection, rows: Sequence[RejectRow]) -> None:
    """Insert these rejects; where one of the same record exists, it stays the same one."""
    known = {row.external_id: row.id for row in _existing(conn, rows)}
    kept = [as_row(row) | {"id": known.get(row.external_id, row.id)} for row in rows]
    upsert(conn, rejects, kept, ["channel", "resource", "external_id"])


def _existing(conn: Connection, rows: Sequence[RejectRow]) -> list[sa.Row[tuple[str, str]]]:
    found: list[sa.Row[tuple[str, str]]] = []
    for some in slices(rows):
        here = sa.and_(rejects.c.channel == some[0].channel, rejects.c.resource == some[0].resource)
        ids = [row.external_id for row in some]
        found += conn.execute(
            sa.select(rejects.c.external_id, rejects.c.id).where(here, rejects.c.external_id.in_(ids))
        )
    return found


def clear(conn: Connection, channel: str, resource: str, external_ids: Collection[str]) -> None:
    """These records are good, or gone."""
    for some in slices(sorted(external_ids)):
        here = sa.and_(rejects.c.channel == channel, rejects.c.resource == resource)
        conn.execute(sa.delete(rejects).where(here, rejects.c.external_id.in_(some)))


def by_ids(conn: Connection, ids: Sequence[str] | None, most: int = 10_000) -> list[RejectRow]:
    """These rejects, or all, the newest first."""
    statement = sa.select(rejects).order_by(rejects.c.rejected_at.desc(), rejects.c.id).limit(most)
    if ids is not None:
        statement = statement.where(rejects.c.id.in_(ids))
    return [RejectRow(**row._mapping) for row in conn.execute(statement)]


def forget_payloads(conn: Connection, before: datetime) -> int:
    """Personal data does not outlive its use (rule V1): the row stays, its payload goes."""
    old = sa.and_(rejects.c.rejected_at < before, rejects.c.payload.is_not(None))
    return conn.execute(sa.update(rejects).where(old).values(payload=None)).rowcount
