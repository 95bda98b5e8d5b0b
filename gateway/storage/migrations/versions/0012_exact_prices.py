"""Add exact prices in millionths, where they have more digits than their currency."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("listings", sa.Column("price_micros", sa.BigInteger(), nullable=True))
    for table in ("cart_lines", "order_lines"):
        op.add_column(table, sa.Column("unit_price_micros", sa.BigInteger(), nullable=True))
