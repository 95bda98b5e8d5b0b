"""The change log as clients read it: subject by subject, from a position within a row."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.change_log import ReaderBehindError
from gateway.storage.reads.catalog import LIVE
from gateway.storage.sql.bulk import load_json
from gateway.storage.sql.keyset import is_among
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.tables import changes, collections, listings, log_head, stock

ROWS_PER_READ = 50
"""Rows of the log per read; each can contain some thousand subjects."""


@dataclass(frozen=True, slots=True, order=True)
class LogPosition:
    """A position in the log: a row, and the number of its subjects that were read."""

    pos: int
    read: int


@dataclass(frozen=True, slots=True)
class SubjectChange:
    """One changed subject. `after`: the position directly after it."""

    kind: str
    subject: str
    at: datetime
    after: LogPosition


@dataclass(frozen=True, slots=True)
class ChangePage:
    """A part of the log, up to a position. `end`: nothing follows yet."""

    changes: Sequence[SubjectChange]
    until: LogPosition
    end: bool


def get_head(conn: Connection) -> LogPosition:
    """Return the position after the last row."""
    return LogPosition((conn.scalar(sa.select(log_head.c.pos)) or 0) + 1, 0)


def read_changes(conn: Connection, since: LogPosition, kinds: Collection[str], limit: int) -> ChangePage:
    """Read the changes of these kinds after this position, at most `limit` subjects.

    Raises:
        ReaderBehindError: some of them were pruned.
    """
    end = get_head(conn)
    first = conn.scalar(sa.select(sa.func.min(changes.c.pos)))
    if since > end or since.pos < (end.pos if first is None else first):
        raise ReaderBehindError(f"changes after position {since.pos} were pruned from the log")
    statement = sa.select(changes).where(changes.c.pos >= since.pos, changes.c.pos < end.pos, changes.c.kind.in_(kinds))
    rows = conn.execute(statement.order_by(changes.c.pos).limit(ROWS_PER_READ)).all()
    page: list[SubjectChange] = []
    for row in rows:
        for change in _read_subjects(row.pos, row.kind, row.subjects, row.at, since):
            if len(page) == limit:
                return ChangePage(page, page[-1].after, end=False)
            page.append(change)
    if len(rows) == ROWS_PER_READ:
        return ChangePage(page, LogPosition(rows[-1].pos + 1, 0), end=False)
    return ChangePage(page, end, end=True)


def _read_subjects(pos: int, kind: str, subjects: str, at: datetime, since: LogPosition) -> Iterator[SubjectChange]:
    skipped = since.read if pos == since.pos else 0
    for number, (subject, _) in enumerate(load_json(subjects)[skipped:], skipped + 1):
        yield SubjectChange(kind, subject, at, LogPosition(pos, number))


def find_variants_of_stock(conn: Connection, ids: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Find the variants that these stock rows count."""
    same_item = sa.and_(listings.c.channel == stock.c.channel, listings.c.inventory_item == stock.c.item)
    statement = sa.select(stock.c.id, listings.c.variant_id).distinct().join(listings, same_item)
    variants: dict[str, list[str]] = {}
    for id_, variant_id in conn.execute(statement.where(LIVE, is_among(conn, stock.c.id, ids))):
        variants.setdefault(id_, []).append(variant_id)
    return {id_: sorted(variant_ids) for id_, variant_ids in variants.items()}


def find_channels_of_collections(conn: Connection, ids: Collection[str]) -> Mapping[str, str]:
    """Find the channels of these collections, also of those that are gone."""
    statement = sa.select(collections.c.id, collections.c.channel).where(is_among(conn, collections.c.id, ids))
    return {row.id: row.channel for row in conn.execute(statement)}


def filter_listed_in(conn: Connection, channel: str, kind: str, ids: Collection[str]) -> Collection[str]:
    """Return those of these products, variants or listings that the channel lists or once listed."""
    columns = {"PRODUCT": listings.c.product_id, "PRODUCT_VARIANT": listings.c.variant_id, "LISTING": listings.c.id}
    condition = sa.and_(skip_index(listings.c.channel) == channel, is_among(conn, columns[kind], ids))
    return frozenset(conn.scalars(sa.select(columns[kind]).distinct().where(condition)))
