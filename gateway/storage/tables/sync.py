"""Tables of sync: the change log, leases, feed cursors, source records, rate budgets, rejects and webhooks."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Count, Instant, Serial, Text, column, metadata, optional_column

facts = sa.Table(  # single values: `ready_at`, the instance secret …
    "facts", metadata, column("name", Text, primary_key=True), column("value", Text)
)
counters = sa.Table(  # SQLite only; PostgreSQL has the sequence `observations`
    "counters", metadata, column("name", Text, primary_key=True), column("value", Count)
)
changes = sa.Table(  # one row per transaction and kind; `pos` is assigned by the stamper (rule L2)
    "changes",
    metadata,
    column("id", Serial, primary_key=True, autoincrement=True),
    optional_column("pos", Count),
    column("kind", Text),
    column("subjects", Text),  # JSON [[id, version], …]
    column("at", Instant),
    sa.Index("uq_changes_pos", "pos", unique=True),
    sqlite_autoincrement=True,
)
log_head = sa.Table("log_head", metadata, column("one", sa.Integer, primary_key=True), column("pos", Count))
log_readers = sa.Table(
    "log_readers", metadata, column("name", Text, primary_key=True), column("pos", Count), column("read_at", Instant)
)
leases = sa.Table(
    "leases",
    metadata,
    column("name", Text, primary_key=True),
    column("holder", Text),
    column("fence", Count),
    column("expires_at", Instant),
)

channels = sa.Table(  # the health of channels; their definition is in the configuration
    "channels",
    metadata,
    column("key", Text, primary_key=True),
    column("paused", sa.Boolean, default=False),
    optional_column("first_synced_at", Instant),
    optional_column("last_success_at", Instant),
    optional_column("retry_at", Instant),
    optional_column("fault_code", Text),
    optional_column("fault_message", Text),
    optional_column("fault_retryable", sa.Boolean),
    optional_column("fault_at", Instant),
    column("failures", sa.Integer, default=0),  # consecutive
    optional_column("armed_at", Instant),  # when an operator enabled stock pushes to it (rule K5)
    optional_column("push_fault", Text),  # why pushes are suspended until an operator resumes them
)
passes = sa.Table(  # one row per feed and kind of pass: delta or sweep
    "passes",
    metadata,
    column("channel", Text, primary_key=True),
    column("feed", Text, primary_key=True),
    column("kind", Text, primary_key=True),
    column("resource", Text),  # of a later resource PRICES: earlier versions know no other name
    optional_column("later_resource", Text),  # one that earlier versions do not know
    optional_column("mark", Text),  # where the next pass begins
    optional_column("token", Text),  # where the running pass continues; with `begin` set and no token: its first page
    optional_column("reached", Text),  # the mark of the running pass, used once it completes
    optional_column("begin", Count),  # observation counter at the start of the running pass; null: none is running
    optional_column("begun_at", Instant),
    optional_column("completed_at", Instant),
    optional_column("complete_as_of", Instant),  # when the last complete pass began: the age of the feed
    column("due_at", Instant),
    column("taken", sa.Boolean, default=True),  # whether the plugin knows that the last pass is stored
    column("accept_absent", sa.Boolean, default=False),
    column("pages", Count, default=0),  # of the running pass
    optional_column("fault_code", Text),
    optional_column("fault_message", Text),
    optional_column("fault_retryable", sa.Boolean),
    optional_column("fault_at", Instant),
    optional_column("version", Text),  # of the plugin and the ingest, when the last pass over the whole feed began
)
sources = sa.Table(  # the state of one record of a channel (rules S1, S5)
    "sources",
    metadata,
    column("id", Text, primary_key=True),
    column("channel", Text),
    column("resource", Text),
    column("external_id", Text),
    column("feed", Text),
    optional_column("note", Text),
    optional_column("version", Count),  # integers, or microseconds
    optional_column("digest", Text),
    column("begin", Count),
    column("end", Count),
    column("generation", sa.Integer),
    optional_column("dirty_at", Count),
    column("gone", sa.Boolean),
    column("rejected", sa.Boolean),
    optional_column("absent_at", Count),  # a complete pass at this counter did not include it
    column("observed_at", Instant),
    sa.UniqueConstraint("channel", "resource", "external_id"),
    sa.Index(
        "ix_sources_dirty",
        "channel",
        "feed",
        "dirty_at",
        sqlite_where=sa.text("dirty_at IS NOT NULL"),
        postgresql_where=sa.text("dirty_at IS NOT NULL"),
    ),
    sa.Index("ix_sources_feed_end", "channel", "feed", "end"),
    sqlite_with_rowid=False,
)
budgets = sa.Table(  # rate budgets of channels: leaky buckets
    "budgets",
    metadata,
    column("channel", Text, primary_key=True),
    column("name", Text, primary_key=True),
    column("level", sa.Double),
    column("at", sa.Double),  # seconds since 1970, the time of `level`
    column("capacity", sa.Double),
    column("per_second", sa.Double),
)
rejects = sa.Table(
    "rejects",
    metadata,
    column("id", Text, primary_key=True),
    column("channel", Text),
    column("resource", Text),
    column("external_id", Text),
    column("feed", Text),
    column("reason", Text),
    optional_column("field", Text),
    optional_column("payload", Text),  # ASCII-escaped JSON; null once expired
    column("rejected_at", Instant),
    column("severity", Text, default="ERROR"),
    optional_column("detail", Text),  # the plugin's exception, as long as the payload
    sa.UniqueConstraint("channel", "resource", "external_id"),
    sa.Index(
        "ix_rejects_payload",
        "rejected_at",
        sqlite_where=sa.text("payload IS NOT NULL"),
        postgresql_where=sa.text("payload IS NOT NULL"),
    ),
)
inbox = sa.Table(
    "inbox",
    metadata,
    column("id", Serial, primary_key=True, autoincrement=True),
    column("channel", Text),
    column("delivery_id", Text),
    column("headers", Text),
    column("body", sa.LargeBinary),
    column("received_at", Instant),
    optional_column("processed_at", Instant),
    optional_column("problem", Text),
    sa.UniqueConstraint("channel", "delivery_id"),
    sa.Index(
        "ix_inbox_processed",
        "processed_at",
        sqlite_where=sa.text("processed_at IS NOT NULL"),
        postgresql_where=sa.text("processed_at IS NOT NULL"),
    ),
    sa.Index(
        "ix_inbox_waiting",
        "channel",
        "id",
        sqlite_where=sa.text("processed_at IS NULL"),
        postgresql_where=sa.text("processed_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)
attempts = sa.Table(  # failed attempts to guess something, by what and by whom
    "attempts",
    metadata,
    column("kind", Text, primary_key=True),
    column("subject", Text, primary_key=True),  # a digest: an order number, a network, the name of a token
    column("failures", sa.Integer),
    column("since", Instant),  # the first of them
    sa.Index("ix_attempts_since", "since"),
    sqlite_with_rowid=False,
)
