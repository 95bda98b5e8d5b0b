"""The change log as clients read it: subject by subject, from a place within a row on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.catalog import LIVE
from gateway.storage.log import ReaderBehindError
from gateway.storage.paging import among
from gateway.storage.rows import load
from gateway.storage.tables import changes, listings, log_head, stock

ROWS = 50
"""Of the log, read at once: each may speak of some thousands."""


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A place in the log: a row's, and how many of its subjects have been read."""

    pos: int
    read: int


@dataclass(frozen=True, slots=True)
class Changed:
    """One subject that changed. `after`: the place right behind it."""

    kind: str
    subject: str
    at: datetime
    after: Spot


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the log, up to a place; `end`: there is nothing behind it yet."""

    changed: Sequence[Changed]
    upto: Spot
    end: bool


def here(conn: Connection) -> Spot:
    """Where the log ends now."""
    return Spot((conn.scalar(sa.select(log_head.c.pos)) or 0) + 1, 0)


def stretch(conn: Connection, since: Spot, kinds: Collection[str], most: int) -> Stretch:
    """What follows this place, of these kinds; so many subjects at most.

    Raises:
        ReaderBehindError: part of it is no longer kept.
    """
    end = here(conn)
    first = conn.scalar(sa.select(sa.func.min(changes.c.pos)))
    if since > end or since.pos < (end.pos if first is None else first):
        raise ReaderBehindError(f"what follows {since.pos} in the log is no longer kept")
    wanted = sa.select(changes).where(changes.c.pos >= since.pos, changes.c.pos < end.pos, changes.c.kind.in_(kinds))
    rows = conn.execute(wanted.order_by(changes.c.pos).limit(ROWS)).all()
    found: list[Changed] = []
    for row in rows:
        for one in _subjects(row.pos, row.kind, row.subjects, row.at, since):
            if len(found) == most:
                return Stretch(found, found[-1].after, end=False)
            found.append(one)
    if len(rows) == ROWS:
        return Stretch(found, Spot(rows[-1].pos + 1, 0), end=False)
    return Stretch(found, end, end=True)


def _subjects(pos: int, kind: str, subjects: str, at: datetime, since: Spot) -> Iterator[Changed]:
    skipped = since.read if pos == since.pos else 0
    for number, (subject, _) in enumerate(load(subjects)[skipped:], skipped + 1):
        yield Changed(kind, subject, at, Spot(pos, number))


def variants_with_stock(conn: Connection, ids: Collection[str]) -> Mapping[str, Sequence[str]]:
    """The variants that these counts are counts of."""
    same = sa.and_(listings.c.channel == stock.c.channel, listings.c.inventory_item == stock.c.item)
    statement = sa.select(stock.c.id, listings.c.variant_id).distinct().join(listings, same)
    found: dict[str, list[str]] = {}
    for id_, variant_id in conn.execute(statement.where(LIVE, among(conn, stock.c.id, ids))):
        found.setdefault(id_, []).append(variant_id)
    return {id_: sorted(some) for id_, some in found.items()}


def listed_in(conn: Connection, channel: str, kind: str, ids: Collection[str]) -> Collection[str]:
    """Those of these products, variants or listings that the channel lists, or once did."""
    columns = {"PRODUCT": listings.c.product_id, "PRODUCT_VARIANT": listings.c.variant_id, "LISTING": listings.c.id}
    here = sa.and_(listings.c.channel == channel, among(conn, columns[kind], ids))
    return frozenset(conn.scalars(sa.select(columns[kind]).distinct().where(here)))
