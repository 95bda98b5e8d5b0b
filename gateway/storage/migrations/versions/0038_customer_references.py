"""Add what records of customers refer to in other channels and systems."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("identities", sa.Column("external_references", TEXT, nullable=True))
