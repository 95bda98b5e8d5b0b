"""Writes of the attributes by which products are filtered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import BulkSelect, build_delete, build_insert
from gateway.storage.tables import product_attributes


class AttributeRow(NamedTuple):
    """A row of `product_attributes`."""

    product_id: str
    key: str
    value: str
    micros: int | None


_attributes = BulkSelect(
    sa.select(*(product_attributes.c[name] for name in AttributeRow._fields)), product_attributes.c.product_id
)
_insert = build_insert(product_attributes, AttributeRow._fields)
_delete = build_delete(product_attributes, ("product_id", "key", "value"))


def store_attributes(conn: Connection, known: Collection[str], rows: Sequence[AttributeRow]) -> None:
    """Replace the attributes of products; `known` are those that may already have some."""
    before, after = {AttributeRow(*row) for row in _attributes.select(conn, known)}, set(rows)
    added: list[AttributeRow] = [row for row in rows if row not in before]
    _delete.run(conn, before - after)
    _insert.run(conn, added)
