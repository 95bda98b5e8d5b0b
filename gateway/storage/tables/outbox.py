"""Tables of the outbox and of idempotency keys."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Instant, Serial, Text, column, metadata, optional_column

outbox = sa.Table(  # commands for channels (rules L3, O1, O2)
    "outbox",
    metadata,
    column("id", Serial, primary_key=True, autoincrement=True),
    column("key", Text, unique=True),  # the command's key
    column("channel", Text),
    column("operation", Text),  # the kind of command
    column("subject", Text),  # commands of one subject are sent in order, one at a time
    column("payload", Text),  # JSON: the command as enqueued
    column("about", Text),  # the entity in commerce that waits for the result
    column("lane", sa.Integer),  # priority; lower values are sent first
    column("state", Text),  # QUEUED, SENDING, DONE, DEAD
    column("sent", sa.Boolean),  # it may have had an effect: looked up before it is sent again
    column("attempts", sa.Integer),
    column("due_at", Instant),  # when to send it or look it up
    optional_column("not_after", Instant),  # until then the channel may still accept it, so its absence proves nothing
    optional_column("sender", Text),  # the attempt that is under way
    optional_column("held_by", Text),  # the order whose payment it waits for; until then it is not sent
    optional_column("ticket", Text),  # the channel's ticket for an accepted command
    optional_column("fault_code", Text),
    optional_column("fault_message", Text),
    optional_column("fault_retryable", sa.Boolean),
    optional_column("fault_at", Instant),
    column("created_at", Instant),
    column("updated_at", Instant),
    sa.Index(
        "ix_outbox_due",
        "channel",
        "due_at",
        sqlite_where=sa.text("state IN ('QUEUED', 'SENDING')"),
        postgresql_where=sa.text("state IN ('QUEUED', 'SENDING')"),
    ),
    sa.Index(
        "ix_outbox_subject",
        "channel",
        "subject",
        "id",
        sqlite_where=sa.text("state IN ('QUEUED', 'SENDING')"),
        postgresql_where=sa.text("state IN ('QUEUED', 'SENDING')"),
    ),
    sa.Index(
        "ix_outbox_done",
        "updated_at",
        sqlite_where=sa.text("state = 'DONE'"),
        postgresql_where=sa.text("state = 'DONE'"),
    ),
    sa.Index("ix_outbox_state", "state", "id"),
    sa.Index("ix_outbox_about", "about"),
    sa.Index(
        "ix_outbox_held",
        "held_by",
        sqlite_where=sa.text("held_by IS NOT NULL"),
        postgresql_where=sa.text("held_by IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

idempotency = sa.Table(  # requests by idempotency key, and their results
    "idempotency",
    metadata,
    column("principal", Text, primary_key=True),
    column("key", Text, primary_key=True),
    column("fingerprint", Text),
    column("run", Text),  # the attempt that the row belongs to
    optional_column("answer", Text),  # JSON; null: under way
    column("until", Instant),  # after that, an attempt under way counts as killed
    column("expires_at", Instant),
    optional_column("client_key", Text),  # digest of the network of a client without a token
    optional_column("claimed_at", Instant),  # of such a client
    optional_column("cart_id", Text),  # of such a client: the key is kept as long as this cart
    sa.Index("ix_idempotency_expires", "expires_at"),
    sa.Index(
        "ix_idempotency_client",
        "client_key",
        "claimed_at",
        sqlite_where=sa.text("client_key IS NOT NULL"),
        postgresql_where=sa.text("client_key IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)
