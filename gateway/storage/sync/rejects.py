"""Rejects (rule S8): records that could not be decoded or applied, one row each, until they are valid or gone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import RejectSeverity
from gateway.sdk.records import Ref
from gateway.storage.sql.bulk import BulkSelect, convert_to_row, slice_items, upsert_rows
from gateway.storage.tables import Text, listings, rejects, sources, stock


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectRow:
    """A row of `rejects`.

    Attributes:
        payload: the raw data as ASCII-escaped JSON, until it expires.
        severity: a value of `RejectSeverity`.
        detail: the text of the plugin's exception and the lines that raised it, as long as the payload.
    """

    id: str
    channel: str
    resource: str
    external_id: str
    feed: str
    reason: str
    field: str | None
    payload: str | None
    rejected_at: datetime
    severity: str = RejectSeverity.ERROR.value
    detail: str | None = None


def store_rejects(conn: Connection, rows: Sequence[RejectRow]) -> None:
    """Insert these rejects; an existing reject of the same record keeps its id."""
    ids = {row.external_id: row.id for row in _find_existing(conn, rows)}
    values = [convert_to_row(row) | {"id": ids.get(row.external_id, row.id)} for row in rows]
    upsert_rows(conn, rejects, values, ["channel", "resource", "external_id"])


def _find_existing(conn: Connection, rows: Sequence[RejectRow]) -> list[sa.Row[tuple[str, str]]]:
    existing: list[sa.Row[tuple[str, str]]] = []
    for row_slice in slice_items(rows):
        same_resource = sa.and_(rejects.c.channel == row_slice[0].channel, rejects.c.resource == row_slice[0].resource)
        ids = [row.external_id for row in row_slice]
        existing += conn.execute(
            sa.select(rejects.c.external_id, rejects.c.id).where(same_resource, rejects.c.external_id.in_(ids))
        )
    return existing


_warned = BulkSelect(
    sa.select(rejects.c.external_id).where(
        rejects.c.channel == sa.bindparam("channel"),
        rejects.c.resource == sa.bindparam("resource"),
        rejects.c.severity == RejectSeverity.WARNING.value,
    ),
    rejects.c.external_id,
)


def find_warned(conn: Connection, channel: str, resource: str, external_ids: Collection[str]) -> Collection[str]:
    """Find those of these records that are listed with a warning."""
    rows = _warned.select(conn, external_ids, channel=channel, resource=resource)
    return frozenset(row.external_id for row in rows)


def clear_rejects(conn: Connection, channel: str, resource: str, external_ids: Collection[str]) -> None:
    """Delete the rejects of records that are valid or gone."""
    for id_slice in slice_items(sorted(external_ids)):
        same_resource = sa.and_(rejects.c.channel == channel, rejects.c.resource == resource)
        conn.execute(sa.delete(rejects).where(same_resource, rejects.c.external_id.in_(id_slice)))


MappedLocations = Collection[tuple[str, str]]
"""External locations (channel, id) that the configuration maps to a location."""


def select_with_waiting(mapped: MappedLocations) -> sa.Subquery:
    """Select rejects and waiting stock: counts of an item without a listing or at an unmapped external location (rule
    S6).

    Such a count is stored, and takes effect once its item and its location are known.
    """
    rejected = sa.select(*(rejects.c[field] for field in RejectRow.__slots__))
    return sa.union_all(rejected, _select_waiting(mapped)).subquery("rejects_and_waiting")


def _select_waiting(mapped: MappedLocations) -> sa.Select[Any]:
    has_location = sa.tuple_(stock.c.channel, stock.c.place).in_(sorted(mapped))
    same_item = sa.and_(listings.c.channel == stock.c.channel, listings.c.inventory_item == stock.c.item)
    has_listing = sa.exists().where(same_item, listings.c.current, listings.c.gone.is_(False))
    no_location = sa.literal("waiting: no location of the configuration has the channel's location ") + stock.c.place
    no_listing = sa.literal("waiting: no listing of the channel has the inventory item ") + stock.c.item
    null_text = sa.null().cast(Text)
    return (
        sa.select(
            stock.c.id,
            stock.c.channel,
            sources.c.resource,
            sources.c.external_id,
            sources.c.feed,
            sa.case((has_location, no_listing), else_=no_location).label("reason"),
            null_text.label("field"),
            null_text.label("payload"),
            stock.c.updated_at.label("rejected_at"),
            sa.literal(RejectSeverity.ERROR.value, Text).label("severity"),
            null_text.label("detail"),
        )
        .join(sources, sources.c.id == stock.c.id)
        .where(stock.c.known, sa.not_(sa.and_(has_location, has_listing)))
    )


def find_rejects(
    conn: Connection, ids: Sequence[str] | None, mapped: MappedLocations, limit: int = 10_000
) -> list[RejectRow]:
    """List these rejects and waiting counts, or all; newest first."""
    records = select_with_waiting(mapped)
    statement = sa.select(records).order_by(records.c.rejected_at.desc(), records.c.id).limit(limit)
    if ids is not None:
        statement = statement.where(records.c.id.in_(ids))
    return [RejectRow(**row._asdict()) for row in conn.execute(statement)]


@dataclass(frozen=True, slots=True)
class FeedCounts:
    """Records of a feed: those that are shown or rejected, those that are rejected, and those with a warning: counts
    that wait, and records without some of their values.
    """

    records: int
    rejected: int
    warned: int

    @property
    def is_all_rejected(self) -> bool:
        """Whether the feed has records, and none of them is shown."""
        return 0 < self.records == self.rejected


def count_by_feed(conn: Connection, channel: str, mapped: MappedLocations) -> dict[str, FeedCounts]:
    """Count the records of each feed of a channel."""
    rejected = sa.func.sum(sa.case((sources.c.rejected, 1), else_=0))
    is_present = sa.or_(~sources.c.gone, sources.c.rejected)
    statement = sa.select(sources.c.feed, sa.func.count(), rejected).where(sources.c.channel == channel, is_present)
    waiting, warned = _count_waiting(conn, channel, mapped), _count_warned(conn, channel)
    return {
        feed: FeedCounts(records, rejected or 0, waiting.get(feed, 0) + warned.get(feed, 0))
        for feed, records, rejected in conn.execute(statement.group_by(sources.c.feed))
    }


def _count_warned(conn: Connection, channel: str) -> dict[str, int]:
    is_warning = sa.and_(rejects.c.channel == channel, rejects.c.severity == RejectSeverity.WARNING.value)
    statement = sa.select(rejects.c.feed, sa.func.count().label("warned")).where(is_warning)
    return {row.feed: row.warned for row in conn.execute(statement.group_by(rejects.c.feed))}


def _count_waiting(conn: Connection, channel: str, mapped: MappedLocations) -> dict[str, int]:
    records = _select_waiting(mapped).subquery()
    number = sa.func.count().label("waiting")
    statement = sa.select(records.c.feed, number).where(records.c.channel == channel)
    return {row.feed: row.waiting for row in conn.execute(statement.group_by(records.c.feed))}


def get_ref(conn: Connection, row: RejectRow) -> Ref:
    """Return the reference by which the channel knows the record."""
    same_resource = sa.and_(sources.c.channel == row.channel, sources.c.resource == row.resource)
    note = conn.scalar(sa.select(sources.c.note).where(same_resource, sources.c.external_id == row.external_id))
    return Ref(row.external_id, note)


def is_waiting(conn: Connection, row: RejectRow) -> bool:
    """Return whether the record still waits for another read."""
    same_resource = sa.and_(sources.c.channel == row.channel, sources.c.resource == row.resource)
    statement = sa.select(sources.c.dirty_at).where(same_resource, sources.c.external_id == row.external_id)
    return conn.scalar(statement) is not None


def purge_payloads(conn: Connection, before: datetime, most: int) -> int:
    """Delete the payloads of old rejects, at most `most`, and return how many (rule V1). The rows remain.

    Payloads may contain personal data.
    """
    old = sa.and_(rejects.c.rejected_at < before, rejects.c.payload.is_not(None))
    ids = sa.select(rejects.c.id).where(old).limit(most)
    return conn.execute(sa.update(rejects).where(rejects.c.id.in_(ids)).values(payload=None, detail=None)).rowcount
