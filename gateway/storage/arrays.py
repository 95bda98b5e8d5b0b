"""JSON arrays, in columns or given, taken apart by the database: alike on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from gateway.storage.rows import dump
from gateway.storage.tables import Text


class Items(FunctionElement[Any]):
    """The items of the array in a column of texts; each is JSON again."""

    inherit_cache = True


class TextsOf(FunctionElement[Any]):
    """The texts in the array that is the second part of an item."""

    inherit_cache = True


class Part(FunctionElement[str]):
    """A part of an item that is an array itself, by its number: a text, or to be cast."""

    type = Text
    inherit_cache = True


@compiles(Items, "sqlite")
def _items_on_sqlite(element: Items, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(Items, "postgresql")
def _items_on_postgres(element: Items, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements(({compiler.process(element.clauses, **options)})::json)"


@compiles(TextsOf, "sqlite")
def _texts_on_sqlite(element: TextsOf, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)}, '$[1]')"


@compiles(TextsOf, "postgresql")
def _texts_on_postgres(element: TextsOf, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements_text(({compiler.process(element.clauses, **options)}) -> 1)"


@compiles(Part, "sqlite")
def _part_on_sqlite(element: Part, compiler: SQLCompiler, **options: Any) -> str:
    item, number = (compiler.process(one, **options) for one in element.clauses)
    return f"json_extract({item}, '$[{number}]')"


@compiles(Part, "postgresql")
def _part_on_postgres(element: Part, compiler: SQLCompiler, **options: Any) -> str:
    item, number = (compiler.process(one, **options) for one in element.clauses)
    return f"(({item}) ->> {number})"


def part(item: sa.ColumnElement[Any], number: int) -> sa.ColumnElement[str]:
    """The part of an item with this number, from 0."""
    return Part(item, sa.literal_column(str(number)))


def named_texts(column: sa.ColumnElement[Any]) -> tuple[sa.FromClause, sa.FromClause, sa.ColumnElement[str]]:
    """Of a column [[name, [text, …]], …]: its items, the texts of each, and the item's name. To be joined in order."""
    named = Items(column).table_valued("value")
    return named, TextsOf(named.c.value).table_valued(sa.column("value", Text)), part(named.c.value, 0)


def table_of(name: str, columns: Mapping[str, Any], data: Sequence[Sequence[Any]]) -> sa.CTE:
    """A table of these rows, however many: one variable and one statement, which is compiled once.

    That is what `sa.values` is not: what it is in is compiled every time. The database reads the rows once.
    """
    item = Items(sa.literal(dump(data), Text)).table_valued("value")
    parts = [
        sa.cast(part(item.c.value, number), kind).label(column) for number, (column, kind) in enumerate(columns.items())
    ]
    return sa.select(*parts).select_from(item).cte(name).prefix_with("MATERIALIZED")
