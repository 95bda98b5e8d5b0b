"""Add which channels sell in a category, so that a caller sees the categories of visible channels only."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "category_channels",
        sa.Column("category_id", TEXT, primary_key=True),
        sa.Column("channel", TEXT, primary_key=True),
    )
    op.execute(
        """
        WITH RECURSIVE sold_in(category_id, channel) AS (
            SELECT products.category_id, offers.channel FROM offers JOIN products ON products.id = offers.product_id
            WHERE products.category_id IS NOT NULL
            UNION
            SELECT categories.parent_id, sold_in.channel FROM sold_in
            JOIN categories ON categories.id = sold_in.category_id WHERE categories.parent_id IS NOT NULL
        )
        INSERT INTO category_channels (category_id, channel) SELECT category_id, channel FROM sold_in
        """
    )
