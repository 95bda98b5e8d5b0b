"""Tables of collections of channels, and of products that are bought together."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Count, Instant, Text, column, metadata, optional_column

collections = sa.Table(  # collections of channels; those of the configuration have no rows
    "collections",
    metadata,
    column("id", Text, primary_key=True),
    column("source_id", Text),  # = sources.id
    column("channel", Text),
    column("external_id", Text),
    column("generation", sa.Integer),
    column("gone", sa.Boolean),
    column("handle", Text),
    optional_column("handle_claim", Text),  # the channel's handle, which another collection may have (rule H2)
    column("title", Text),
    column("sort_title", Text),
    column("texts", Text),  # JSON [[locale, title, description, html, SEO title, SEO description], …], its own first
    optional_column("image", Text),  # JSON
    column("version", Count),
    column("updated_at", Instant),
    sa.UniqueConstraint("channel", "external_id"),
    sa.Index("ix_collections_source", "source_id"),
    sa.Index("ix_collections_handle", "handle", "channel"),
    sa.Index("ix_collections_title", "sort_title", "id"),
)
collection_members = (
    sa.Table(  # products of a collection as its channel lists them, whether the gateway has them or not
        "collection_members",
        metadata,
        column("collection_id", Text, primary_key=True),
        column("external_id", Text, primary_key=True),
        column("channel", Text),
        column("position", sa.Integer),
        sa.Index("ix_collection_members_product", "channel", "external_id"),
        sqlite_with_rowid=False,
    )
)
collection_products = sa.Table(  # products of a collection: those of its members that a channel lists
    "collection_products",
    metadata,
    column("collection_id", Text, primary_key=True),
    column("product_id", Text, primary_key=True),
    column("position", sa.Integer),
    sa.Index("ix_collection_products_position", "collection_id", "position", "product_id"),
    sa.Index("ix_collection_products_product", "product_id"),
    sqlite_with_rowid=False,
)
former_collection_handles = sa.Table(  # handles that collections had, for links that still exist (rule H2)
    "former_collection_handles",
    metadata,
    column("channel", Text, primary_key=True),
    column("handle", Text, primary_key=True),
    column("collection_id", Text, primary_key=True),
    column("replaced_at", Instant),
    sqlite_with_rowid=False,
)
bought_together = sa.Table(  # in how many recent orders two products are, counted every hour; an empty channel: all
    "bought_together",
    metadata,
    column("product_id", Text, primary_key=True),
    column("channel", Text, primary_key=True),
    column("other_id", Text, primary_key=True),
    column("orders", sa.Integer),
    sqlite_with_rowid=False,
)
