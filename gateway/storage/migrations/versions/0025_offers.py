"""Add prices in further currencies, the history of prices, reductions, net contents, ratings and sold units."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

# A price is known since the listing last changed. Rows that have not changed since times are stored are left out.
KNOWN_SINCE = """
UPDATE listings SET price_since = updated_at
WHERE updated_at > 0 AND price IS NOT NULL AND status = 'ACTIVE' AND current AND NOT gone
"""
DISCOUNTS = """
UPDATE offers SET discount = COALESCE((
  SELECT MAX(((l.compare_at_price - l.price) * 10000 + l.compare_at_price - 1) / l.compare_at_price) FROM listings l
  WHERE l.product_id = offers.product_id AND l.channel = offers.channel AND l.status = 'ACTIVE'
    AND l.compare_at_price > l.price AND l.price >= 0 AND l.current AND NOT l.gone AND NOT EXISTS (
      SELECT 1 FROM listings o
      WHERE o.variant_id = l.variant_id AND o.channel = l.channel AND o.status = 'ACTIVE' AND o.price IS NOT NULL
        AND o.current AND NOT o.gone AND o.id < l.id)), 0)
WHERE currency IS NOT NULL
"""


def upgrade() -> None:
    for name, type_ in (("prices", TEXT), ("price_since", sa.BigInteger()), ("net_content", TEXT)):
        op.add_column("listings", sa.Column(name, type_, nullable=True))
    for table in ("channel_products", "products"):
        for name in ("rating", "rating_count"):
            op.add_column(table, sa.Column(name, sa.Integer(), nullable=True))
    op.create_index("ix_products_rating", "products", ["rating", "id"])
    op.add_column("offers", sa.Column("discount", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "price_history",
        sa.Column("listing_id", TEXT, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("seen_from", sa.BigInteger(), nullable=False),
        sa.Column("seen_until", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("compare_at_price", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("listing_id", "currency", "seen_from", name="pk_price_history"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_price_history_until", "price_history", ["seen_until"])
    op.create_table(
        "sold_units",
        sa.Column("product_id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", "channel", name="pk_sold_units"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sold_units_channel", "sold_units", ["channel", "units", "product_id"])
    op.create_table(
        "channel_currencies",
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("channel", "currency", name="pk_channel_currencies"),
        sqlite_with_rowid=False,
    )
    op.execute(KNOWN_SINCE)
    op.execute(DISCOUNTS)
    op.execute(
        "INSERT INTO channel_currencies SELECT DISTINCT channel, currency FROM listings "
        "WHERE currency IS NOT NULL AND price IS NOT NULL"
    )
    op.create_index("ix_offers_discount", "offers", ["channel", "discount", "product_id"])
