"""Rows: JSON in columns, long lists of keys, and inserting or updating many at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.tables import Text

T = TypeVar("T")
Row = Mapping[str, Any]

SLICE = 500
"""Keys per statement: few enough for every database's limit on variables."""


def dump(value: Any) -> str:
    """JSON text, ASCII only: PostgreSQL has no NUL in a text, and UTF-8 no half surrogates."""
    return json.dumps(value, separators=(",", ":"), default=str)


def load(text: str | None) -> Any:
    """What `dump` made, or None."""
    return None if text is None else json.loads(text)


def as_row(record: Any) -> dict[str, Any]:
    """The fields of a row's dataclass, which has slots; `dataclasses.asdict` copies deeply at many times the cost."""
    return {name: getattr(record, name) for name in record.__slots__}


def slices(items: Sequence[T], size: int = SLICE) -> Iterator[Sequence[T]]:
    """The items in runs of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


class Keyed:
    """A select of the rows whose column is among many texts: one variable, one statement, one plan.

    Built once and kept, because SQLAlchemy takes five times as long to build such a statement as the database to run
    it, and a small transaction of a sync has some twenty of them.
    """

    def __init__(self, statement: sa.Select[Any], column: sa.ColumnElement[Any]) -> None:
        each = sa.func.json_each(sa.bindparam("keys", type_=Text)).table_valued("value")
        array = sa.cast(sa.bindparam("keys", type_=postgresql.ARRAY(Text)), postgresql.ARRAY(Text))
        self._on_sqlite = statement.where(column.in_(sa.select(each.c.value)))
        self._on_postgres = statement.where(column == sa.any_(array))

    def all(self, conn: Connection, keys: Iterable[str], **values: Any) -> Sequence[sa.Row[Any]]:
        """The rows, however many keys there are. `values`: of the statement's other variables."""
        wanted = sorted(set(keys))
        if not wanted:
            return ()
        if is_sqlite(conn):
            return conn.execute(self._on_sqlite, {"keys": dump(wanted), **values}).all()
        return conn.execute(self._on_postgres, {"keys": wanted, **values}).all()


def select_in(
    conn: Connection, statement: sa.Select[Any], column: sa.ColumnElement[Any], keys: Iterable[Any]
) -> list[sa.Row[Any]]:
    """The rows of the statement whose column is among the keys, however many those are."""
    found: list[sa.Row[Any]] = []
    for some in slices(sorted(set(keys))):
        found += conn.execute(statement.where(column.in_(some))).all()
    return found


def upsert(conn: Connection, table: sa.Table, rows: Sequence[Row], keys: Sequence[str]) -> None:
    """Insert the rows, or where a row with these keys exists, set its other columns. All rows have the same columns."""
    if not rows:
        return
    insert = sqlite.insert(table) if is_sqlite(conn) else postgresql.insert(table)
    changed = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    conflict = (
        insert.on_conflict_do_update(index_elements=keys, set_=changed) if changed else insert.on_conflict_do_nothing()
    )
    conn.execute(conflict, list(rows))


def insert_new(conn: Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert the rows; leave alone those that exist."""
    if rows:
        insert = sqlite.insert(table) if is_sqlite(conn) else postgresql.insert(table)
        conn.execute(insert.on_conflict_do_nothing(), list(rows))


def update(conn: Connection, table: sa.Table, rows: Sequence[Row], key: str = "id") -> None:
    """Set the given columns of the rows with these ids. All rows have the same columns."""
    if rows:
        set_rows(conn, updating(table, rows[0], key), rows)


def updating(table: sa.Table, names: Iterable[str], key: str = "id") -> sa.Update:
    """A statement for `set_rows`, to be built once and kept."""
    columns: dict[str, Any] = {name: sa.bindparam(f"_{name}") for name in names if name != key}
    return sa.update(table).where(table.c[key] == sa.bindparam(f"_{key}")).values(columns)


def set_rows(conn: Connection, statement: sa.Update, rows: Sequence[Row]) -> None:
    """Run a statement that `updating` made, for each of these rows."""
    if rows:
        conn.execute(statement, [{f"_{name}": value for name, value in row.items()} for row in rows])


def delete_in(conn: Connection, table: sa.Table, column: sa.ColumnElement[Any], keys: Iterable[Any]) -> None:
    """Delete the rows whose column is among the keys."""
    for some in slices(sorted(set(keys))):
        conn.execute(sa.delete(table).where(column.in_(some)))
