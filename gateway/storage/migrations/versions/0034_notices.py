"""Add notices, the outbox of outgoing webhooks, the state of their endpoints, and denials that channels receive."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _create_notices()
    _create_endpoints()
    _create_pushes()


def _create_notices() -> None:
    op.create_table(
        "notices",
        *(sa.Column(name, TEXT, nullable=False) for name in ("id", "endpoint", "kind", "subject")),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("ids", "state")),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, TEXT, nullable=True) for name in ("sender", "fault")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("created_at", "updated_at")),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
    )
    queued = sa.text("state = 'QUEUED'")
    op.create_index("ix_notices_due", "notices", ["endpoint", "due_at"], sqlite_where=queued, postgresql_where=queued)
    op.create_index("ix_notices_subject", "notices", ["subject", "version"])
    op.create_index("ix_notices_state", "notices", ["state", "id"])
    op.create_index("ix_notices_updated", "notices", ["updated_at"])


def _create_endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("name", TEXT, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("failing_since", "paused_at")),
        sa.Column("fault", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_webhook_endpoints"),
        sqlite_with_rowid=False,
    )


def _create_pushes() -> None:
    op.create_table(
        "consent_pushes",
        *(sa.Column(name, TEXT, nullable=False) for name in ("key", "identity_id", "purpose")),
        sa.Column("address", TEXT, nullable=True),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("is_shown", sa.Boolean(), nullable=False),
        sa.Column("shown_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_consent_pushes"),
    )
    op.create_index("ix_consent_pushes_identity", "consent_pushes", ["identity_id"])
