"""Tables of privacy: requests for exports and erases, what they have done, and what must not come back."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Instant, Text, column, metadata, optional_column

data_requests = sa.Table(  # exports and erases (rules C11, C13)
    "data_requests",
    metadata,
    column("id", Text, primary_key=True),
    column("kind", Text),  # EXPORT, ERASE
    column("state", Text),  # QUEUED, RUNNING, DONE, PARTLY_DONE, CANCELLED
    column("home", Text),  # the customer id under which it was requested; empty: the orders of a channel without one
    column("proved", sa.Boolean),  # of the part that a login proves; else of the whole customer
    column("requested_by", Text),  # name of the token or of what did it; empty: the customer; channel:KEY: a channel
    column("requested_at", Instant),
    column("executes_at", Instant),
    column("due_at", Instant),
    optional_column("restricted_at", Instant),  # of an erase: when the data was erased here
    optional_column("completed_at", Instant),
    optional_column("file", Text),  # of an export: the encrypted file
    optional_column("file_until", Instant),
    sa.Index("ix_data_requests_requested", "requested_at", "id"),
    sa.Index("ix_data_requests_home", "home"),
    sa.Index(
        "ix_data_requests_open",
        "executes_at",
        sqlite_where=sa.text("state IN ('QUEUED', 'RUNNING')"),
        postgresql_where=sa.text("state IN ('QUEUED', 'RUNNING')"),
    ),
    sa.Index(
        "ix_data_requests_file",
        "file_until",
        sqlite_where=sa.text("file IS NOT NULL"),
        postgresql_where=sa.text("file IS NOT NULL"),
    ),
)
data_request_members = sa.Table(  # the identities that a request is about
    "data_request_members",
    metadata,
    column("identity_id", Text, primary_key=True),
    column("request_id", Text, primary_key=True),
    optional_column("cleared_at", Instant),  # of an erase: when the channel showed the record without data
    sa.Index("ix_data_request_members_request", "request_id"),
    sqlite_with_rowid=False,
)
data_request_parts = sa.Table(  # what a request does in a channel, and in the gateway
    "data_request_parts",
    metadata,
    column("request_id", Text, primary_key=True),
    column("channel", Text, primary_key=True),  # empty: the gateway
    column("state", Text),
    column("attempts", sa.Integer),
    optional_column("fault_code", Text),
    optional_column("fault_message", Text),
    optional_column("fault_retryable", sa.Boolean),
    optional_column("fault_at", Instant),
    optional_column("proof", Text),
    column("kept", Text),  # JSON list: what the law keeps
    optional_column("completed_at", Instant),
    sqlite_with_rowid=False,
)
suppressions = sa.Table(  # digests of what was erased, so that it does not come back (rule C12)
    "suppressions",
    metadata,
    column("digest", Text, primary_key=True),  # keyed with a secret that is not in the database
    column("kind", Text),  # RECORD, EMAIL, DENIAL
    column("key_id", Text),  # which secret
    column("erased_at", Instant),
    sqlite_with_rowid=False,
)
retained_invoices = sa.Table(  # what the law keeps of erased customers; only a command of the operator reads it
    "retained_invoices",
    metadata,
    column("order_id", Text, primary_key=True),
    column("content", Text),  # encrypted: name and billing address
    column("placed_at", Instant),
    column("delete_at", Instant),
    sa.Index("ix_retained_invoices_delete", "delete_at"),
)
