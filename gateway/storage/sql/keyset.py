"""Keyset pagination (rule T1): a row whose sort key does not change appears exactly once, whatever else changes.

A row's position is (sort value, id). Rows without a sort value come last, in both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.sql.bulk import BulkSelect, dump_json
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.tables import Instant, Text

T = TypeVar("T")
U = TypeVar("U")
KeysetPosition = tuple[str | int | None, str]
Positions = tuple[tuple[KeysetPosition, ...], bool]
"""The positions of the items of a page, and whether more follow in its direction."""


MAX_COUNT = 10_001
"""Where counting a list ends: more than 10,000 are not counted, because it takes as long as the list is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The requested part of the rows: the first or, if `backward`, the last `size` rows between two positions."""

    size: int
    backward: bool = False
    after: KeysetPosition | None = None
    before: KeysetPosition | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items with their positions, in order, and whether more exist on either side."""

    items: Sequence[tuple[KeysetPosition, T]]
    has_next: bool
    has_previous: bool

    def list_positions(self, window: Window) -> Positions:
        """List the positions of its items as `Rows.read_positions` reads them."""
        positions = tuple(position for position, _ in self.items)
        return positions, self.has_previous if window.backward else self.has_next


class Sort:
    """A sort order of rows: by a text, integer or instant column, then by id in the same direction.

    `read_former`: reads the sort value from the text that an earlier version encoded, which sorted otherwise.
    """

    def __init__(
        self,
        column: sa.ColumnElement[Any],
        row_id: sa.ColumnElement[Any],
        *,
        descending: bool = False,
        nulls: bool = False,
        read_former: Callable[[str], int] | None = None,
    ) -> None:
        self.value = sa.type_coerce(column, sa.BigInteger()) if isinstance(column.type, Instant) else column
        self.row_id = row_id
        self.descending = descending
        self.nulls = nulls
        self.read_former = read_former

    @property
    def kinds(self) -> Sequence[type[str] | type[int]]:
        """The Python types of the sort values in cursors, those of earlier versions included."""
        return (self.kind,) if self.read_former is None else (self.kind, str)

    def convert(self, position: KeysetPosition) -> KeysetPosition:
        """Convert a position that an earlier version encoded."""
        value, row_id = position
        return (self.read_former(value), row_id) if self.read_former and isinstance(value, str) else position

    @property
    def kind(self) -> type[str] | type[int]:
        """The Python type of a position's sort value."""
        return int if isinstance(self.value.type, sa.Integer) else str

    def build_order(self, *, backward: bool) -> list[sa.ColumnElement[Any]]:
        down = self.descending != backward
        value = _apply_direction(self.value, down)
        if self.nulls:
            value = value.nulls_first() if backward else value.nulls_last()
        return [value, _apply_direction(self.row_id, down)]

    def is_beyond(self, position: KeysetPosition, *, backward: bool) -> sa.ColumnElement[bool]:
        """Build the condition for rows after this position or, if `backward`, before it."""
        value, row_id = position
        down = self.descending != backward
        further_id = _is_further(self.row_id, row_id, down)
        if value is None:
            same = sa.and_(self.value.is_(None), further_id)
            return sa.or_(self.value.is_not(None), same) if backward else same
        # the first condition is redundant, but lets the database start within an index
        bounded = sa.and_(
            self.value <= value if down else self.value >= value,
            sa.or_(_is_further(self.value, value, down), further_id),
        )
        return sa.or_(bounded, self.value.is_(None)) if self.nulls and not backward else bounded


def _apply_direction(column: sa.ColumnElement[Any], down: bool) -> sa.ColumnElement[Any]:
    return column.desc() if down else column.asc()


def _is_further(column: sa.ColumnElement[Any], value: str | int, down: bool) -> sa.ColumnElement[bool]:
    further: sa.ColumnElement[bool] = column < value if down else column > value
    return further


