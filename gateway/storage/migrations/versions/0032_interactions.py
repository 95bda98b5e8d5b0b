"""Add interactions: service contacts, store visits and notes of customers."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "interactions",
        *(sa.Column(name, TEXT, nullable=False) for name in ("id", "identity_id", "kind")),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, TEXT, nullable=True) for name in ("channel", "location")),
        sa.Column("summary", TEXT, nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("source_key", TEXT, nullable=True),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_interactions"),
        sa.UniqueConstraint("source_key", name="uq_interactions_source_key"),
    )
    op.create_index("ix_interactions_identity", "interactions", ["identity_id", "occurred_at"])
