"""Move the fields of customers to their identities, and add evidence, decisions and reviews of recognition.

Every identity was a customer of its own until now, so the fields of the customer are those of its identity. Orders of
guests get an identity each. Their groups are derived after the start, as the evidence has to be normalized for it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
FIELDS = ("display_name", "given_name", "family_name", "emails", "phones", "addresses", "tags")
ON_POSTGRESQL = "REPLACE(gen_random_uuid()::TEXT, '-', '')"
ON_SQLITE = "LOWER(HEX(RANDOMBLOB(16)))"


def upgrade() -> None:
    _extend_identities()
    _create_evidence()
    _create_decisions()
    _create_reviews()
    _create_edits()
    _move_fields()
    _add_guests(ON_SQLITE if op.get_bind().dialect.name == "sqlite" else ON_POSTGRESQL)


def _extend_identities() -> None:
    op.add_column("customers", sa.Column("locale", TEXT, nullable=True))
    op.add_column("customers", sa.Column("has_login", sa.Boolean(), nullable=True))
    for name in ("order_count", "store_order_count"):
        op.add_column("customers", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("customers", sa.Column("first_order_at", sa.BigInteger(), nullable=True))
    for name in ("home", "proved_id", "links", "display_name", "given_name", "family_name", "locale"):
        op.add_column("identities", sa.Column(name, TEXT, nullable=True))
    for name in ("emails", "phones", "addresses", "tags"):
        op.add_column("identities", sa.Column(name, TEXT, nullable=True))
    op.add_column("identities", sa.Column("has_login", sa.Boolean(), nullable=True))
    for name in ("policy_key", "contact_key"):
        op.add_column("identities", sa.Column(name, TEXT, nullable=True))
    for name in ("record_created_at", "changed_at", "erased_at"):
        op.add_column("identities", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("identities", sa.Column("pending_since", sa.BigInteger(), nullable=True, server_default="0"))


def _create_evidence() -> None:
    op.create_table(
        "identity_evidence",
        *_list_keys("key", "identity_id"),
        sa.Column("verified", sa.Boolean(), nullable=False),
        *_list_keys("given_name", "holder"),
        sa.PrimaryKeyConstraint("key", "identity_id", name="pk_identity_evidence"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_identity_evidence_identity", "identity_evidence", ["identity_id"])
    shared = sa.text("holder <> identity_id")
    op.create_index(
        "ix_identity_evidence_holder", "identity_evidence", ["holder"], sqlite_where=shared, postgresql_where=shared
    )
    op.create_table(
        "evidence_keys",
        *_list_keys("key"),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("holders", "given_names")),
        sa.PrimaryKeyConstraint("key", name="pk_evidence_keys"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "evidence_names",
        *_list_keys("name_key"),
        sa.Column("holders", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name_key", name="pk_evidence_names"),
        sqlite_with_rowid=False,
    )


def _create_decisions() -> None:
    op.create_table(
        "customer_decisions",
        *_list_keys("id"),
        sa.Column("number", sa.BigInteger(), nullable=False),
        *_list_keys("merge_id", "kind", "left_ids", "right_ids"),
        sa.Column("proved", sa.Boolean(), nullable=False),
        *_list_keys("rule", "actor"),
        *(sa.Column(name, TEXT, nullable=True) for name in ("note", "review_id")),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        *(sa.Column(name, TEXT, nullable=True) for name in ("undone_by", "undone_note")),
        sa.PrimaryKeyConstraint("id", name="pk_customer_decisions"),
        sa.UniqueConstraint("number", name="uq_customer_decisions_number"),
    )
    op.create_index("ix_customer_decisions_merge", "customer_decisions", ["merge_id"])
    op.create_table(
        "customer_decision_members",
        *_list_keys("identity_id", "decision_id"),
        sa.PrimaryKeyConstraint("identity_id", "decision_id", name="pk_customer_decision_members"),
        sqlite_with_rowid=False,
    )


def _create_reviews() -> None:
    op.create_table(
        "customer_reviews",
        *_list_keys("id", "key", "state", "reason", "evidence"),
        sa.Column("merge_id", TEXT, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_customer_reviews"),
        sa.UniqueConstraint("key", name="uq_customer_reviews_key"),
    )
    op.create_index("ix_customer_reviews_state", "customer_reviews", ["state", "created_at", "id"])
    op.create_table(
        "customer_review_members",
        *_list_keys("identity_id", "review_id"),
        sa.PrimaryKeyConstraint("identity_id", "review_id", name="pk_customer_review_members"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_customer_review_members_review", "customer_review_members", ["review_id"])


def _create_edits() -> None:
    op.create_table(
        "customer_edits",
        *_list_keys("identity_id", "field", "value"),
        sa.Column("by_customer", sa.Boolean(), nullable=False),
        sa.Column("edited_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("identity_id", "field", name="pk_customer_edits"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "customer_addresses",
        *_list_keys("id", "identity_id", "address"),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("default_shipping", "default_billing")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("created_at", "updated_at")),
        sa.PrimaryKeyConstraint("id", name="pk_customer_addresses"),
    )
    op.create_index("ix_customer_addresses_identity", "customer_addresses", ["identity_id"])


def _move_fields() -> None:
    moved = ", ".join(f"{name} = former.{name}" for name in FIELDS)
    op.execute(
        f"UPDATE identities SET home = customer_id, proved_id = customer_id, changed_at = former.updated_at, "
        f"record_created_at = former.created_at, {moved} FROM customers AS former "
        "WHERE former.id = identities.customer_id"
    )
    op.create_index("ix_identities_home", "identities", ["home"])
    op.create_index("ix_identities_proved", "identities", ["proved_id"])
    op.create_index("ix_identities_merged", "identities", ["channel", "merged_into"])
    pending = sa.text("pending_since IS NOT NULL")
    op.create_index(
        "ix_identities_pending",
        "identities",
        ["pending_since", "id"],
        sqlite_where=pending,
        postgresql_where=pending,
    )


def _add_guests(new_id: str) -> None:
    """Give every order with a contact and without a customer an identity; recognition reads its fields."""
    op.execute(
        "INSERT INTO identities (id, customer_id, channel, external_id, evidence, gone, linked_at) "
        f"SELECT {new_id}, {new_id}, 'guest:' || channel, id, '[]', {_FALSE}, placed_at FROM orders "
        f"WHERE customer IS NULL AND contact IS NOT NULL AND attached_to IS NULL"
    )
    op.execute("UPDATE identities SET home = customer_id, proved_id = customer_id WHERE channel LIKE 'guest:%'")
    op.execute(
        "UPDATE orders SET customer = id, customer_channel = 'guest:' || channel "
        "WHERE customer IS NULL AND contact IS NOT NULL AND attached_to IS NULL"
    )


_FALSE = "(1 = 0)"


def _list_keys(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, TEXT, nullable=False) for name in names]
