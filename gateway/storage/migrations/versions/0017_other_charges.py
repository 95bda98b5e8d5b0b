"""Add the other charges of orders, and the totals of channel orders as placed and as read."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("orders", sa.Column("other_charges", TEXT, nullable=True))
    for total in ("total", "read_total"):
        op.add_column("channel_orders", sa.Column(total, sa.BigInteger(), nullable=True))
