"""Writes of reviews."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import BulkSelect, build_upsert
from gateway.storage.tables import channel_products, listings, product_reviews, products


@dataclass(slots=True)
class ReviewRow:
    """A row of `product_reviews`."""

    id: str
    source_id: str
    channel: str
    external_id: str
    external_product_id: str
    external_variant_id: str | None
    rating: int
    title: str | None
    body: str | None
    author: str | None
    verified_purchase: bool
    locale: str | None
    reply: str | None
    written_at: datetime
    gone: bool


_names = tuple(field.name for field in fields(ReviewRow))
_by_source = BulkSelect(sa.select(*(product_reviews.c[name] for name in _names)), product_reviews.c.source_id)
_upsert = build_upsert(product_reviews, _names)
_versions = BulkSelect(
    sa.select(products.c.id, products.c.version)
    .join(listings, listings.c.product_id == products.c.id)
    .join(channel_products, channel_products.c.id == listings.c.channel_product_id)
    .where(channel_products.c.channel == sa.bindparam("channel"))
    .distinct(),
    channel_products.c.external_id,
)


def find_reviews(conn: Connection, source_ids: Collection[str]) -> dict[str, ReviewRow]:
    """Find reviews, including gone ones, by the ID of the source record."""
    return {row.source_id: ReviewRow(*row) for row in _by_source.select(conn, source_ids)}


def store_reviews(conn: Connection, rows: Sequence[ReviewRow]) -> None:
    """Insert or update reviews."""
    _upsert.run(conn, rows)


def find_reviewed_products(conn: Connection, channel: str, external_ids: Collection[str]) -> list[tuple[str, int]]:
    """Find the products that these products of a channel belong to, each with its version."""
    rows = _versions.select(conn, external_ids, channel=channel)
    return sorted({(row.id, row.version) for row in rows})
