"""Writes of the tasks for operators that the ingest of orders opens and closes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import BulkSelect, build_insert
from gateway.storage.tables import order_tasks


@dataclass(slots=True)
class OrderTaskRow:
    """A row of `order_tasks`."""

    order_id: str
    kind: str
    note: str
    opened_at: datetime
    due_at: datetime | None = None


_names = [field.name for field in fields(OrderTaskRow)]
_tasks = BulkSelect(sa.select(*(order_tasks.c[name] for name in _names)), order_tasks.c.order_id)
_insert = build_insert(order_tasks, _names)
_delete = sa.delete(order_tasks).where(
    order_tasks.c.order_id == sa.bindparam("_order"), order_tasks.c.kind == sa.bindparam("_kind")
)


def find_tasks(conn: Connection, order_ids: Collection[str], kinds: Collection[str]) -> list[OrderTaskRow]:
    """Find the open tasks of these kinds."""
    return [OrderTaskRow(*row) for row in _tasks.select(conn, order_ids) if row.kind in kinds]


def replace_tasks(conn: Connection, closed: Sequence[OrderTaskRow], opened: Sequence[OrderTaskRow]) -> None:
    """Close tasks, then open others."""
    if closed:
        conn.execute(_delete, [{"_order": row.order_id, "_kind": row.kind} for row in closed])
    _insert.run(conn, opened)
