"""What is known of single records in their channels, and the counter that orders observations (rule S1)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.ids import new_ids
from gateway.storage.database import is_sqlite
from gateway.storage.rows import AnyRow, Keyed, adding, inserting, select_in, slices, updating
from gateway.storage.tables import EPOCH, counters, sources

_observations = sa.Sequence("observations")


@dataclass(slots=True)  # frozen ones take three times as long to make, and a sync makes two per record
class Source:
    """What is known of one record. Never read yet: gone, with begin and end 0.

    Attributes:
        version: the channel's, as an integer.
        digest: of the raw data and the plugin's version.
        begin, end: the counter around the read that it comes from.
        dirty_at: the counter when a hint asked to read it again.
        absent_at: the end of the first complete pass that did not name it, until it is seen again.
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

    def copy(self) -> Source:
        """Another one, to be changed. `dataclasses.replace` looks at every field on its own."""
        return Source(*_values(self))


_NAMES = tuple(field.name for field in fields(Source))
_values = attrgetter(*_NAMES)
_columns: Sequence[sa.Column[Any]] = tuple(sources.c[name] for name in _NAMES)
_here = sa.and_(sources.c.channel == sa.bindparam("channel"), sources.c.resource == sa.bindparam("resource"))
_good = sa.and_(sources.c.gone.is_(False), sources.c.rejected.is_(False))
_locked = Keyed(sa.select(*_columns).where(_here), sources.c.external_id, locked_by=sources.c.external_id)
_digests = Keyed(sa.select(sources.c.external_id, sources.c.digest).where(_here, _good), sources.c.external_id)
_new, _missing, _set = (many(sources, _NAMES) for many in (inserting, adding, updating))


def current_count(conn: Connection) -> int:
    """The counter's value: read before the request that an observation comes from."""
    if is_sqlite(conn):
        return int(conn.scalar(sa.select(counters.c.value).where(counters.c.name == "observations")) or 0)
    return int(conn.scalar(sa.text("SELECT last_value FROM observations")) or 0)


_advance = (
    sa.update(counters)
    .where(counters.c.name == "observations")
    .values(value=counters.c.value + 1)
    .returning(counters.c.value)
)


def next_count(conn: Connection) -> int:
    """The counter's next value."""
    if is_sqlite(conn):
        return int(conn.scalar(_advance) or 0)
    return int(conn.scalar(sa.select(_observations.next_value())) or 0)


def locked(conn: Connection, channel: str, resource: str, external_ids: Collection[str]) -> dict[str, Source]:
    """The sources with these ids, by id; nobody else changes them before this transaction ends.

    Locked in order, so that two transactions never wait for each other.
    """
    rows = _locked.all(conn, external_ids, channel=channel, resource=resource)
    return {source.external_id: source for source in map(_source, rows)}


def digests(conn: Connection, channel: str, resource: str, external_ids: Collection[str]) -> dict[str, str | None]:
    """What each known record's raw data looked like when it was last read well."""
    rows = _digests.all(conn, external_ids, channel=channel, resource=resource)
    return {row.external_id: row.digest for row in rows}


def add(conn: Connection, channel: str, resource: str, feed: str, ids: Sequence[str], now: datetime) -> None:
    """Make rows for records that nothing is known of yet, so that they can be locked."""
    _missing.run(conn, unread(channel, resource, feed, sorted(set(ids)), now))


def unread(channel: str, resource: str, feed: str, external_ids: Collection[str], now: datetime) -> list[Source]:
    """Rows for records that nothing is known of yet."""
    new = zip(new_ids(now, len(external_ids)), external_ids, strict=True)
    return [Source(id_, channel, resource, external_id, feed) for id_, external_id in new]


def found(conn: Connection, new: Sequence[Source]) -> None:
    """Insert rows of records that were unknown a moment ago. Somebody else did so meanwhile: a conflict."""
    _new.run(conn, sorted(new, key=attrgetter("external_id")))


def store(conn: Connection, changed: Sequence[Source]) -> None:
    """Set these rows, which exist and are locked."""
    _set.run(conn, changed)


def touch(conn: Connection, ids: Sequence[str], begin: int, end: int, observed_at: datetime) -> None:
    """These records were read again, unchanged: their observation moves forward, and never back."""
    for some in slices(ids):
        conn.execute(
            sa.update(sources)
            .where(sources.c.id.in_(some))
            .values(
                begin=_later(sources.c.begin, begin),
                end=_later(sources.c.end, end),
                observed_at=_later(sources.c.observed_at, observed_at),
            )
        )


