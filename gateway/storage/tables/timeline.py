"""Tables of what happened between customers and the retailer outside of orders and carts."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Instant, Text, column, metadata, optional_column

interactions = sa.Table(
    "interactions",
    metadata,
    column("id", Text, primary_key=True),
    column("identity_id", Text),  # that of the customer ID under which it was added (rule C1)
    column("kind", Text),  # SERVICE_CONTACT, STORE_VISIT, NOTE
    column("occurred_at", Instant),
    optional_column("channel", Text),
    optional_column("location", Text),
    column("summary", Text),
    column("public", sa.Boolean),
    optional_column("source_key", Text),  # names it in the system that sent it; counts once
    column("actor", Text),  # name of the token
    column("created_at", Instant),
    sa.UniqueConstraint("source_key"),
    sa.Index("ix_interactions_identity", "identity_id", "occurred_at"),
)
