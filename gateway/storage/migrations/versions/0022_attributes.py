"""Add attributes of products and variants, and those by which products are filtered."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    for table in ("channel_products", "listings", "products", "variants"):
        op.add_column(table, sa.Column("attributes", TEXT, nullable=True))
    op.create_table(
        "product_attributes",
        sa.Column("product_id", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("product_id", "key", "value", name="pk_product_attributes"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_product_attributes_value", "product_attributes", ["key", "value", "product_id"])
    op.create_index("ix_product_attributes_number", "product_attributes", ["key", "micros", "product_id"])
