"""Writes of the texts of channel products in further locales."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import BulkSelect, build_delete, build_insert
from gateway.storage.tables import product_texts


class TextRow(NamedTuple):
    """A row of `product_texts`."""

    channel_product_id: str
    locale: str
    title: str
    description: str
    html: str | None
    seo_title: str | None
    seo_description: str | None


_texts = BulkSelect(sa.select(*(product_texts.c[name] for name in TextRow._fields)), product_texts.c.channel_product_id)
_insert = build_insert(product_texts, TextRow._fields)
_delete = build_delete(product_texts, ("channel_product_id", "locale"))


def find_titles(conn: Connection, ids: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Find the titles of channel products in further locales."""
    titles: dict[str, list[str]] = {}
    for row in _texts.select(conn, ids):
        titles.setdefault(row.channel_product_id, []).append(row.title)
    return titles


def store_texts(conn: Connection, known: Collection[str], rows: Sequence[TextRow]) -> None:
    """Replace the texts of channel products; `known` are those that may already have some."""
    before, after = {TextRow(*row) for row in _texts.select(conn, known)}, set(rows)
    changed: list[TextRow] = [row for row in rows if row not in before]
    _delete.run(conn, before - after)
    _insert.run(conn, changed)
