"""Tables of access: tokens that operators create, the audit trail, and policies of persisted documents."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Count, Instant, Text, column, metadata, optional_column

api_tokens = sa.Table(  # tokens created through the API (rule X2); secrets are stored as hashes
    "api_tokens",
    metadata,
    column("id", Text, primary_key=True),
    column("name", Text, unique=True),
    column("kind", Text),
    column("prefix", Text),  # first characters of the secret
    column("secret_hash", Text),  # sha256:…
    optional_column("former_hash", Text),  # accepted until `rotates_at`
    optional_column("rotates_at", Instant),
    column("scopes", Text),  # JSON list
    optional_column("channel", Text),  # the default channel
    optional_column("channels", Text),  # JSON list; null: all
    optional_column("locations", Text),  # JSON list; null: all
    column("created_by", Text),
    column("created_at", Instant),
    column("expires_at", Instant),
    optional_column("revoked_at", Instant),
    optional_column("last_used_at", Instant),
    sa.Index("ix_api_tokens_created", "created_at", "id"),
)
audit_entries = sa.Table(  # attempts to change something, applied or refused (rule X3); append-only
    "audit_entries",
    metadata,
    column("id", Text, primary_key=True),  # sorts by time
    column("occurred_at", Instant),
    column("actor_kind", Text),
    column("actor_name", Text),  # the token's name; empty without one
    optional_column("token_id", Text),
    column("action", Text),
    optional_column("subject_type", Text),
    optional_column("subject_id", Text),
    optional_column("channel", Text),
    optional_column("location", Text),
    optional_column("refused", Text),  # the code of the refusal
    optional_column("request_id", Text),
    sa.Index("ix_audit_entries_subject", "subject_type", "subject_id", "id"),
    sa.Index("ix_audit_entries_actor", "actor_name", "id"),
)
audit_values = sa.Table(  # values before and after, and reasons; an erase of personal data empties them
    "audit_values",
    metadata,
    column("entry_id", Text, primary_key=True),
    column("number", sa.Integer, primary_key=True),
    column("field", Text),
    optional_column("before", Text),
    optional_column("after", Text),
    column("personal", sa.Boolean),
    sqlite_with_rowid=False,
)
refusal_counts = sa.Table(  # refusals of clients without a token, which are counted and not listed
    "refusal_counts",
    metadata,
    column("minute", Instant, primary_key=True),
    column("client", Text, primary_key=True),  # a digest of its network
    column("action", Text, primary_key=True),
    column("code", Text, primary_key=True),
    column("count", Count),
    sqlite_with_rowid=False,
)
document_policies = sa.Table(  # what persisted documents may do, in every app version
    "document_policies",
    metadata,
    column("document_id", Text, primary_key=True),
    column("blocked", sa.Boolean),
    optional_column("reason", Text),
    optional_column("max_age_seconds", sa.Integer),
    optional_column("max_per_minute", sa.Integer),
    optional_column("deadline_ms", sa.Integer),
    column("set_by", Text),
    column("set_at", Instant),
    sqlite_with_rowid=False,
)
