"""The till's stock diary and the stock counts that it explains: written in one transaction, read in one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from gateway.sdk import MovementReason
from gateway_sqlpos.bundles import Bundle, load_bundles
from gateway_sqlpos.row_ids import PREFIX, parse_key
from gateway_sqlpos.row_values import bind_amount, bind_text, build_table, fetch_rows, format_id
from gateway_sqlpos.till import TillSession

CONTAINED_PERIOD = timedelta(days=1)
"""Period for which counts list the movements they contain. Older ones have been read or are settled by time."""

MAX_KEYS = 100
"""Maximum number of movements that are listed with one count, latest first."""

_BOUGHT, _RETURNED, _MOVED_IN = 1, 2, 4
_SOLD, _BROKEN, _MOVED_OUT = -1, -3, -4
_REASONS = {
    MovementReason.SALE: (_RETURNED, _SOLD),
    MovementReason.CANCELLATION: (_RETURNED, _SOLD),
    MovementReason.RECEIVED: (_BOUGHT, _MOVED_OUT),
    MovementReason.DAMAGE: (_MOVED_IN, _BROKEN),
    MovementReason.THEFT: (_MOVED_IN, _BROKEN),
}
"""Reason codes of the till for incoming and outgoing units; any other reason is a manual movement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiaryEntry:
    """A row of the diary. `price`: of one unit."""

    id: str
    at: datetime
    product: str
    location: str
    units: int | Decimal
    reason: MovementReason
    price: Decimal


class StockDiary:
    """The stock diary (STOCKDIARY), and the stock counts (STOCKCURRENT) below it."""

    def __init__(self, till: TillSession) -> None:
        columns = ("id", "date", "reason", "location", "product", "units", "price")
        self._till, self._names = till, till.layout.diary
        self._table = build_table(self._names, columns)
        self._stock_counts = StockCounts(till)

    def has_entry(self, id_: str) -> bool:
        """Whether the entry exists."""
        column = self._table.c[self._names.id]
        return self._till.conn.execute(sa.select(column).where(column == id_)).first() is not None

    def insert_entry(self, entry: DiaryEntry) -> None:
        """Insert an entry and adjust the counts: of a bundle, those of its components, as the till does."""
        names, conn = self._names, self._till.conn
        values = {
            names.id: entry.id,
            names.date: self._till.bind_date(self._table.name, names.date, entry.at),
            names.reason: get_reason_code(entry.reason, entry.units),
            names.location: bind_text(entry.location),
            names.product: bind_text(entry.product),
            names.units: bind_units(Decimal(entry.units)),
            names.price: bind_amount(conn, entry.price),
        }
        conn.execute(sa.insert(self._table).values(values))
        components = load_bundles(self._till).get(entry.product, {entry.product: Decimal(1)})
        for component, quantity in components.items():
            self._stock_counts.add_units(component, entry.location, entry.units * quantity)

    def list_keys(
        self, products: Sequence[str], bundles: Mapping[str, Bundle], now: datetime
    ) -> dict[tuple[str, str], list[str]]:
        """List the keys of the gateway's latest movements, by product and location, for a page of products in the
        till's sort order. A movement of a bundle is one of its components, too.

        A single statement uses the index on dates: the gateway has few movements in the period, but a product may
        have many.
        """
        names, columns = self._names, self._table.c
        date, product = columns[names.date], columns[names.product]
        since = self._till.bind_date(self._table.name, names.date, now - CONTAINED_PERIOD)
        ours = (date >= since, columns[names.id].like(f"{PREFIX}%"))
        among = _filter_products(product, products, [id for id, parts in bundles.items() if parts.keys() & {*products}])
        statement = sa.select(
            product.label("product"), columns[names.location].label("place"), columns[names.id].label("id")
        )
        keys_by_level: dict[tuple[str, str], dict[str, None]] = {}
        rows = fetch_rows(
            self._till.conn, statement.where(*ours, among).order_by(date.desc(), columns[names.id].desc())
        )
        for row in rows:
            moved = format_id(row["product"])
            for id_ in (moved, *bundles.get(moved, ())):
                keys = keys_by_level.setdefault((id_, format_id(row["place"])), {})
                keys[parse_key(row["id"]) or ""] = None
        return {level: sorted(list(keys)[:MAX_KEYS]) for level, keys in keys_by_level.items()}


