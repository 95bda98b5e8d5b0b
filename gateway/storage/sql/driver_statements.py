"""Driver statements: their text is compiled once for each database, and executed by the driver's cursor.

To look a statement up and to prepare its parameters and rows, SQLAlchemy takes longer than the database takes for a
short one: 25 µs on SQLite, and 55 on PostgreSQL.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.change_tracking import record_changed_rows

Convert = Callable[[Any], Any]
Parameters = Sequence[Any]


class DriverSelect:
    """A select. Its rows are named tuples; no two of its columns have the same name."""

    def __init__(self, statement: sa.Select[Any]) -> None:
        self._statement = statement
        self._compiled: dict[str, Callable[[Connection, Mapping[str, Any]], list[Any]]] = {}

    def fetch(self, conn: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Return all rows. `values`: of its bound parameters."""
        fetch = self._compiled.get(conn.dialect.name)
        if fetch is None:
            fetch = self._compiled[conn.dialect.name] = _compile_select(self._statement, conn.dialect)
        return fetch(conn, values)


def _compile_select(
    statement: sa.Select[Any], dialect: sa.Dialect
) -> Callable[[Connection, Mapping[str, Any]], list[Any]]:
    compiled = statement.compile(dialect=dialect)
    required = {name: None for name, bind in compiled.binds.items() if bind.required}
    expanded = compiled.construct_expanded_state(required)
    text, order, given, binders = (
        expanded.statement,
        expanded.positiontup or (),
        expanded.parameters,
        expanded.processors,
    )
    fixed = {name: _apply(binders.get(name), given[name]) for name in order}
    read = _build_reader(statement, dialect)

    def fetch(conn: Connection, values: Mapping[str, Any]) -> list[Any]:
        bound = {**fixed, **values}
        for name in binders.keys() & values.keys():
            bound[name] = _apply(binders[name], values[name])
        return read(execute(conn, text, [bound[name] for name in order]).fetchall())

    return fetch


def _apply(convert: Any, value: Any) -> Any:
    return value if convert is None else convert(value)


def _build_reader(statement: sa.Select[Any], dialect: sa.Dialect) -> Callable[[Sequence[Any]], list[Any]]:
    """Build the function that converts the driver's rows: by column, because that is done in C."""
    columns = statement.selected_columns
    make = _create_row_type(columns.keys())._make
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


def _create_row_type(names: Sequence[str]) -> Any:
    return namedtuple("row", names)


def execute(conn: Connection, text: str, parameters: Parameters) -> Any:
    """Execute a statement once. Returns the driver's cursor.

    Raises:
        DBAPIError: as `Connection.execute`.
    """
    return _run(conn, text, parameters, is_many=False)


def execute_many(conn: Connection, text: str, parameters: Sequence[Parameters]) -> None:
    """Execute a statement for each of these parameters, and record that it may have changed rows.

    Raises:
        DBAPIError: as `Connection.execute`.
    """
    if len(parameters) == 1:
        cursor = _run(conn, text, parameters[0], is_many=False)
    else:
        cursor = _run(conn, text, parameters, is_many=True)
    if cursor.rowcount != 0:
        record_changed_rows(conn)
    cursor.close()


def _run(conn: Connection, text: str, parameters: Any, *, is_many: bool) -> Any:
    cursor: Any = conn.connection.cursor()
    for listen in conn.dispatch.before_cursor_execute:
        listen(conn, cursor, text, parameters, None, is_many)
    run = cursor.executemany if is_many else cursor.execute
    try:
        run(text, parameters)
    except BaseException as error:  # noqa: BLE001 raised again
        _raise(conn, error, text, cursor)
    return cursor


def _raise(conn: Connection, error: BaseException, text: str, cursor: Any) -> NoReturn:
    """Raise the error as SQLAlchemy does: the connection is not used again if it is lost or its statement given up."""
    dialect: Any = conn.dialect
    if not isinstance(error, dialect.loaded_dbapi.Error):
        if not isinstance(error, Exception):
            conn.invalidate(error)
        raise error
    is_lost = dialect.is_disconnect(error, conn.connection.dbapi_connection, cursor)
    build = partial(sa.exc.DBAPIError.instance, text, None, error, dialect.loaded_dbapi.Error, hide_parameters=True)
    wrapped = build(connection_invalidated=is_lost, dialect=dialect)
    if is_lost:
        conn.invalidate(error)
    raise wrapped from error
