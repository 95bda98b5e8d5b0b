"""Add the locations of the units of a line. Null, as in all earlier lines, stands for one location of all its units."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("order_lines", sa.Column("locations", TEXT, nullable=True))
    op.add_column("order_lines", sa.Column("restocked_locations", TEXT, nullable=True))
