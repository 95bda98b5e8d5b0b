"""Tables of outgoing webhooks (rule N3). They hold ids, and no personal data."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Count, Instant, Text, column, metadata, optional_column

notices = sa.Table(  # one row per notice and endpoint
    "notices",
    metadata,
    column("id", Text, primary_key=True),  # of the webhook, the same in every try
    column("endpoint", Text),  # name in the configuration
    column("kind", Text),
    column("subject", Text),  # what its versions count
    column("version", Count),
    column("ids", Text),  # JSON object: what the body is built of when it is sent
    column("state", Text),  # QUEUED, DONE, DEAD
    column("attempts", sa.Integer),
    column("due_at", Instant),  # while it is in flight: when it is sent again, if no result is stored
    optional_column("sender", Text),  # the attempt that is under way
    optional_column("fault", Text),  # why the last try failed; never what the endpoint sent
    column("created_at", Instant),
    column("updated_at", Instant),
    sa.Index(
        "ix_notices_due",
        "endpoint",
        "due_at",
        sqlite_where=sa.text("state = 'QUEUED'"),
        postgresql_where=sa.text("state = 'QUEUED'"),
    ),
    sa.Index("ix_notices_subject", "subject", "version"),
    sa.Index("ix_notices_state", "state", "id"),
    sa.Index("ix_notices_updated", "updated_at"),
)
webhook_endpoints = sa.Table(  # endpoints that have failed since their last success
    "webhook_endpoints",
    metadata,
    column("name", Text, primary_key=True),
    optional_column("failing_since", Instant),
    optional_column("paused_at", Instant),  # null: notices are sent
    optional_column("fault", Text),
    sqlite_with_rowid=False,
)
