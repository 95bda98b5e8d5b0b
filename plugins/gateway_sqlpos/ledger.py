"""The till's ledger of stock and the counts that it explains: always written together, and read in one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import MovementReason
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.layout import Diary
from gateway_sqlpos.ours import PREFIX, key_of
from gateway_sqlpos.rows import bound, exact, key, rows, table
from gateway_sqlpos.till import instant

REMEMBERED = timedelta(days=1)
"""How long the counts are said to contain what we have moved. What is older has been read, or is proved by the time."""

MOST = 100
"""Our latest movements that are named with one count."""

_BOUGHT, _RETURNED, _BROUGHT = 1, 2, 4
_SOLD, _BROKEN, _TAKEN = -1, -3, -4
_REASONS = {
    MovementReason.SALE: (_RETURNED, _SOLD),
    MovementReason.CANCELLATION: (_RETURNED, _SOLD),
    MovementReason.RECEIVED: (_BOUGHT, _TAKEN),
    MovementReason.DAMAGE: (_BROUGHT, _BROKEN),
    MovementReason.THEFT: (_BROUGHT, _BROKEN),
}
"""What the till calls it when units come, and when they go. Everything else is moved by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row of the ledger. `price`: of one unit."""

    id: str
    at: datetime
    product: str
    place: str
    units: int
    reason: MovementReason
    price: Decimal


class Ledger:
    """STOCKDIARY, and STOCKCURRENT under it."""

    def __init__(self, config: SqlPosConfig, names: Diary) -> None:
        columns = ("id", "date", "reason", "location", "product", "units", "price")
        self._names, self._table = names, table(names, columns)
        self._counts = Counts(config)

    def has(self, conn: Connection, id_: str) -> bool:
        """Whether this is written down."""
        column = self._table.c[self._names.id]
        return conn.execute(sa.select(column).where(column == id_)).first() is not None

    def write(self, conn: Connection, entry: Entry) -> None:
        """Write it down, and move the count with it."""
        names = self._names
        values = {
            names.id: entry.id,
            names.date: instant(conn, entry.at),
            names.reason: reason_of(entry.reason, entry.units),
            names.location: bound(entry.place),
            names.product: bound(entry.product),
            names.units: entry.units,
            names.price: exact(conn, entry.price),
        }
        conn.execute(sa.insert(self._table).values(values))
        self._counts.move(conn, entry.product, entry.place, entry.units)

    def keys(self, conn: Connection, first: str, last: str, now: datetime) -> dict[tuple[str, str], list[str]]:
        """The keys of our latest movements, by product and place. `first`, `last`: products, as the till sorts.

        One statement that walks the index over dates: a till writes little in a few days, and much about a product.
        """
        names, columns = self._names, self._table.c
        date, product = columns[names.date], columns[names.product]
        ours = (date >= instant(conn, now - REMEMBERED), columns[names.id].like(f"{PREFIX}%"))
        among = sa.func.coalesce(product, "").between(bound(first), bound(last))  # and so not the one over products
        chosen = sa.select(
            product.label("product"), columns[names.location].label("place"), columns[names.id].label("id")
        )
        found: dict[tuple[str, str], dict[str, None]] = {}
        for row in rows(conn, chosen.where(*ours, among).order_by(date.desc(), columns[names.id].desc())):
            known = found.setdefault((key(row["product"]), key(row["place"])), {})
            known[key_of(row["id"]) or ""] = None
        return {spot: sorted(list(known)[:MOST]) for spot, known in found.items()}


def reason_of(reason: MovementReason, units: int) -> int:
    """What the till calls it."""
    came, went = _REASONS.get(reason, (_BROUGHT, _TAKEN))
    return came if units > 0 else went


class Counts:
    """STOCKCURRENT. It may hold no row of a product and a place, or several: exactly one of them is changed."""

    def __init__(self, config: SqlPosConfig) -> None:
        self._names = names = config.layout.stock
        self._table = table(names, ("product", "location", "units", "instance"))

    def move(self, conn: Connection, product: str, place: str, units: int) -> None:
        """Count so many units more, or fewer."""
        columns, names = self._table.c, self._names
        here = (columns[names.product] == bound(product), columns[names.location] == bound(place))
        if not any(self._changed(conn, where, units) for where in self._rows(here)):
            values = {names.product: bound(product), names.location: bound(place), names.units: units}
            conn.execute(sa.insert(self._table).values(values))

    def _rows(self, here: tuple[sa.ColumnElement[bool], ...]) -> Iterator[tuple[sa.ColumnElement[bool], ...]]:
        """As tills do it: first the row that is of no particular instance of the product."""
        if self._names.instance is not None:
            yield (*here, self._table.c[self._names.instance].is_(None))
        yield here

    def _changed(self, conn: Connection, where: Sequence[sa.ColumnElement[bool]], units: int) -> bool:
        count = self._table.c[self._names.units]
        change = sa.update(self._table).values({count: count + units})
        if conn.dialect.name in ("mysql", "mariadb"):
            limited = change.where(*where).with_dialect_options(mysql_limit=1, mariadb_limit=1)
            return conn.execute(limited).rowcount == 1
        row = self._locked(conn, where)
        return row is not None and conn.execute(change.where(row)).rowcount == 1

    def _locked(self, conn: Connection, where: Sequence[sa.ColumnElement[bool]]) -> sa.ColumnElement[bool] | None:
        """The first of these rows, by where it lies: nothing else tells it from its like."""
        if conn.dialect.name == "sqlite":
            first: Any = conn.execute(sa.select(sa.func.min(_rowid)).select_from(self._table).where(*where)).scalar()
            return None if first is None else _rowid == first
        lies = sa.select(sa.cast(_ctid, sa.String)).select_from(self._table).where(*where).limit(1)
        first = conn.execute(lies.with_for_update()).scalar()
        return None if first is None else _ctid == sa.cast(sa.literal(first, sa.String), _Tid())


_rowid: sa.ColumnClause[int] = sa.literal_column("rowid", sa.Integer)
_ctid: sa.ColumnClause[str] = sa.literal_column("ctid", sa.String)


class _Tid(sa.types.UserDefinedType[str]):
    """Where a row of PostgreSQL lies."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "tid"
