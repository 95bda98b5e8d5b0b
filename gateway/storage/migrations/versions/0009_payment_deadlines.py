"""Add payment deadlines, commands that wait for a payment, and receipts of payments.

Every open unpaid order that was placed through the gateway gets a deadline. How long it is depends on the
configuration, which a migration does not know: 0 stands for "not set yet", and the first pass over due orders sets it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger()


def upgrade() -> None:
    op.add_column("orders", sa.Column("pay_by", INSTANT, nullable=True))
    op.add_column("orders", sa.Column("expired_at", INSTANT, nullable=True))
    op.add_column("orders", sa.Column("withheld", sa.Boolean(), nullable=True))
    op.add_column("orders", sa.Column("client_key", TEXT, nullable=True))
    op.add_column("orders", sa.Column("network_key", TEXT, nullable=True))
    op.add_column("outbox", sa.Column("held_by", TEXT, nullable=True))
    op.add_column("payments", sa.Column("receipt", TEXT, nullable=True))
    for name in ("pay_by", "client_key", "network_key"):
        _create_partial_index(f"ix_orders_{name}", "orders", name)
    _create_partial_index("ix_outbox_held", "outbox", "held_by")
    _set_receipts()
    op.create_index("ix_payments_receipt", "payments", ["receipt"], unique=True)
    op.execute(
        "UPDATE orders SET pay_by = 0 WHERE substr(external_id, 1, 8) = 'gateway:'"
        " AND status IN ('PENDING', 'OPEN', 'CANCELLING')"
        " AND payment_status IN ('UNPAID', 'PENDING', 'PARTIALLY_PAID') AND total > 0"
    )


def _create_partial_index(name: str, table: str, column: str) -> None:
    condition = sa.text(f"{column} IS NOT NULL")
    op.create_index(name, table, [column], unique=False, sqlite_where=condition, postgresql_where=condition)


def _set_receipts() -> None:
    """Set the receipts of payments that were received; of those recorded twice, only that of the first."""
    received = "status = 'PAID' AND reference IS NOT NULL"
    first = f"SELECT min(id) FROM payments WHERE {received} GROUP BY lower(coalesce(provider, '')), reference"
    statement = sa.text(
        "UPDATE payments SET receipt = lower(coalesce(provider, '')) || :separator || reference"
        f" WHERE {received} AND id IN ({first})"
    )
    op.execute(statement.bindparams(sa.bindparam("separator", "\x1f", sa.Text())))
