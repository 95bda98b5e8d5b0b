"""Add an index from which customers of segments are counted, and channels to the index of a customer's identities."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

COUNTED = ["id", "order_count", "store_order_count", "first_order_at", "last_order_at", "has_login", "visible"]


def upgrade() -> None:
    op.create_index(
        "ix_customers_counted",
        "customers",
        COUNTED,
        sqlite_where=sa.text("visible = 1"),
        postgresql_where=sa.text("visible"),
    )
    op.drop_index("ix_identities_customer", "identities")
    op.create_index("ix_identities_customer", "identities", ["customer_id", "gone", "channel"])
