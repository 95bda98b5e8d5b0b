"""Keyset pages (rule T1): every row whose sort key stays as it is appears exactly once, whatever else changes.

A row's place is (sort value, id). Rows without a sort value come last, in both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.rows import dump
from gateway.storage.tables import Instant, Text

T = TypeVar("T")
Place = tuple[str | int | None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of the rows is wanted: the first or, `backward`, the last `size` between two places."""

    size: int
    backward: bool = False
    after: Place | None = None
    before: Place | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items with their places, in order, and whether there are more on either side."""

    items: Sequence[tuple[Place, T]]
    has_next: bool
    has_previous: bool


class Sort:
    """An order of rows: by a column of texts, whole numbers or instants, then by id in the same direction."""

    def __init__(
        self,
        column: sa.ColumnElement[Any],
        row_id: sa.ColumnElement[Any],
        *,
        descending: bool = False,
        nulls: bool = False,
    ) -> None:
        self.value = sa.type_coerce(column, sa.BigInteger()) if isinstance(column.type, Instant) else column
        self.row_id = row_id
        self.descending = descending
        self.nulls = nulls

    @property
    def kind(self) -> type[str] | type[int]:
        """The Python type of a place's value."""
        return int if isinstance(self.value.type, sa.Integer) else str

    def order(self, *, backward: bool) -> list[sa.ColumnElement[Any]]:
        down = self.descending != backward
        value = _directed(self.value, down)
        if self.nulls:
            value = value.nulls_first() if backward else value.nulls_last()
        return [value, _directed(self.row_id, down)]

    def beyond(self, place: Place, *, backward: bool) -> sa.ColumnElement[bool]:
        """The rows that come after this place or, `backward`, before it."""
        value, row_id = place
        down = self.descending != backward
        further_id = _further(self.row_id, row_id, down)
        if value is None:
            same = sa.and_(self.value.is_(None), further_id)
            return sa.or_(self.value.is_not(None), same) if backward else same
        # the first condition says nothing new, but lets the database begin in the middle of an index
        bounded = sa.and_(
            self.value <= value if down else self.value >= value, sa.or_(_further(self.value, value, down), further_id)
        )
        return sa.or_(bounded, self.value.is_(None)) if self.nulls and not backward else bounded


def _directed(column: sa.ColumnElement[Any], down: bool) -> sa.ColumnElement[Any]:
    return column.desc() if down else column.asc()


def _further(column: sa.ColumnElement[Any], value: str | int, down: bool) -> sa.ColumnElement[bool]:
    further: sa.ColumnElement[bool] = column < value if down else column > value
    return further


@dataclass(frozen=True, eq=False)
class Rows(Generic[T]):
    """Rows that can be paged and counted: all of them, or those of each of many parents at once.

    Attributes:
        statement: a select of what `read` needs.
        parent: the column that holds the parent's id, for the functions that take parents.
    """

    statement: sa.Select[Any]
    sort: Sort
    read: Callable[[sa.Row[Any]], T]
    parent: sa.ColumnElement[Any] | None = None

    def page(self, conn: Connection, window: Window) -> Page[T]:
        """One page of all rows."""
        statement = self._windowed(window).order_by(*self.sort.order(backward=window.backward)).limit(window.size + 1)
        return self._page(conn.execute(statement).all(), window)

    def pages(self, conn: Connection, window: Window, parents: Sequence[str]) -> Mapping[str, Page[T]]:
        """One page for each parent, in one statement."""
        parent = self._parent
        rank = sa.func.row_number().over(partition_by=parent, order_by=self.sort.order(backward=window.backward))
        ranked = self._windowed(window).add_columns(parent.label("parent_key"), rank.label("place_rank"))
        inner = ranked.where(among(conn, parent, parents)).subquery()
        outer = sa.select(inner).where(inner.c.place_rank <= window.size + 1).order_by(inner.c.place_rank)
        found: dict[str, list[sa.Row[Any]]] = {key: [] for key in parents}
        for row in conn.execute(outer):
            found[row.parent_key].append(row)
        return {key: self._page(rows, window) for key, rows in found.items()}

    def count(self, conn: Connection) -> int:
        """How many rows there are."""
        bare = self.statement.with_only_columns(sa.literal(1), maintain_column_froms=True).subquery()
        return conn.execute(sa.select(sa.func.count()).select_from(bare)).scalar_one()

    def counts(self, conn: Connection, parents: Sequence[str]) -> Mapping[str, int]:
        """How many rows each parent has."""
        parent = self._parent
        bare = self.statement.with_only_columns(parent.label("parent_key"), maintain_column_froms=True)
        inner = bare.where(among(conn, parent, parents)).subquery()
        statement = sa.select(inner.c.parent_key, sa.func.count().label("number")).group_by(inner.c.parent_key)
        return dict.fromkeys(parents, 0) | {row.parent_key: row.number for row in conn.execute(statement)}

    @property
    def _parent(self) -> sa.ColumnElement[Any]:
        if self.parent is None:
            raise ValueError("these rows have no parents")
        return self.parent

    def _windowed(self, window: Window) -> sa.Select[Any]:
        statement = self.statement.add_columns(self.sort.value.label("place_value"), self.sort.row_id.label("place_id"))
        if window.after is not None:
            statement = statement.where(self.sort.beyond(window.after, backward=False))
        if window.before is not None:
            statement = statement.where(self.sort.beyond(window.before, backward=True))
        return statement

    def _page(self, rows: Sequence[sa.Row[Any]], window: Window) -> Page[T]:
        more = len(rows) > window.size
        kept = rows[: window.size]
        items = [((row.place_value, row.place_id), self.read(row)) for row in kept]
        if window.backward:
            return Page(items[::-1], has_next=window.before is not None, has_previous=more)
        return Page(items, has_next=more, has_previous=window.after is not None)


def among(conn: Connection, column: sa.ColumnElement[Any], keys: Iterable[str]) -> sa.ColumnElement[bool]:
    """That the column is one of these texts, however many: one variable, one statement, one plan."""
    wanted = sorted(set(keys))
    if is_sqlite(conn):
        return column.in_(sa.select(sa.func.json_each(dump(wanted)).table_valued("value").c.value))
    return column == sa.any_(sa.cast(sa.bindparam(None, wanted, type_=ARRAY(Text)), ARRAY(Text)))
