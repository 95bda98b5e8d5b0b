"""Add the severity of rejects: a warning is a record that was stored without an invalid field."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("rejects", sa.Column("severity", TEXT, nullable=False, server_default="ERROR"))
