"""JSON arrays in columns, taken apart by the database: alike on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from gateway.storage.tables import Text


class Items(FunctionElement[Any]):
    """The items of the array in a column of texts; each is JSON again."""

    inherit_cache = True


class TextsOf(FunctionElement[Any]):
    """The texts in the array that is the second part of an item."""

    inherit_cache = True


class NameOf(FunctionElement[str]):
    """The text that is the first part of an item."""

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


@compiles(NameOf, "sqlite")
def _name_on_sqlite(element: NameOf, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_extract({compiler.process(element.clauses, **options)}, '$[0]')"


@compiles(NameOf, "postgresql")
def _name_on_postgres(element: NameOf, compiler: SQLCompiler, **options: Any) -> str:
    return f"(({compiler.process(element.clauses, **options)}) ->> 0)"


def named_texts(column: sa.ColumnElement[Any]) -> tuple[sa.FromClause, sa.FromClause, sa.ColumnElement[str]]:
    """Of a column [[name, [text, …]], …]: its items, the texts of each, and the item's name. To be joined in order."""
    named = Items(column).table_valued("value")
    return named, TextsOf(named.c.value).table_valued(sa.column("value", Text)), NameOf(named.c.value)
