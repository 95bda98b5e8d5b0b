"""Rows: JSON in columns, long lists of keys, and inserting or updating many at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.tables import Instant, Text, microseconds

T = TypeVar("T")
Row = Mapping[str, Any]
AnyRow = sa.Row[*tuple[Any, ...]]

SLICE = 500
"""Keys per statement: few enough for every database's limit on variables."""


_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode  # json.dumps would make an encoder every time


def dump(value: Any) -> str:
    """JSON text, ASCII only: PostgreSQL has no NUL in a text, and UTF-8 no half surrogates."""
    return _encode(value)


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

    Args:
        statement: the rows of all keys; or what makes them of the condition that the column is among the keys.
        locked_by: lock the rows in this order. SQLite locks no rows, and asked for the order it reads whole indexes.
    """

    def __init__(
        self,
        statement: sa.Select[Any] | Callable[[sa.ColumnElement[bool]], sa.Select[Any]],
        column: sa.ColumnElement[Any],
        locked_by: sa.Column[Any] | None = None,
    ) -> None:
        made = statement.where if isinstance(statement, sa.Select) else statement
        each = sa.func.json_each(sa.bindparam("keys", type_=Text)).table_valued("value")
        array = sa.cast(sa.bindparam("keys", type_=postgresql.ARRAY(Text)), postgresql.ARRAY(Text))
        self._on_sqlite = made(column.in_(sa.select(each.c.value)))
        found = made(column == sa.any_(array))
        self._on_postgres = found if locked_by is None else found.order_by(locked_by).with_for_update()

    def all(self, conn: Connection, keys: Iterable[str], **values: Any) -> Sequence[AnyRow]:
        """The rows, however many keys there are. `values`: of the statement's other variables."""
        wanted = sorted(set(keys))
        if not wanted:
            return ()
        if is_sqlite(conn):
            return conn.execute(self._on_sqlite, {"keys": dump(wanted), **values}).all()
        return conn.execute(self._on_postgres, {"keys": wanted, **values}).all()


class Many:
    """A statement that runs once for each of many records, with their attributes as its variables.

    Compiled once for each database, and handed to the driver: SQLAlchemy takes as long over the values of a row as the
    database over storing it, which was a fifth of a first sync.
    """

    def __init__(self, on_sqlite: sa.UpdateBase, on_postgres: sa.UpdateBase, table: sa.Table, names: Iterable[str]):
        self._statements = {"sqlite": on_sqlite, "postgresql": on_postgres}
        self._instants = {name for name in names if isinstance(table.c[name].type, Instant)}
        self._names = list(names)
        self._compiled: dict[str, tuple[str, Callable[[object], tuple[Any, ...]]]] = {}

    def run(self, conn: Connection, records: Iterable[object]) -> None:
        """Run it for each of these records; not at all, where there is none."""
        name = conn.dialect.name
        if name not in self._compiled:
            self._compiled[name] = self._compile(name, conn.dialect)
        text, values_of = self._compiled[name]
        if values := [values_of(record) for record in records]:
            conn.exec_driver_sql(text, values)

    def _compile(self, name: str, dialect: sa.Dialect) -> tuple[str, Callable[[object], tuple[Any, ...]]]:
        compiled = self._statements[name].compile(dialect=dialect, column_keys=self._names)
        order = [variable.removeprefix(_NEW) for variable in compiled.positiontup or ()]
        return compiled.string, _values(order, [n for n, name in enumerate(order) if name in self._instants])


_NEW = "new_"
"""Before the name of a column, in a variable: the name alone is the column's own."""


def _values(names: Sequence[str], instants: Sequence[int]) -> Callable[[object], tuple[Any, ...]]:
    get = attrgetter(*names)
    if not instants:
        return get

    def values_of(record: object) -> tuple[Any, ...]:
        values = list(get(record))
        for n in instants:
            values[n] = microseconds(values[n])
        return tuple(values)

    return values_of


def inserting(table: sa.Table, names: Iterable[str]) -> Many:
    """Inserts records that have these attributes."""
    return Many(sa.insert(table), sa.insert(table), table, names)


def adding(table: sa.Table, names: Iterable[str]) -> Many:
    """As `inserting`, and leaves rows alone that exist."""
    on_sqlite, on_postgres = (insert(table).on_conflict_do_nothing() for insert in (sqlite.insert, postgresql.insert))
    return Many(on_sqlite, on_postgres, table, names)


def putting(table: sa.Table, names: Iterable[str], key: str = "id") -> Many:
    """As `inserting`, and sets the other columns of rows that exist."""
    others = [name for name in names if name != key]

    def statement(insert: sqlite.Insert | postgresql.Insert) -> sa.UpdateBase:
        return insert.on_conflict_do_update(index_elements=[key], set_={name: insert.excluded[name] for name in others})

    return Many(statement(sqlite.insert(table)), statement(postgresql.insert(table)), table, names)


def updating(table: sa.Table, names: Iterable[str], key: str = "id") -> Many:
    """Sets these columns of the rows of records, which exist."""
    new = {name: sa.bindparam(_NEW + name, type_=table.c[name].type) for name in names}
    statement = sa.update(table).where(table.c[key] == new.pop(key)).values(new)
    return Many(statement, statement, table, names)


def deleting(table: sa.Table, names: Iterable[str]) -> Many:
    """Deletes the rows that have what records have."""
    statement = sa.delete(table).where(
        *(table.c[name] == sa.bindparam(_NEW + name, type_=table.c[name].type) for name in names)
    )
    return Many(statement, statement, table, names)


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


def delete_in(conn: Connection, column: sa.Column[Any], keys: Iterable[Any]) -> None:
    """Delete the rows whose column is among the keys."""
    for some in slices(sorted(set(keys))):
        conn.execute(sa.delete(column.table).where(column.in_(some)))
