"""Add indexes of low stock and unmatched listings, and mend those that SQLite did not use."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_index("ix_stock_free", "stock", ["channel", "place", sa.text("(on_hand - held - committed)")])
    unmatched = sa.text("matched_by IS NULL")
    op.create_index(
        "ix_listings_unmatched", "listings", ["matched_by", "id"], sqlite_where=unmatched, postgresql_where=unmatched
    )
    if op.get_context().dialect.name == "sqlite":
        _rebuild("ix_orders_unplaced", "orders", "unplaced = 1")
        _rebuild("ix_pushes_dirty", "pushes", "dirty = 1")


def _rebuild(name: str, table: str, condition: str) -> None:
    op.drop_index(name, table)
    op.create_index(name, table, ["channel"], sqlite_where=sa.text(condition))
