"""Rejects (rule S8): records that could not be read, one row each, until they are good or gone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.records import Ref
from gateway.storage.rows import as_row, slices, upsert
from gateway.storage.tables import Text, listings, rejects, sources, stock


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


Places = Collection[tuple[str, str]]
"""The places of channels, each (channel, its id there), that the configuration maps to a location."""


def with_waiting(mapped: Places) -> sa.Subquery:
    """Rejects, and stock that waits: for an item that no listing has, or in a place that nothing maps (rule S6).

    That stock is known, and counts as soon as its item or its place is.
    """
    refused = sa.select(*(rejects.c[field] for field in RejectRow.__slots__))
    return sa.union_all(refused, _waiting(mapped)).subquery("rejects_and_waiting")


def _waiting(mapped: Places) -> sa.Select[Any]:
    known_place = sa.tuple_(stock.c.channel, stock.c.place).in_(sorted(mapped))
    same_item = sa.and_(listings.c.channel == stock.c.channel, listings.c.inventory_item == stock.c.item)
    known_item = sa.exists().where(same_item, listings.c.current, listings.c.gone.is_(False))
    nowhere = sa.literal("waiting: no location of the configuration is the channel's place ") + stock.c.place
    nothing = sa.literal("waiting: no listing of the channel is known to have the item ") + stock.c.item
    missing = sa.null().cast(Text)
    return (
        sa.select(
            stock.c.id,
            stock.c.channel,
            sources.c.resource,
            sources.c.external_id,
            sources.c.feed,
            sa.case((known_place, nothing), else_=nowhere).label("reason"),
            missing.label("field"),
            missing.label("payload"),
            stock.c.updated_at.label("rejected_at"),
        )
        .join(sources, sources.c.id == stock.c.id)
        .where(stock.c.known, sa.not_(sa.and_(known_place, known_item)))
    )


def by_ids(conn: Connection, ids: Sequence[str] | None, mapped: Places, most: int = 10_000) -> list[RejectRow]:
    """These rejects, or all, and what waits; the newest first."""
    found = with_waiting(mapped)
    statement = sa.select(found).order_by(found.c.rejected_at.desc(), found.c.id).limit(most)
    if ids is not None:
        statement = statement.where(found.c.id.in_(ids))
    return [RejectRow(**row._mapping) for row in conn.execute(statement)]


def ref_of(conn: Connection, row: RejectRow) -> Ref:
    """By what the channel knows the record."""
    here = sa.and_(sources.c.channel == row.channel, sources.c.resource == row.resource)
    note = conn.scalar(sa.select(sources.c.note).where(here, sources.c.external_id == row.external_id))
    return Ref(row.external_id, note)


def waits(conn: Connection, row: RejectRow) -> bool:
    """Whether the record is still to be read again."""
    here = sa.and_(sources.c.channel == row.channel, sources.c.resource == row.resource)
    asked = sa.select(sources.c.dirty_at).where(here, sources.c.external_id == row.external_id)
    return conn.scalar(asked) is not None


def forget_payloads(conn: Connection, before: datetime) -> int:
    """Personal data does not outlive its use (rule V1): the row stays, its payload goes."""
    old = sa.and_(rejects.c.rejected_at < before, rejects.c.payload.is_not(None))
    return conn.execute(sa.update(rejects).where(old).values(payload=None)).rowcount