@dataclass(frozen=True, eq=False)
class Rows(Generic[T]):
    """Rows that can be paginated and counted: all of them, or the rows of each of many parents at once.

    Attributes:
        statement: a select of the columns that `read` needs.
        parent: the column with the parent's id; required by the methods that take parents.
    """

    statement: sa.Select[Any]
    sort: Sort
    read: Callable[[sa.Row[Any]], T]
    parent: sa.ColumnElement[Any] | None = None
    _statements: dict[object, Any] = field(
        default_factory=dict, repr=False
    )  # of first pages and counts, by what differs in them

    def read_page(self, conn: Connection, window: Window) -> Page[T]:
        """Read one page of all rows."""
        statement = self._cache_statement(window, "page", lambda page: DriverSelect(self._build_page_statement(page)))
        return self._build_page(statement.fetch(conn, {"most": window.size + 1}), window)

    def read_positions(self, conn: Connection, window: Window) -> Positions:
        """Read the positions of the items of one page of all rows, and whether more follow it in its direction."""
        statement = self._cache_statement(window, "positions", self._build_positions_statement)
        rows = statement.fetch(conn, {"most": window.size + 1})
        positions = tuple((value, id_) for value, id_ in rows[: window.size])
        return positions[::-1] if window.backward else positions, len(rows) > window.size

    def read_versions(
        self, conn: Connection, window: Window, version: sa.ColumnElement[int]
    ) -> tuple[Sequence[tuple[KeysetPosition, int]], bool]:
        """Read the positions of the items of one page as `read_positions`, each with the version of its row."""
        statement = self._cache_statement(window, "versions", lambda it: self._build_positions_statement(it, version))
        rows = statement.fetch(conn, {"most": window.size + 1})
        found = [((value, id_), number) for value, id_, number in rows[: window.size]]
        return found[::-1] if window.backward else found, len(rows) > window.size

    def _build_positions_statement(self, window: Window, *more: sa.ColumnElement[Any]) -> DriverSelect:
        columns = (self.sort.value.label("position_value"), self.sort.row_id.label("position_id"), *more)
        return DriverSelect(self._build_page_statement(window).with_only_columns(*columns, maintain_column_froms=True))

    def _build_page_statement(self, window: Window) -> sa.Select[Any]:
        ordered = self._apply_window(window).order_by(*self.sort.build_order(backward=window.backward))
        return ordered.limit(sa.bindparam("most", type_=sa.Integer))

    def read_pages(self, conn: Connection, window: Window, parents: Sequence[str]) -> Mapping[str, Page[T]]:
        """Read one page for each parent, in one statement."""
        statement = self._cache_statement(window, "pages", self._build_pages_statement)
        rows_by_parent: dict[str, list[sa.Row[Any]]] = {key: [] for key in parents}
        for row in statement.select(conn, parents, most=window.size + 1):
            rows_by_parent[row.parent_key].append(row)
        return {key: self._build_page(rows, window) for key, rows in rows_by_parent.items()}

    def _build_pages_statement(self, window: Window) -> BulkSelect:
        parent = self._parent_column
        rank = sa.func.row_number().over(partition_by=parent, order_by=self.sort.build_order(backward=window.backward))
        ranked = self._apply_window(window).add_columns(parent.label("parent_key"), rank.label("position_rank"))

        def build(among: sa.ColumnElement[bool]) -> sa.Select[Any]:
            inner = ranked.where(among).subquery()
            within = inner.c.position_rank <= sa.bindparam("most", type_=sa.Integer)
            return sa.select(inner).where(within).order_by(inner.c.position_rank)

        return BulkSelect(build, parent)

    def _cache_statement(self, window: Window, name: str, build: Callable[[Window], U]) -> U:
        """Build a statement, or return the one of an earlier first page: building it takes longer than running it."""
        if window.after is not None or window.before is not None:
            return build(window)
        key = (name, window.backward)
        if key not in self._statements:
            self._statements[key] = build(window)
        statement: U = self._statements[key]
        return statement

    def count(self, conn: Connection) -> int:
        """Count all rows, at most `MAX_COUNT`."""
        if "count" not in self._statements:
            self._statements["count"] = self._build_count_statement()
        (row,) = self._statements["count"].fetch(conn, {"most": MAX_COUNT})
        return int(row.number)

    def _build_count_statement(self) -> DriverSelect:
        bare = self.statement.with_only_columns(sa.literal(1), maintain_column_froms=True)
        inner = bare.limit(sa.bindparam("most", type_=sa.Integer)).subquery()
        return DriverSelect(sa.select(sa.func.count().label("number")).select_from(inner))

    def count_by_parent(self, conn: Connection, parents: Sequence[str]) -> Mapping[str, int]:
        """Count the rows of each parent, at most `MAX_COUNT`."""
        parent = self._parent_column
        bare = self.statement.with_only_columns(parent.label("parent_key"), maintain_column_froms=True)
        inner = bare.where(is_among(conn, parent, parents)).subquery()
        statement = sa.select(inner.c.parent_key, sa.func.count().label("number")).group_by(inner.c.parent_key)
        counts = {row.parent_key: min(row.number, MAX_COUNT) for row in conn.execute(statement)}
        return dict.fromkeys(parents, 0) | counts

    @property
    def _parent_column(self) -> sa.ColumnElement[Any]:
        if self.parent is None:
            raise ValueError("these rows have no parent column")
        return self.parent

    def _apply_window(self, window: Window) -> sa.Select[Any]:
        statement = self.statement.add_columns(
            self.sort.value.label("position_value"), self.sort.row_id.label("position_id")
        )
        if window.after is not None:
            statement = statement.where(self.sort.is_beyond(window.after, backward=False))
        if window.before is not None:
            statement = statement.where(self.sort.is_beyond(window.before, backward=True))
        return statement

    def _build_page(self, rows: Sequence[sa.Row[Any]], window: Window) -> Page[T]:
        more = len(rows) > window.size
        page_rows = rows[: window.size]
        items = [((row.position_value, row.position_id), self.read(row)) for row in page_rows]
        return build_page(items[::-1] if window.backward else items, window, has_more=more)


def build_page(items: Sequence[tuple[KeysetPosition, T]], window: Window, *, has_more: bool) -> Page[T]:
    """Build a page of these items. `has_more`: whether more follow in its direction."""
    if window.backward:
        return Page(items, has_next=window.before is not None, has_previous=has_more)
    return Page(items, has_next=has_more, has_previous=window.after is not None)


def is_among(conn: Connection, column: sa.ColumnElement[Any], keys: Iterable[str]) -> sa.ColumnElement[bool]:
    """Build the condition that a column equals one of any number of texts, with one bound parameter, statement and
    plan.
    """
    sorted_keys = sorted(set(keys))
    if is_sqlite(conn):
        return column.in_(sa.select(sa.func.json_each(dump_json(sorted_keys)).table_valued("value").c.value))
    return column == sa.any_(sa.cast(sa.bindparam(None, sorted_keys, type_=ARRAY(Text)), ARRAY(Text)))
