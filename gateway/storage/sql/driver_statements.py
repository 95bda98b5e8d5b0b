"""Driver statements: their text is compiled once for each database, and executed by the driver's cursor.

To look a statement up and to prepare its parameters and rows, SQLAlchemy takes longer than the database takes for a
short one: 25 µs on SQLite, and 55 on PostgreSQL.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql import visitors

from gateway.storage.change_tracking import record_changed_rows

T = TypeVar("T")
Parameters = Sequence[Any]

MAX_FORMS = 20
"""Combinations of databases and lengths of lists for which a statement is compiled."""

_Form = tuple[Any, ...]
"""The name of a dialect, and the lengths of lists."""


class DriverSelect:
    """A select. Its rows are named tuples: their attributes are read ten times as fast as those of SQLAlchemy's.

    Only one that is used again is compiled here: SQLAlchemy keeps the texts of statements that are built anew. The text
    of one with lists of values depends on their lengths, and is compiled for some of them.
    """

    def __init__(self, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> None:
        self._statement = statement
        self._lists = sorted(bind.key for bind in _list_binds(statement) if bind.required and bind.expanding)
        self._used: set[_Form] = set()
        self._compiled: dict[_Form, tuple[_Text, _Reader]] = {}

    def fetch(self, conn: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Return all rows. `values`: of its bound parameters."""
        form = (conn.dialect.name, *(len(values[name]) for name in self._lists))
        if form not in self._compiled and not self._compile_used(form, conn.dialect):
            return fetch_rows(conn, self._statement, values)
        text, read = self._compiled[form]
        return read(_run(conn, text.text, text.bind(values), _fetch))

    def _compile_used(self, form: _Form, dialect: sa.Dialect) -> bool:
        """Compile a form that was used before. Returns whether it was."""
        if form not in self._used:
            if len(self._used) < MAX_FORMS:
                self._used.add(form)
            return False
        lengths = dict(zip(self._lists, form[1:], strict=True))
        self._compiled[form] = _Text(self._statement, dialect, lengths=lengths), _build_reader(self._statement, dialect)
        return True


