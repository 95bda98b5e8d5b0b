"""Hints for the planner of SQLite, which has no statistics of values and overrates conditions on columns of few values.

PostgreSQL knows how often a value occurs, and gets the bare column.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class Unindexed(FunctionElement[Any]):
    """A column by which no index is searched."""

    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(Unindexed)
def _compile_column(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(Unindexed, "sqlite")
def _compile_column_on_sqlite(element: Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


def skip_index(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the column for a condition that most rows of its table can match: it is checked row by row."""
    return Unindexed(column)


class HintCompiler(SQLiteCompiler):
    """A compiler that writes the hints of `Select.with_hint` behind a table: SQLAlchemy leaves them out for SQLite."""

    def get_from_hint_text(self, table: sa.FromClause, text: str | None) -> str | None:
        return text
