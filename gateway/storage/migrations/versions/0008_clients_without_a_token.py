"""Add the client of carts and idempotency keys, to bound them per client without a token."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger()


def upgrade() -> None:
    op.add_column("carts", sa.Column("client_key", TEXT, nullable=True))
    op.add_column("idempotency", sa.Column("client_key", TEXT, nullable=True))
    op.add_column("idempotency", sa.Column("claimed_at", INSTANT, nullable=True))
    op.add_column("idempotency", sa.Column("cart_id", TEXT, nullable=True))
    _create_index("ix_carts_client", "carts", ["client_key", "created_at"])
    _create_index("ix_idempotency_client", "idempotency", ["client_key", "claimed_at"])


def _create_index(name: str, table: str, columns: list[str]) -> None:
    condition = sa.text("client_key IS NOT NULL")
    op.create_index(name, table, columns, unique=False, sqlite_where=condition, postgresql_where=condition)