def _later(column: sa.Column[Any], value: object) -> sa.ColumnElement[Any]:
    return sa.case((column < value, sa.literal(value, column.type)), else_=column)


def hint(conn: Connection, channel: str, resource: str, feed: str, ids: Sequence[str], now: datetime) -> None:
    """Ask for these records to be read again (rule S2): only a read that begins later clears it."""
    add(conn, channel, resource, feed, ids, now)
    count = next_count(conn)
    for some in slices(sorted(set(ids))):
        conn.execute(
            sa.update(sources)
            .where(sources.c.channel == channel, sources.c.resource == resource, sources.c.external_id.in_(some))
            .values(dirty_at=count)
        )


def dirty(conn: Connection, channel: str, feed: str, most: int) -> list[Source]:
    """Records to read again, the longest waiting first."""
    statement = (
        sa.select(*_columns)
        .where(sources.c.channel == channel, sources.c.feed == feed, sources.c.dirty_at.is_not(None))
        .order_by(sources.c.dirty_at, sources.c.id)
        .limit(most)
    )
    return [_source(row) for row in conn.execute(statement)]


def unnamed(conn: Connection, channel: str, feed: str, begin: int, most: int) -> list[Source]:
    """Records that are there as far as we know, rejected ones too, and that no read since `begin` has named.

    One that is to be read again since then was named, or hinted at: that read tells.
    """
    statement = _unnamed(sa.select(*_columns), channel, feed, begin).order_by(sources.c.end, sources.c.id).limit(most)
    return [_source(row) for row in conn.execute(statement)]


def note_absent(conn: Connection, ids: Sequence[str], begin: int) -> None:
    """A complete pass that began then did not name these, if they were not read since."""
    for some in slices(ids):
        unread = sa.and_(sources.c.id.in_(some), sources.c.end <= begin)
        conn.execute(sa.update(sources).where(unread).values(absent_at=begin))


def count_unnamed(conn: Connection, channel: str, feed: str, begin: int) -> int:
    """How many `unnamed` would give."""
    return conn.scalar(_unnamed(sa.select(sa.func.count()), channel, feed, begin)) or 0


def count_named(conn: Connection, channel: str, feed: str, begin: int) -> int:
    """How many records were read since `begin`."""
    here = sa.and_(sources.c.channel == channel, sources.c.feed == feed, sources.c.end > begin)
    return conn.scalar(sa.select(sa.func.count()).select_from(sources).where(here)) or 0


def _unnamed(statement: sa.Select[Any], channel: str, feed: str, begin: int) -> sa.Select[Any]:
    settled = sa.or_(sources.c.dirty_at.is_(None), sources.c.dirty_at <= begin)
    return statement.select_from(sources).where(_there(channel, feed), sources.c.end <= begin, settled)


def _there(channel: str, feed: str) -> sa.ColumnElement[bool]:
    """What a pass over everything should name: also what was never read well."""
    there = sa.or_(sources.c.gone.is_(False), sources.c.rejected.is_(True))
    return sa.and_(sources.c.channel == channel, sources.c.feed == feed, there)


def count(conn: Connection, channel: str, feed: str) -> int:
    """How many records of this feed are there as far as we know."""
    return conn.scalar(sa.select(sa.func.count()).select_from(sources).where(_there(channel, feed))) or 0


def _source(row: AnyRow) -> Source:
    return Source(*row)


def feeds_of(conn: Connection, channel: str, resource: str, external_ids: Collection[str]) -> dict[str, str]:
    """Which feed each of these records came from."""
    statement = sa.select(sources.c.external_id, sources.c.feed).where(
        sources.c.channel == channel, sources.c.resource == resource
    )
    return {row.external_id: row.feed for row in select_in(conn, statement, sources.c.external_id, external_ids)}


def count_dirty(conn: Connection, channel: str) -> dict[str, int]:
    """How many records wait to be read again, by feed; none of those for which none does."""
    return {row.feed: row.waiting for row in conn.execute(_dirty_by_feed, {"channel": channel})}


_dirty_by_feed = (
    sa.select(sources.c.feed, sa.func.count().label("waiting"))
    .where(sources.c.channel == sa.bindparam("channel"), sources.c.dirty_at.is_not(None))
    .group_by(sources.c.feed)
)
