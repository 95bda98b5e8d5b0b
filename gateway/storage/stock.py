"""Stock rows as commerce writes them: what one channel counts of one item in one of its places."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.rows import Keyed, inserting, updating
from gateway.storage.tables import sources, stock


@dataclass(slots=True)
class StockRow:
    """A row of `stock`, without the counter of what is reserved of it."""

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
_locked = Keyed(sa.select(*_columns), stock.c.id, locked_by=stock.c.id)
_at = Keyed(
    sa.select(*_columns).where(stock.c.channel == sa.bindparam("channel"), stock.c.place == sa.bindparam("place")),
    stock.c.item,
    locked_by=stock.c.id,
)
_new, _set = (many(stock, [field.name for field in fields(StockRow)]) for many in (inserting, updating))


def locked(conn: Connection, ids: Collection[str]) -> dict[str, StockRow]:
    """These rows, by id, locked in order of their ids (rule L4)."""
    return {row.id: StockRow(*row) for row in _locked.all(conn, ids)}


def counted(conn: Connection, channel: str, place: str, items: Collection[str]) -> list[StockRow]:
    """The rows of these items in one of the channel's places, locked in order of their ids."""
    return [StockRow(*row) for row in _at.all(conn, items, channel=channel, place=place)]


def rename(conn: Connection, ids: Mapping[str, str]) -> None:
    """Give rows other ids, one after the other."""
    for old, new in ids.items():
        conn.execute(sa.update(stock).where(stock.c.id == old).values(id=new))


def add(conn: Connection, rows: Sequence[StockRow]) -> None:
    """Insert new rows, of which nothing is reserved."""
    _new.run(conn, rows)


def records_of(conn: Connection, spots: Collection[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """The ids of the records that count these, and the feeds that they came from."""
    where = [
        sa.and_(stock.c.channel == channel, stock.c.item == item, stock.c.place == place)
        for channel, item, place in sorted(spots)
    ]
    statement = sa.select(sources.c.external_id, sources.c.feed).join(stock, stock.c.id == sources.c.id)
    return [(row.external_id, row.feed) for row in conn.execute(statement.where(sa.or_(sa.false(), *where)))]


def set_held(conn: Connection, units: Mapping[tuple[str, str, str], int]) -> None:
    """So many units of these counters, by channel, item and place, are spoken for."""
    for (channel, item, place), held in units.items():
        here = sa.and_(stock.c.channel == channel, stock.c.item == item, stock.c.place == place)
        conn.execute(sa.update(stock).where(here).values(held=held))


def store(conn: Connection, rows: Sequence[StockRow]) -> None:
    """Set these rows, which exist and are locked."""
    _set.run(conn, rows)