def _filter_products(
    product: sa.ColumnElement[Any], page: Sequence[str], others: Sequence[str]
) -> sa.ColumnElement[bool]:
    """Build the condition for a page of products and others. It prevents the use of the index on products."""
    indexed = sa.func.coalesce(product, "")
    return sa.or_(
        indexed.between(bind_text(page[0]), bind_text(page[-1])), indexed.in_([bind_text(id_) for id_ in others])
    )


def get_reason_code(reason: MovementReason, units: int | Decimal) -> int:
    """Return the till's reason code."""
    came, went = _REASONS.get(reason, (_MOVED_IN, _MOVED_OUT))
    return came if units > 0 else went


class StockCounts:
    """Stock counts (STOCKCURRENT). A product and location may have no row, or several: exactly one is changed."""

    def __init__(self, till: TillSession) -> None:
        self._conn, self._names = till.conn, till.layout.stock
        self._table = build_table(self._names, ("product", "location", "units", "instance"))

    def add_units(self, product: str, location: str, units: Decimal) -> None:
        """Add units to a count; negative units are subtracted."""
        columns, names = self._table.c, self._names
        level = (columns[names.product] == bind_text(product), columns[names.location] == bind_text(location))
        if not any(self._update_row(where, units) for where in self._list_candidates(level)):
            counted = {names.product: bind_text(product), names.location: bind_text(location)}
            self._conn.execute(sa.insert(self._table).values({**counted, names.units: bind_units(units)}))

    def _list_candidates(
        self, level: tuple[sa.ColumnElement[bool], ...]
    ) -> Iterator[tuple[sa.ColumnElement[bool], ...]]:
        """List conditions of rows to update, in the order that tills use: the row without an instance comes first."""
        if self._names.instance is not None:
            yield (*level, self._table.c[self._names.instance].is_(None))
        yield level

    def _update_row(self, where: Sequence[sa.ColumnElement[bool]], units: Decimal) -> bool:
        conn, count = self._conn, self._table.c[self._names.units]
        change = sa.update(self._table).values({count: count + bind_units(units)})
        if conn.dialect.name in ("mysql", "mariadb"):
            limited = change.where(*where).with_dialect_options(mysql_limit=1, mariadb_limit=1)
            return conn.execute(limited).rowcount == 1
        row = self._lock_row(where)
        return row is not None and conn.execute(change.where(row)).rowcount == 1

    def _lock_row(self, where: Sequence[sa.ColumnElement[bool]]) -> sa.ColumnElement[bool] | None:
        """Lock the first matching row and return a condition by its physical row ID: no column identifies it."""
        conn = self._conn
        if conn.dialect.name == "sqlite":
            first: Any = conn.execute(sa.select(sa.func.min(_rowid)).select_from(self._table).where(*where)).scalar()
            return None if first is None else _rowid == first
        lies = sa.select(sa.cast(_ctid, sa.String)).select_from(self._table).where(*where).limit(1)
        first = conn.execute(lies.with_for_update()).scalar()
        return None if first is None else _ctid == sa.cast(sa.literal(first, sa.String), _TupleId())


def bind_units(units: Decimal) -> int | float:
    """Bind units for a count, which tills store as a double."""
    return int(units) if units == units.to_integral_value() else float(units)


_rowid: sa.ColumnClause[int] = sa.literal_column("rowid", sa.Integer)
_ctid: sa.ColumnClause[str] = sa.literal_column("ctid", sa.String)


class _TupleId(sa.types.UserDefinedType[str]):
    """Physical row ID of PostgreSQL."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "tid"
