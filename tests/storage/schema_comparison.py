"""The tables of a database compared with those that statements are written for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection

from gateway.storage import tables

OTHERS = {"observations", "alembic_version"}
BY_EXPRESSION = {"ix_stock_free"}
"""Indexes that SQLAlchemy cannot read from SQLite; they are compared by name."""

_INDEX_NAMES = {
    "sqlite": sa.text("SELECT name FROM sqlite_master WHERE type = 'index'"),
    "postgresql": sa.text("SELECT indexname FROM pg_indexes"),
}


def list_differences(conn: Connection) -> list[object]:
    """List the differences of tables, columns and indexes."""
    context = MigrationContext.configure(conn, opts={"include_object": _is_compared, "compare_type": False})
    missing = BY_EXPRESSION - set(conn.scalars(_INDEX_NAMES[conn.dialect.name]))
    return [*compare_metadata(context, tables.metadata), *missing]


def _is_compared(_object: object, name: str | None, *_rest: Any) -> bool:
    return name not in OTHERS | BY_EXPRESSION
