"""Add loyalty accounts, their facts and entries, and the points of a cart and of an order."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger()


def upgrade() -> None:
    _create_accounts()
    _create_facts()
    _create_entries()
    op.add_column("carts", sa.Column("loyalty_points", NUMBER, nullable=True))
    op.add_column("carts", sa.Column("loyalty_home", TEXT, nullable=True))
    op.add_column("identities", sa.Column("loyalty_points", NUMBER, nullable=True))
    op.add_column("identities", sa.Column("loyalty_tier", TEXT, nullable=True))
    op.add_column("order_lines", sa.Column("discount", NUMBER, nullable=True))


def _create_accounts() -> None:
    op.create_table(
        "loyalty_accounts",
        *_list_columns(TEXT, "id", "key"),
        *_list_optional(TEXT, "number", "identity_id"),
        *_list_columns(NUMBER, "balance", "pending", "held"),
        *_list_optional(NUMBER, "next_at", "tier_until"),
        *_list_optional(TEXT, "tier"),
        sa.Column("unshown", sa.Boolean(), nullable=True),
        *_list_columns(TEXT, "periods"),
        *_list_columns(NUMBER, "created_at", "updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_loyalty_accounts"),
        sa.UniqueConstraint("key", name="uq_loyalty_accounts_key"),
    )
    op.create_index("ix_loyalty_accounts_identity", "loyalty_accounts", ["identity_id"])
    is_set = sa.text("next_at IS NOT NULL")
    op.create_index(
        "ix_loyalty_accounts_next", "loyalty_accounts", ["next_at"], sqlite_where=is_set, postgresql_where=is_set
    )
    op.create_index(
        "ix_loyalty_accounts_unshown",
        "loyalty_accounts",
        ["id"],
        sqlite_where=sa.text("unshown = 1"),
        postgresql_where=sa.text("unshown"),
    )


def _create_facts() -> None:
    op.create_table(
        "loyalty_facts",
        *_list_columns(TEXT, "key", "source", "kind"),
        *_list_optional(TEXT, "account_id", "identity_id", "origin", "order_id", "channel", "location"),
        *_list_columns(NUMBER, "occurred_at"),
        *_list_optional(NUMBER, "minor", "points", "expires_at"),
        *_list_optional(TEXT, "currency", "rate", "multiplier", "entry_kind", "state", "reason"),
        *_list_columns(NUMBER, "created_at"),
        sa.PrimaryKeyConstraint("key", "source", name="pk_loyalty_facts"),
        sqlite_with_rowid=False,
    )
    for name, column in (("account", "account_id"), ("order", "order_id"), ("origin", "origin")):
        op.create_index(f"ix_loyalty_facts_{name}", "loyalty_facts", [column])


def _create_entries() -> None:
    op.create_table(
        "loyalty_entries",
        *_list_columns(TEXT, "id", "account_id", "key"),
        sa.Column("expiry", sa.Boolean(), nullable=False),
        *_list_columns(NUMBER, "number", "points"),
        *_list_columns(TEXT, "kind", "reason"),
        *_list_optional(TEXT, "channel", "location", "order_id"),
        *_list_columns(NUMBER, "occurred_at", "posted_at"),
        *_list_optional(NUMBER, "pending_until", "expires_at"),
        sa.PrimaryKeyConstraint("id", name="pk_loyalty_entries"),
        sa.UniqueConstraint("account_id", "key", "expiry", "number", name="uq_loyalty_entries_key"),
    )
    op.create_index("ix_loyalty_entries_occurred", "loyalty_entries", ["account_id", "occurred_at", "id"])
    op.create_index("ix_loyalty_entries_fact", "loyalty_entries", ["key"])


def _list_columns(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _list_optional(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=True) for name in names]
