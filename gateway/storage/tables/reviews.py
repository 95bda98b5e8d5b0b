"""Table of the reviews that customers have written in channels."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Instant, Text, column, metadata, optional_column

product_reviews = sa.Table(
    "product_reviews",
    metadata,
    column("id", Text, primary_key=True),  # derived from channel and external id
    column("source_id", Text, unique=True),  # = sources.id
    column("channel", Text),
    column("external_id", Text),
    column("external_product_id", Text),  # of the product in the channel, which may be synced later
    optional_column("external_variant_id", Text),
    column("rating", sa.Integer),  # 1 to 5 stars
    optional_column("title", Text),
    optional_column("body", Text),
    optional_column("author", Text),
    column("verified_purchase", sa.Boolean),
    optional_column("locale", Text),
    optional_column("reply", Text),
    column("written_at", Instant),
    column("gone", sa.Boolean),  # a tombstone without texts: the channel does not publish it any more
    sa.Index("ix_product_reviews_written_at", "channel", "external_product_id", "written_at", "id"),
    sa.Index("ix_product_reviews_rating", "channel", "external_product_id", "rating", "id"),
)
