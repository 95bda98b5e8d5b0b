"""Writes of stock rows: the count of one inventory item at one external location of a channel."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import BulkSelect, build_insert, build_update
from gateway.storage.tables import sources, stock


@dataclass(slots=True)
class StockRow:
    """A row of `stock`, without the column of reserved units."""

    id: str
    channel: str
    item: str
    place: str
    on_hand: int
    committed: int
    incoming: int
    version: int
    known: bool
    counted_at: datetime | None
    updated_at: datetime


_columns = tuple(stock.c[field.name] for field in fields(StockRow))
_by_id = BulkSelect(sa.select(*_columns), stock.c.id, locked_by=stock.c.id)
_by_item = BulkSelect(
    sa.select(*_columns).where(stock.c.channel == sa.bindparam("channel"), stock.c.place == sa.bindparam("place")),
    stock.c.item,
    locked_by=stock.c.id,
)
_insert, _update = (build(stock, [field.name for field in fields(StockRow)]) for build in (build_insert, build_update))


def lock_stock(conn: Connection, ids: Collection[str]) -> dict[str, StockRow]:
    """Return these rows, by id, locked in order of their ids (rule L4)."""
    return {row.id: StockRow(*row) for row in _by_id.select(conn, ids)}


def lock_counts(conn: Connection, channel: str, external_location: str, items: Collection[str]) -> list[StockRow]:
    """Return the rows of these items at an external location, locked in order of their ids."""
    return [StockRow(*row) for row in _by_item.select(conn, items, channel=channel, place=external_location)]


def rename_rows(conn: Connection, ids: Mapping[str, str]) -> None:
    """Change the ids of rows, one after the other."""
    for old, new in ids.items():
        conn.execute(sa.update(stock).where(stock.c.id == old).values(id=new))


def insert_stock(conn: Connection, rows: Sequence[StockRow]) -> None:
    """Insert new rows without reserved units."""
    _insert.run(conn, rows)


def find_records(conn: Connection, counters: Collection[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """Find the ids of the records that report these counters, and their feeds."""
    conditions = [
        sa.and_(stock.c.channel == channel, stock.c.item == item, stock.c.place == external_location)
        for channel, item, external_location in sorted(counters)
    ]
    statement = sa.select(sources.c.external_id, sources.c.feed).join(stock, stock.c.id == sources.c.id)
    return [(row.external_id, row.feed) for row in conn.execute(statement.where(sa.or_(sa.false(), *conditions)))]


def set_held(conn: Connection, units: Mapping[tuple[str, str, str], int]) -> None:
    """Set the reserved units of counters."""
    for (channel, item, external_location), held in units.items():
        same_counter = sa.and_(stock.c.channel == channel, stock.c.item == item, stock.c.place == external_location)
        conn.execute(sa.update(stock).where(same_counter).values(held=held))


def update_stock(conn: Connection, rows: Sequence[StockRow]) -> None:
    """Update rows that are locked."""
    _update.run(conn, rows)
