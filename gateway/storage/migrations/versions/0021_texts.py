"""Add HTML, texts for search engines and locales of product texts, and their translations."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    for name in ("locale", "html", "seo_title", "seo_description", "texts_digest"):
        op.add_column("channel_products", sa.Column(name, TEXT, nullable=True))
    op.add_column("products", sa.Column("texts_digest", TEXT, nullable=True))
    op.create_table(
        "product_texts",
        sa.Column("channel_product_id", TEXT, nullable=False),
        sa.Column("locale", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("html", TEXT, nullable=True),
        sa.Column("seo_title", TEXT, nullable=True),
        sa.Column("seo_description", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("channel_product_id", "locale", name="pk_product_texts"),
    )
