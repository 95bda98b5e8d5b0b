"""Add which channel counts each location, so that a changed authority can wait until it is accepted."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "location_authorities",
        sa.Column("location", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("place", TEXT, nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("location", name="pk_location_authorities"),
        sqlite_with_rowid=False,
    )