class DriverChange:
    """An insert, update or delete. `names`: of the columns that it sets by parameters."""

    def __init__(self, statement: sa.UpdateBase, names: Sequence[str] = ()) -> None:
        self._statement = statement
        self._names = list(names)
        self._compiled: dict[str, _Text] = {}

    def run_all(self, conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it for the values of each row, in one call of the driver."""
        if rows:
            text = self._compile(conn.dialect)
            execute_many(conn, text.text, [text.bind(values) for values in rows])

    def _compile(self, dialect: sa.Dialect) -> _Text:
        if dialect.name not in self._compiled:
            self._compiled[dialect.name] = _Text(self._statement, dialect, self._names)
        return self._compiled[dialect.name]

    def run(self, conn: Connection, values: Mapping[str, Any]) -> int:
        """Execute it once, and return the number of changed rows. `values`: of its bound parameters."""
        text = self._compile(conn.dialect)
        changed: int = _run(conn, text.text, text.bind(values), _count)
        if changed:
            record_changed_rows(conn)
        return changed


class _Text:
    """The text of a statement, with the order and the types of its parameters."""

    def __init__(
        self,
        statement: Any,
        dialect: sa.Dialect,
        names: list[str] | None = None,
        lengths: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=names)
        required = {name: None for name, bind in compiled.binds.items() if bind.required}
        lists = {name: [None] * length for name, length in lengths.items()}
        expanded = compiled.construct_expanded_state({**required, **lists})
        self.text, self._order = expanded.statement, expanded.positiontup or ()
        self._items = {name: expanded.parameter_expansion[name] for name in lists}
        found = {name: _get_binder(bind, dialect) for name, bind in compiled.binds.items()} | {**expanded.processors}
        self._binders = {name: convert for name, convert in found.items() if convert is not None and name not in lists}
        given, items = expanded.parameters, {name for names in self._items.values() for name in names}
        fixed = [name for name in self._order if name not in required and name not in items]
        self._fixed = {name: self._convert(name, given[name]) for name in fixed}

    def bind(self, values: Mapping[str, Any]) -> Parameters:
        bound = {**self._fixed, **values}
        for name, items in self._items.items():
            bound |= {item: self._convert(item, value) for item, value in zip(items, values[name], strict=True)}
        for name in self._binders.keys() & values.keys():
            bound[name] = self._convert(name, values[name])
        return [bound[name] for name in self._order]

    def _convert(self, name: str, value: Any) -> Any:
        convert = self._binders.get(name)
        return value if convert is None else convert(value)


def _list_binds(statement: Any) -> Iterator[sa.BindParameter[Any]]:
    return (element for element in visitors.iterate(statement) if isinstance(element, sa.BindParameter))


def _get_binder(bind: sa.BindParameter[Any], dialect: sa.Dialect) -> Any:
    return bind.type.dialect_impl(dialect).bind_processor(dialect)


_Reader = Callable[[Sequence[Any]], list[Any]]


def _build_reader(statement: sa.Select[Any] | sa.CompoundSelect[Any], dialect: sa.Dialect) -> _Reader:
    """Build the function that converts the driver's rows: by column, because that is done in C."""
    columns = statement.selected_columns
    make = _create_row_type(tuple(columns.keys()))._make
    found = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
    converters = [(number, convert) for number, convert in enumerate(found) if convert is not None]

    def read(rows: Sequence[Any]) -> list[Any]:
        if not rows or not converters:
            return list(map(make, rows))
        values: list[Any] = list(zip(*rows, strict=True))
        for number, convert in converters:
            values[number] = map(convert, values[number])
        return list(map(make, zip(*values, strict=True)))

    return read


@lru_cache(500)
def _create_row_type(names: tuple[str, ...]) -> Any:
    return namedtuple("row", names)


def fetch_rows(
    conn: Connection,
    statement: sa.Select[Any] | sa.CompoundSelect[Any],
    values: Mapping[str, Any] = MappingProxyType({}),
) -> list[Any]:
    """Execute a select that is built for each request. Returns its rows as named tuples."""
    found = conn.execute(statement, values)
    return list(map(_create_row_type(tuple(found.keys()))._make, found))


def execute_many(conn: Connection, text: str, parameters: Sequence[Parameters]) -> None:
    """Execute a statement for each of these parameters, and record that it may have changed rows.

    Raises:
        DBAPIError: as `Connection.execute`.
    """
    many = len(parameters) > 1
    if _run(conn, text, parameters if many else parameters[0], _count, is_many=many):
        record_changed_rows(conn)


def _fetch(cursor: Any) -> Sequence[Any]:
    rows: Sequence[Any] = cursor.fetchall()
    return rows


def _count(cursor: Any) -> int:
    """Return the number of changed rows, or -1 if the driver does not tell."""
    changed: int = cursor.rowcount
    return changed


def _run(conn: Connection, text: str, parameters: Any, finish: Callable[[Any], T], *, is_many: bool = False) -> T:
    cursor: Any = conn.connection.cursor()
    for listen in conn.dispatch.before_cursor_execute:
        listen(conn, cursor, text, parameters, None, is_many)
    run = cursor.executemany if is_many else cursor.execute
    try:
        run(text, parameters)
        result = finish(cursor)
    except BaseException as error:  # noqa: BLE001 raised again
        _raise(conn, error, text, cursor)
    cursor.close()
    return result


def _raise(conn: Connection, error: BaseException, text: str, cursor: Any) -> NoReturn:
    """Raise the error as SQLAlchemy does: the connection is not used again if it is lost or its statement given up."""
    dialect: Any = conn.dialect
    is_of_driver = isinstance(error, dialect.loaded_dbapi.Error)
    is_lost = is_of_driver and dialect.is_disconnect(error, conn.connection.dbapi_connection, cursor)
    if not (is_lost or isinstance(error, Exception)):
        conn.invalidate(error)
    if not is_of_driver:
        raise error
    if not is_lost:
        with suppress(dialect.loaded_dbapi.Error):
            cursor.close()
    build = partial(sa.exc.DBAPIError.instance, text, None, error, dialect.loaded_dbapi.Error, hide_parameters=True)
    wrapped = build(connection_invalidated=is_lost, dialect=dialect)
    if is_lost:  # as are, probably, the others of the pool
        conn.engine.pool._invalidate(conn.connection, error)
        conn.invalidate(error)
    raise wrapped from error
