"""Add the version under which a feed was read. Feeds of earlier releases have none, and are read again."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("passes", sa.Column("version", TEXT, nullable=True))
