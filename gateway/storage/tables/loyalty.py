"""Tables of loyalty points. They name identities, never customers (rule Y1)."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Count, Instant, Text, column, metadata, optional_column

loyalty_accounts = sa.Table(
    "loyalty_accounts",
    metadata,
    column("id", Text, primary_key=True),
    column("key", Text, unique=True),  # card:NUMBER, or home:HOME of the identity
    optional_column("number", Text),  # of the card
    optional_column("identity_id", Text),  # derived: whose it is (rule Y1); null: no identity has the number
    column("balance", Count),  # derived, as the columns below: entries, without pending ones
    column("pending", Count),
    column("held", Count),
    optional_column("next_at", Instant),  # when points begin or expire next
    column("periods", Text),  # JSON {period: points}, by the time of the purchase: of the present and the last one
    optional_column("tier", Text),  # that was granted last
    optional_column("unshown", sa.Boolean),  # its points changed, and channels that show them do not know yet
    optional_column("tier_until", Instant),
    column("created_at", Instant),
    column("updated_at", Instant),
    sa.Index("ix_loyalty_accounts_identity", "identity_id"),
    sa.Index(
        "ix_loyalty_accounts_next",
        "next_at",
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    ),
    sa.Index(
        "ix_loyalty_accounts_unshown",
        "id",
        sqlite_where=sa.text("unshown = 1"),  # as a statement says it, or the index is not used
        postgresql_where=sa.text("unshown"),
    ),
)
loyalty_facts = sa.Table(  # what happened, by its key in the real world (rule Y2); the newest version
    "loyalty_facts",
    metadata,
    column("key", Text, primary_key=True),
    column("source", Text, primary_key=True),  # order, post, hold; an order is in the place of a post with its key
    column("kind", Text),  # SALE, RETURN, CREDIT, DEBIT, GIVE_BACK
    optional_column("account_id", Text),  # null: of a return whose purchase is not known yet
    optional_column("identity_id", Text),  # through which it came
    optional_column("origin", Text),  # key of the purchase or of the debit that it takes back
    optional_column("order_id", Text),
    optional_column("channel", Text),
    optional_column("location", Text),
    column("occurred_at", Instant),
    optional_column("minor", Count),
    optional_column("currency", Text),
    optional_column("rate", Text),  # frozen when it first earns (rule Y3)
    optional_column("multiplier", Text),
    optional_column("points", Count),
    optional_column("entry_kind", Text),
    optional_column("state", Text),  # of a hold: HELD, SPENT, RELEASED (rule Y4)
    optional_column("expires_at", Instant),
    optional_column("reason", Text),
    column("created_at", Instant),
    sa.Index("ix_loyalty_facts_account", "account_id"),
    sa.Index("ix_loyalty_facts_order", "order_id"),
    sa.Index("ix_loyalty_facts_origin", "origin"),
    sqlite_with_rowid=False,
)
loyalty_entries = sa.Table(  # append-only
    "loyalty_entries",
    metadata,
    column("id", Text, primary_key=True),
    column("account_id", Text),
    column("key", Text),  # of the fact
    column("expiry", sa.Boolean),  # of the points of the fact, not of the fact itself
    column("number", Count),  # of the entry within the account and key
    column("kind", Text),
    column("points", Count),
    column("reason", Text),
    optional_column("channel", Text),
    optional_column("location", Text),
    optional_column("order_id", Text),
    column("occurred_at", Instant),
    optional_column("pending_until", Instant),
    optional_column("expires_at", Instant),
    column("posted_at", Instant),
    sa.UniqueConstraint("account_id", "key", "expiry", "number", name="uq_loyalty_entries_key"),
    sa.Index("ix_loyalty_entries_occurred", "account_id", "occurred_at", "id"),
    sa.Index("ix_loyalty_entries_fact", "key"),
)
