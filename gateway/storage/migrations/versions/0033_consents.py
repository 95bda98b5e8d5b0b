"""Add consents: facts of what customers granted and denied, and what they allow."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "consent_facts",
        *(sa.Column(name, TEXT, nullable=False) for name in ("id", "identity_id", "purpose")),
        sa.Column("address", TEXT, nullable=True),
        sa.Column("granted", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("earliest", "latest")),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("wording", TEXT, nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("channel", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_consent_facts"),
    )
    op.create_index("ix_consent_facts_identity", "consent_facts", ["identity_id"])
    addressed = sa.text("address IS NOT NULL")
    op.create_index(
        "ix_consent_facts_address", "consent_facts", ["address"], sqlite_where=addressed, postgresql_where=addressed
    )
    op.create_table(
        "customer_consents",
        *(sa.Column(name, TEXT, nullable=False) for name in ("customer_id", "purpose")),
        sa.PrimaryKeyConstraint("customer_id", "purpose", name="pk_customer_consents"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_customer_consents_purpose", "customer_consents", ["purpose", "customer_id"])
