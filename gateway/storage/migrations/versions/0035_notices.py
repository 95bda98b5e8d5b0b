"""Add notices: the outbox of outgoing webhooks, and the state of their endpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0033"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
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
    op.create_table(
        "webhook_endpoints",
        sa.Column("name", TEXT, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("failing_since", "paused_at")),
        sa.Column("fault", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_webhook_endpoints"),
        sqlite_with_rowid=False,
    )
