"""Add how options and their values are shown: display names by language, and swatches."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0025"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    for table in ("listings", "products", "variants"):
        op.add_column(table, sa.Column("option_texts", TEXT, nullable=True))
