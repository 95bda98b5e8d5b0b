"""Add the categories of all channels' paths, so that their ids are known before a product is in them."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("categories", sa.Column("used", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.create_table(
        "category_path_channels",
        *(sa.Column(name, TEXT, nullable=False) for name in ("category_id", "channel")),
        sa.PrimaryKeyConstraint("category_id", "channel", name="pk_category_path_channels"),
        sqlite_with_rowid=False,
    )
