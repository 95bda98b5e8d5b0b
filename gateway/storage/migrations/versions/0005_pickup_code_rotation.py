"""Add the rotation of pickup codes, and how staff identified who collected goods."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("fulfillments", sa.Column("identification", TEXT, nullable=True))
    op.add_column("fulfillments", sa.Column("code_rotation", sa.Integer(), server_default="0", nullable=False))
