"""The state of single channel records, and the counter that orders observations (rule S1)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import Resource
from gateway.model.ids import derive_id, generate_ids
from gateway.storage.database import is_sqlite
from gateway.storage.sql.bulk import (
    AnyRow,
    BulkSelect,
    build_insert,
    build_insert_new,
    build_update,
    select_by_keys,
    slice_items,
)
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.sync.id_namespaces import ensure_namespace
from gateway.storage.tables import EPOCH, counters, sources

_observations = sa.Sequence("observations")


@dataclass(slots=True)  # frozen dataclasses take three times as long to create, and a sync creates two per record
class SourceRecord:
    """The state of one record. A record that was never read is gone, with `begin` and `end` 0.

    Attributes:
        version: the channel's version, as an integer.
        digest: of the raw data and the plugin's version.
        begin, end: the observation counter before and after the read that it comes from.
        dirty_at: the counter at which a hint requested another read.
        absent_at: the counter of the first complete pass that did not include it, until it is seen again.
        observed_at: when that read began.
    """

    id: str
    channel: str
    resource: str
    external_id: str
    feed: str
    note: str | None = None
    version: int | None = None
    digest: str | None = None
    begin: int = 0
    end: int = 0
    generation: int = 0
    dirty_at: int | None = None
    gone: bool = True
    rejected: bool = False
    absent_at: int | None = None
    observed_at: datetime = EPOCH

    def copy(self) -> SourceRecord:
        """Return a copy to be modified. `dataclasses.replace` is slower, because it processes each field."""
        return SourceRecord(*_values(self))


_NAMES = tuple(field.name for field in fields(SourceRecord))
_values = attrgetter(*_NAMES)
_columns: Sequence[sa.Column[Any]] = tuple(sources.c[name] for name in _NAMES)
_same_resource = sa.and_(sources.c.channel == sa.bindparam("channel"), sources.c.resource == sa.bindparam("resource"))
_valid = sa.and_(sources.c.gone.is_(False), sources.c.rejected.is_(False))
_locked_records = BulkSelect(
    sa.select(*_columns).where(_same_resource), sources.c.external_id, locked_by=sources.c.external_id
)
_digests = BulkSelect(
    sa.select(sources.c.external_id, sources.c.digest).where(_same_resource, _valid), sources.c.external_id
)
_insert, _insert_missing, _update = (build(sources, _NAMES) for build in (build_insert, build_insert_new, build_update))


_current_count = DriverSelect(sa.select(counters.c.value).where(counters.c.name == "observations"))
_LAST_OBSERVATION = sa.text("SELECT last_value FROM observations")
_next_observation = DriverSelect(sa.select(_observations.next_value().label("value")))
_dirty = DriverSelect(
    sa.select(*_columns)
    .where(
        sources.c.channel == sa.bindparam("channel"),
        sources.c.feed == sa.bindparam("feed"),
        sources.c.dirty_at.is_not(None),
    )
    .order_by(sources.c.dirty_at, sources.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_hint = (
    sa.update(sources)
    .where(
        sources.c.channel == sa.bindparam("_channel"),
        sources.c.resource == sa.bindparam("_resource"),
        sources.c.external_id.in_(sa.bindparam("_ids", expanding=True)),
    )
    .values(dirty_at=sa.bindparam("_count"))
)


def get_current_count(conn: Connection) -> int:
    """Return the counter's current value, to be read before the request that an observation comes from."""
    if is_sqlite(conn):
        return int(next((row.value for row in _current_count.fetch(conn, {})), 0))
    return int(conn.scalar(_LAST_OBSERVATION) or 0)


_advance = (
    sa.update(counters)
    .where(counters.c.name == "observations")
    .values(value=counters.c.value + 1)
    .returning(counters.c.value)
)


def take_next_count(conn: Connection) -> int:
    """Increment the counter and return its new value."""
    if is_sqlite(conn):
        return int(conn.scalar(_advance) or 0)
    return int(_next_observation.fetch(conn, {})[0].value)


def lock_records(
    conn: Connection, channel: str, resource: str, external_ids: Collection[str]
) -> dict[str, SourceRecord]:
    """Return the records with these ids, by id, locked until the end of the transaction.

    They are locked in order, so that two transactions never deadlock.
    """
    rows = _locked_records.select(conn, external_ids, channel=channel, resource=resource)
    return {source.external_id: source for source in map(_read_record, rows)}


def find_digests(conn: Connection, channel: str, resource: str, external_ids: Collection[str]) -> dict[str, str | None]:
    """Find the digest of each known record's last valid read."""
    rows = _digests.select(conn, external_ids, channel=channel, resource=resource)
    return {row.external_id: row.digest for row in rows}


def insert_unread(conn: Connection, channel: str, resource: str, feed: str, ids: Sequence[str], now: datetime) -> None:
    """Insert rows for records that were never read, so that they can be locked."""
    _insert_missing.run(conn, build_unread(conn, channel, resource, feed, sorted(set(ids)), now))


def build_unread(
    conn: Connection, channel: str, resource: str, feed: str, external_ids: Sequence[str], now: datetime
) -> list[SourceRecord]:
    """Build rows for records that were never read."""
    new = zip(_make_ids(conn, channel, resource, external_ids, now), external_ids, strict=True)
    return [SourceRecord(id_, channel, resource, external_id, feed) for id_, external_id in new]


