"""JSON arrays, in columns or as parameters, expanded into rows by the database: the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from gateway.storage.sql.bulk import dump_json
from gateway.storage.tables import Text


class ArrayItems(FunctionElement[Any]):
    """The items of the array in a text column, each as JSON."""

    inherit_cache = True


class ArrayTexts(FunctionElement[Any]):
    """The texts of the array in a text column."""

    inherit_cache = True


class ItemTexts(FunctionElement[Any]):
    """The texts of the array that is the second element of an item."""

    inherit_cache = True


class ItemPart(FunctionElement[str]):
    """An element of an item that is itself an array, by index: a text, to be cast if needed."""

    type = Text
    inherit_cache = True


@compiles(ArrayItems, "sqlite")
def _compile_items_on_sqlite(element: ArrayItems, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(ArrayItems, "postgresql")
def _compile_items_on_postgres(element: ArrayItems, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements(({compiler.process(element.clauses, **options)})::json)"


@compiles(ArrayTexts, "sqlite")
def _compile_array_on_sqlite(element: ArrayTexts, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(ArrayTexts, "postgresql")
def _compile_array_on_postgres(element: ArrayTexts, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements_text(({compiler.process(element.clauses, **options)})::json)"


@compiles(ItemTexts, "sqlite")
def _compile_texts_on_sqlite(element: ItemTexts, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)}, '$[1]')"


@compiles(ItemTexts, "postgresql")
def _compile_texts_on_postgres(element: ItemTexts, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements_text(({compiler.process(element.clauses, **options)}) -> 1)"


@compiles(ItemPart, "sqlite")
def _compile_part_on_sqlite(element: ItemPart, compiler: SQLCompiler, **options: Any) -> str:
    item, number = (compiler.process(clause, **options) for clause in element.clauses)
    return f"json_extract({item}, '$[{number}]')"


@compiles(ItemPart, "postgresql")
def _compile_part_on_postgres(element: ItemPart, compiler: SQLCompiler, **options: Any) -> str:
    item, number = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(({item}) ->> {number})"


def select_part(item: sa.ColumnElement[Any], number: int) -> sa.ColumnElement[str]:
    """Select the element of an item at this index, from 0."""
    return ItemPart(item, sa.literal_column(str(number)))


def expand_texts(column: sa.ColumnElement[Any]) -> sa.FromClause:
    """Expand a column [text, …] into its texts, in the column `value`."""
    return ArrayTexts(column).table_valued(sa.column("value", Text))


def expand_named_texts(column: sa.ColumnElement[Any]) -> tuple[sa.FromClause, sa.FromClause, sa.ColumnElement[str]]:
    """Expand a column [[name, [text, …]], …] into its items, the texts of each, and the item's name; join them in this
    order.
    """
    named = ArrayItems(column).table_valued("value")
    return named, ItemTexts(named.c.value).table_valued(sa.column("value", Text)), select_part(named.c.value, 0)


def build_table(name: str, columns: Mapping[str, Any], data: Sequence[Sequence[Any]]) -> sa.CTE:
    """Build a table of any number of rows, with one bound parameter and one statement that is compiled once.

    A statement with `sa.values` would be compiled on every execution. The database reads the rows once.
    """
    item = ArrayItems(sa.literal(dump_json(data), Text)).table_valued("value")
    parts = [
        sa.cast(select_part(item.c.value, number), kind).label(column)
        for number, (column, kind) in enumerate(columns.items())
    ]
    return sa.select(*parts).select_from(item).cte(name).prefix_with("MATERIALIZED")
