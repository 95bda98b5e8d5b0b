"""Add the channels' own handles of products, and former handles, which stay valid."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("channel_products", sa.Column("handle", TEXT, nullable=True))
    for name in ("handle_claim", "handle_channel", "handle_external_id"):
        op.add_column("products", sa.Column(name, TEXT, nullable=True))
    op.create_table(
        "former_handles",
        sa.Column("handle", TEXT, nullable=False),
        sa.Column("product_id", TEXT, nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("handle", "product_id", name="pk_former_handles"),
        sqlite_with_rowid=False,
    )
    claimed = sa.text("handle_claim IS NOT NULL")
    op.create_index(
        "ix_products_handle_claim", "products", ["handle_claim"], sqlite_where=claimed, postgresql_where=claimed
    )
