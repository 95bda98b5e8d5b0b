"""Add tables of tokens, the audit trail and document policies, and the actor of order events."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger()


def upgrade() -> None:
    _create_tokens()
    _create_audit_trail()
    _create_refusal_counts()
    _create_document_policies()
    for name in ("actor_kind", "actor_name", "actor_token"):
        op.add_column("order_events", sa.Column(name, TEXT, nullable=True))


def _create_tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("prefix", TEXT, nullable=False),
        sa.Column("secret_hash", TEXT, nullable=False),
        sa.Column("former_hash", TEXT, nullable=True),
        sa.Column("rotates_at", INSTANT, nullable=True),
        sa.Column("scopes", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=True),
        sa.Column("channels", TEXT, nullable=True),
        sa.Column("locations", TEXT, nullable=True),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("name", name=op.f("uq_api_tokens_name")),
    )
    op.create_index("ix_api_tokens_created", "api_tokens", ["created_at", "id"], unique=False)


def _create_audit_trail() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("actor_kind", TEXT, nullable=False),
        sa.Column("actor_name", TEXT, nullable=False),
        sa.Column("token_id", TEXT, nullable=True),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("subject_type", TEXT, nullable=True),
        sa.Column("subject_id", TEXT, nullable=True),
        sa.Column("channel", TEXT, nullable=True),
        sa.Column("location", TEXT, nullable=True),
        sa.Column("refused", TEXT, nullable=True),
        sa.Column("request_id", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_subject", "audit_entries", ["subject_type", "subject_id", "id"], unique=False)
    op.create_index("ix_audit_entries_actor", "audit_entries", ["actor_name", "id"], unique=False)
    op.create_table(
        "audit_values",
        sa.Column("entry_id", TEXT, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("field", TEXT, nullable=False),
        sa.Column("before", TEXT, nullable=True),
        sa.Column("after", TEXT, nullable=True),
        sa.Column("personal", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "number", name=op.f("pk_audit_values")),
        sqlite_with_rowid=False,
    )


def _create_refusal_counts() -> None:
    op.create_table(
        "refusal_counts",
        sa.Column("minute", INSTANT, nullable=False),
        sa.Column("client", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "client", "action", "code", name=op.f("pk_refusal_counts")),
        sqlite_with_rowid=False,
    )


def _create_document_policies() -> None:
    op.create_table(
        "document_policies",
        sa.Column("document_id", TEXT, nullable=False),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("max_age_seconds", sa.Integer(), nullable=True),
        sa.Column("max_per_minute", sa.Integer(), nullable=True),
        sa.Column("deadline_ms", sa.Integer(), nullable=True),
        sa.Column("set_by", TEXT, nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_document_policies")),
        sqlite_with_rowid=False,
    )
