"""Add the twins of guests; take the identities from orders that have no guest: tests, and those without an address."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

HAS_GUEST = """(test IS NOT TRUE AND (contact LIKE '%"email":"%' OR contact LIKE '%"phone":"%'))"""
"""Whether an order has a guest: its contact, which is JSON, has an email address or a phone number."""


def upgrade() -> None:
    op.add_column("identities", sa.Column("twin_id", TEXT, nullable=True))
    for name in ("contact_key", "twin_id"):
        present = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_identities_{name}", "identities", [name], sqlite_where=present, postgresql_where=present)
    _remove_guests()


def _remove_guests() -> None:
    """Let the guests of such orders be gone. They wait to be recognized, which hides their customers."""
    orders = f"SELECT id FROM orders WHERE customer = id AND customer_channel LIKE 'guest:%' AND NOT {HAS_GUEST}"
    op.execute(
        "UPDATE identities SET gone = (1 = 1), pending_since = 0 "
        f"WHERE channel LIKE 'guest:%' AND external_id IN ({orders})"
    )
    op.execute(f"UPDATE orders SET customer = NULL, customer_channel = NULL WHERE id IN ({orders})")
