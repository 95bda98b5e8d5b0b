"""Add whether an order is a test, and the returned units of a line that are sold again."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("orders", sa.Column("test", sa.Boolean(), nullable=True))
    op.add_column("order_lines", sa.Column("restocked_quantity", sa.BigInteger(), nullable=True))