def _make_ids(
    conn: Connection, channel: str, resource: str, external_ids: Sequence[str], now: datetime
) -> Sequence[str]:
    """Make the ids of records: derived ones for products (rule H1). Those of customers and orders cannot be guessed."""
    if resource != Resource.PRODUCTS.value or not external_ids:
        return generate_ids(now, len(external_ids))
    namespace = ensure_namespace(conn, channel)
    return [derive_id("product", namespace, external_id, 1) for external_id in external_ids]


def insert_records(conn: Connection, new: Sequence[SourceRecord]) -> None:
    """Insert rows of new records. A concurrent insert is a conflict."""
    _insert.run(conn, sorted(new, key=attrgetter("external_id")))


def update_records(conn: Connection, changed: Sequence[SourceRecord]) -> None:
    """Update these rows, which exist and are locked."""
    _update.run(conn, changed)


def touch_records(conn: Connection, ids: Sequence[str], begin: int, end: int, observed_at: datetime) -> None:
    """Advance the observation of records that were read again, unchanged. It never moves back."""
    for id_slice in slice_items(ids):
        conn.execute(
            sa.update(sources)
            .where(sources.c.id.in_(id_slice))
            .values(
                begin=_pick_later(sources.c.begin, begin),
                end=_pick_later(sources.c.end, end),
                observed_at=_pick_later(sources.c.observed_at, observed_at),
            )
        )


def _pick_later(column: sa.Column[Any], value: object) -> sa.ColumnElement[Any]:
    return sa.case((column < value, sa.literal(value, column.type)), else_=column)


def hint_records(conn: Connection, channel: str, resource: str, feed: str, ids: Sequence[str], now: datetime) -> None:
    """Request another read of these records (rule S2): only a read that begins later clears the request."""
    insert_unread(conn, channel, resource, feed, ids, now)
    count = take_next_count(conn)
    for id_slice in slice_items(sorted(set(ids))):
        values = {"_channel": channel, "_resource": resource, "_ids": list(id_slice), "_count": count}
        conn.execute(_hint, values)


def find_dirty(conn: Connection, channel: str, feed: str, limit: int) -> list[SourceRecord]:
    """List records to read again, longest waiting first."""
    return [_read_record(row) for row in _dirty.fetch(conn, {"channel": channel, "feed": feed, "most": limit})]


def find_unnamed(conn: Connection, channel: str, feed: str, begin: int, limit: int) -> list[SourceRecord]:
    """List present records, including rejected ones, that no read since `begin` has included.

    A record that has been marked for another read since then is excluded: that read decides.
    """
    statement = (
        _limit_to_unnamed(sa.select(*_columns), channel, feed, begin).order_by(sources.c.end, sources.c.id).limit(limit)
    )
    return [_read_record(row) for row in conn.execute(statement)]


def mark_absent(conn: Connection, ids: Sequence[str], begin: int) -> None:
    """Record that a complete pass did not include these records; skip those read since it began."""
    for id_slice in slice_items(ids):
        unread = sa.and_(sources.c.id.in_(id_slice), sources.c.end <= begin)
        conn.execute(sa.update(sources).where(unread).values(absent_at=begin))


def count_unnamed(conn: Connection, channel: str, feed: str, begin: int) -> int:
    """Count the records that `find_unnamed` would return without a limit."""
    return conn.scalar(_limit_to_unnamed(sa.select(sa.func.count()), channel, feed, begin)) or 0


def count_named(conn: Connection, channel: str, feed: str, begin: int) -> int:
    """Count the records that were read since `begin`."""
    condition = sa.and_(sources.c.channel == channel, sources.c.feed == feed, sources.c.end > begin)
    return conn.scalar(sa.select(sa.func.count()).select_from(sources).where(condition)) or 0


def _limit_to_unnamed(statement: sa.Select[Any], channel: str, feed: str, begin: int) -> sa.Select[Any]:
    settled = sa.or_(sources.c.dirty_at.is_(None), sources.c.dirty_at <= begin)
    return statement.select_from(sources).where(_is_present(channel, feed), sources.c.end <= begin, settled)


def _is_present(channel: str, feed: str) -> sa.ColumnElement[bool]:
    """Build the condition for records that a complete pass should include: also those that were never read
    successfully.
    """
    present = sa.or_(sources.c.gone.is_(False), sources.c.rejected.is_(True))
    return sa.and_(sources.c.channel == channel, sources.c.feed == feed, present)


def count_present(conn: Connection, channel: str, feed: str) -> int:
    """Count the records of this feed that are present in the channel."""
    return conn.scalar(sa.select(sa.func.count()).select_from(sources).where(_is_present(channel, feed))) or 0


def _read_record(row: AnyRow) -> SourceRecord:
    return SourceRecord(*row)


def find_feeds(conn: Connection, channel: str, resource: str, external_ids: Collection[str]) -> dict[str, str]:
    """Find the feed that each of these records came from."""
    statement = sa.select(sources.c.external_id, sources.c.feed).where(
        sources.c.channel == channel, sources.c.resource == resource
    )
    return {row.external_id: row.feed for row in select_by_keys(conn, statement, sources.c.external_id, external_ids)}


def count_dirty(conn: Connection, channel: str) -> dict[str, int]:
    """Count the records that wait for another read, by feed; feeds without any are omitted."""
    return {row.feed: row.waiting for row in _dirty_by_feed.fetch(conn, {"of_channel": channel})}


_dirty_by_feed = DriverSelect(
    sa.select(sources.c.feed, sa.func.count().label("waiting"))
    .where(sources.c.channel == sa.bindparam("of_channel"), sources.c.dirty_at.is_not(None))
    .group_by(sources.c.feed)
)
