"""Bulk SQL: JSON in columns, selects by long lists of keys, and inserts, updates and deletes of many rows at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.sql.driver_statements import DriverSelect, execute_many
from gateway.storage.tables import Instant, Text, convert_to_microseconds

T = TypeVar("T")
Row = Mapping[str, Any]
AnyRow = sa.Row[*tuple[Any, ...]]

SLICE_SIZE = 500
"""Keys per statement: below every database's limit on bound parameters."""

_encode = json.JSONEncoder(
    separators=(",", ":"), default=str
).encode  # json.dumps would create an encoder on every call


def dump_json(value: Any) -> str:
    """Encode a value as ASCII-only JSON, because PostgreSQL stores no NUL in text and UTF-8 no lone surrogates."""
    return _encode(value)


def load_json(text: str | None) -> Any:
    """Decode what `dump_json` encoded; None stays None."""
    return None if text is None else json.loads(text)


def convert_to_row(record: Any) -> dict[str, Any]:
    """Convert a slotted dataclass to a row. `dataclasses.asdict` copies deeply, at many times the cost."""
    return {name: getattr(record, name) for name in record.__slots__}


def slice_items(items: Sequence[T], size: int = SLICE_SIZE) -> Iterator[Sequence[T]]:
    """Yield the items in slices of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


class BulkSelect:
    """A select of the rows whose column matches any of many text keys, with one bound parameter, statement and plan.

    Build it once and reuse it: SQLAlchemy takes five times as long to build such a statement as the database takes
    to run it, and a small sync transaction executes about twenty of them.

    Args:
        statement: a select of the rows of all keys, or a function that builds it from the condition on each column.
        locked_by: lock the rows in this order, except on SQLite, which has no row locks and would scan an index for it.
    """

    def __init__(
        self,
        statement: sa.Select[Any] | Callable[..., sa.Select[Any]],
        *columns: sa.ColumnElement[Any],
        locked_by: sa.Column[Any] | None = None,
    ) -> None:
        build = statement.where if isinstance(statement, sa.Select) else statement
        text, array = sa.bindparam("keys", type_=Text), sa.bindparam("keys", type_=postgresql.ARRAY(Text))
        each = (sa.select(sa.func.json_each(text).table_valued("value").c.value) for _ in columns)
        any_of_array = sa.any_(sa.cast(array, postgresql.ARRAY(Text)))
        on_postgres = build(*(column == any_of_array for column in columns))
        locking = on_postgres if locked_by is None else on_postgres.order_by(locked_by).with_for_update()
        self._on_sqlite, self._on_postgres = (
            DriverSelect(build(*(column.in_(keys) for column, keys in zip(columns, each, strict=True)))),
            DriverSelect(locking),
        )

    def select(self, conn: Connection, keys: Iterable[str], **values: Any) -> Sequence[AnyRow]:
        """Return the rows for any number of keys. `values` are the statement's other bound parameters."""
        sorted_keys = sorted(set(keys))
        if not sorted_keys:
            return ()
        if is_sqlite(conn):
            return self._on_sqlite.fetch(conn, {"keys": dump_json(sorted_keys), **values})
        return self._on_postgres.fetch(conn, {"keys": sorted_keys, **values})


class BulkStatement:
    """A statement that runs once for each of many records, with their attributes as its parameters.

    It is compiled once per database and passed to the driver directly: binding the values in SQLAlchemy takes as
    long as storing the row in the database, which was a fifth of the time of a first sync.
    """

    def __init__(
        self, on_sqlite: sa.UpdateBase, on_postgres: sa.UpdateBase, table: sa.Table, names: Iterable[str]
    ) -> None:
        self._statements = {"sqlite": on_sqlite, "postgresql": on_postgres}
        self._instants = {name for name in names if isinstance(table.c[name].type, Instant)}
        self._names = list(names)
        self._compiled: dict[str, tuple[str, Callable[[object], tuple[Any, ...]]]] = {}

    def run(self, conn: Connection, records: Iterable[object]) -> None:
        """Execute the statement for each record; do nothing without records."""
        name = conn.dialect.name
        if name not in self._compiled:
            self._compiled[name] = self._compile(name, conn.dialect)
        text, values_of = self._compiled[name]
        if values := [values_of(record) for record in records]:
            execute_many(conn, text, values)

    def _compile(self, name: str, dialect: sa.Dialect) -> tuple[str, Callable[[object], tuple[Any, ...]]]:
        compiled = self._statements[name].compile(dialect=dialect, column_keys=self._names)
        order = [variable.removeprefix(_NEW) for variable in compiled.positiontup or ()]
        return compiled.string, _build_value_getter(
            order, [n for n, name in enumerate(order) if name in self._instants]
        )


