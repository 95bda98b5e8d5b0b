"""Add how options and their values are shown, reviews, and passes of resources that earlier versions do not know."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    for table in ("listings", "products", "variants"):
        op.add_column(table, sa.Column("option_texts", TEXT, nullable=True))
    op.add_column("passes", sa.Column("later_resource", TEXT, nullable=True))
    op.create_table(
        "product_reviews",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("source_id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("external_product_id", TEXT, nullable=False),
        sa.Column("external_variant_id", TEXT, nullable=True),
        sa.Column("rating", sa.Integer(), nullable=False),
        *(sa.Column(name, TEXT, nullable=True) for name in ("title", "body", "author")),
        sa.Column("verified_purchase", sa.Boolean(), nullable=False),
        *(sa.Column(name, TEXT, nullable=True) for name in ("locale", "reply")),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_product_reviews"),
        sa.UniqueConstraint("source_id", name="uq_product_reviews_source_id"),
    )
    for key in ("written_at", "rating"):
        columns = ["channel", "external_product_id", key, "id"]
        op.create_index(f"ix_product_reviews_{key}", "product_reviews", columns)
