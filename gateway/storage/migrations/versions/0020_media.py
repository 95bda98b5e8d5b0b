"""Add media other than images, and the channels that provide images. Null, as in all earlier rows, stands for only the
images, and for images that no channel resizes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    for table in ("channel_products", "listings", "products", "variants"):
        op.add_column(table, sa.Column("media", TEXT, nullable=True))
    for table in ("products", "variants"):
        op.add_column(table, sa.Column("media_channel", TEXT, nullable=True))