_NEW = "new_"
"""Prefix of a bound parameter's name; the bare name belongs to the column."""


def _build_value_getter(names: Sequence[str], instants: Sequence[int]) -> Callable[[object], tuple[Any, ...]]:
    get: Callable[[object], tuple[Any, ...]] = attrgetter(*names)
    if len(names) == 1:  # then it returns the value itself

        def get_one(record: object, get: Callable[[object], Any] = get) -> tuple[Any, ...]:
            return (get(record),)

        get = get_one
    if not instants:
        return get

    def get_values(record: object) -> tuple[Any, ...]:
        values = list(get(record))
        for n in instants:
            values[n] = convert_to_microseconds(values[n])
        return tuple(values)

    return get_values


def build_insert(table: sa.Table, names: Iterable[str]) -> BulkStatement:
    """Build an insert of records that have these attributes."""
    return BulkStatement(sa.insert(table), sa.insert(table), table, names)


def build_insert_new(table: sa.Table, names: Iterable[str]) -> BulkStatement:
    """Build an insert that skips rows that already exist."""
    on_sqlite, on_postgres = (insert(table).on_conflict_do_nothing() for insert in (sqlite.insert, postgresql.insert))
    return BulkStatement(on_sqlite, on_postgres, table, names)


def build_upsert(table: sa.Table, names: Iterable[str], key: str = "id") -> BulkStatement:
    """Build an insert that updates the other columns of rows that already exist."""
    others = [name for name in names if name != key]

    def build_statement(insert: sqlite.Insert | postgresql.Insert) -> sa.UpdateBase:
        return insert.on_conflict_do_update(index_elements=[key], set_={name: insert.excluded[name] for name in others})

    return BulkStatement(build_statement(sqlite.insert(table)), build_statement(postgresql.insert(table)), table, names)


def build_update(table: sa.Table, names: Iterable[str], key: str = "id") -> BulkStatement:
    """Build an update of these columns, by key. The rows exist."""
    new = {name: sa.bindparam(_NEW + name, type_=table.c[name].type) for name in names}
    statement = sa.update(table).where(table.c[key] == new.pop(key)).values(new)
    return BulkStatement(statement, statement, table, names)


def build_delete(table: sa.Table, names: Iterable[str]) -> BulkStatement:
    """Build a delete of the rows whose columns equal the records' attributes."""
    statement = sa.delete(table).where(
        *(table.c[name] == sa.bindparam(_NEW + name, type_=table.c[name].type) for name in names)
    )
    return BulkStatement(statement, statement, table, names)


def select_by_keys(
    conn: Connection, statement: sa.Select[Any], column: sa.ColumnElement[Any], keys: Iterable[Any]
) -> list[sa.Row[Any]]:
    """Return the statement's rows whose column is among the keys, for any number of keys."""
    rows: list[sa.Row[Any]] = []
    for key_slice in slice_items(sorted(set(keys))):
        rows += conn.execute(statement.where(column.in_(key_slice))).all()
    return rows


def upsert_rows(conn: Connection, table: sa.Table, rows: Sequence[Row], keys: Sequence[str]) -> None:
    """Insert the rows, or update the other columns where these keys exist. All rows have the same columns."""
    if rows:
        others = tuple(name for name in rows[0] if name not in keys)
        conn.execute(_build_insert(table, others, tuple(keys), is_sqlite(conn)), list(rows))


def insert_new_rows(conn: Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert the rows and skip those that already exist."""
    if rows:
        conn.execute(_build_insert(table, (), (), is_sqlite(conn)), list(rows))


@lru_cache(500)
def _build_insert(table: sa.Table, others: tuple[str, ...], keys: tuple[str, ...], is_on_sqlite: bool) -> sa.UpdateBase:
    """Build an insert that updates the other columns of rows that exist, or skips these. Building it takes longer than
    executing it.
    """
    insert = sqlite.insert(table) if is_on_sqlite else postgresql.insert(table)
    if not others:
        return insert.on_conflict_do_nothing()
    changed = {name: insert.excluded[name] for name in others}
    return insert.on_conflict_do_update(index_elements=list(keys), set_=changed)


def delete_slice(conn: Connection, key: sa.Column[Any], condition: sa.ColumnElement[bool], most: int) -> int:
    """Delete at most so many of the rows that match the condition, by their single key column, and return how many."""
    slice_ = sa.select(key).where(condition).limit(most)
    return conn.execute(sa.delete(key.table).where(key.in_(slice_))).rowcount


def delete_by_keys(conn: Connection, column: sa.Column[Any], keys: Iterable[Any]) -> None:
    """Delete the rows whose column is among the keys."""
    for key_slice in slice_items(sorted(set(keys))):
        conn.execute(sa.delete(column.table).where(column.in_(key_slice)))
