"""Tables of customers."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Count, Instant, Text, column, metadata, optional_column

customers = sa.Table(
    "customers",
    metadata,
    column("id", Text, primary_key=True),
    column("version", Count),
    optional_column("display_name", Text),
    optional_column("given_name", Text),
    optional_column("family_name", Text),
    column("emails", Text),  # JSON [[value, verified, primary, [channel, …]], …]
    column("phones", Text),
    column("addresses", Text),  # JSON
    column("tags", Text),  # JSON
    column("visible", sa.Boolean),
    column("sort_name", Text),
    column("words", Text),  # search words
    optional_column("last_order_at", Instant),
    column("created_at", Instant),
    column("updated_at", Instant),
    sa.Index("ix_customers_name", "sort_name", "id"),
    sa.Index("ix_customers_created", "created_at", "id"),
    sa.Index("ix_customers_updated", "updated_at", "id"),
    sa.Index("ix_customers_last_order", "last_order_at", "id"),
)
identities = sa.Table(
    "identities",
    metadata,
    column("id", Text, primary_key=True),  # = sources.id
    column("customer_id", Text),
    column("channel", Text),
    column("external_id", Text),
    optional_column("loyalty_number", Text),
    optional_column("merged_into", Text),
    column("evidence", Text),  # JSON [[rule, value], …]
    column("gone", sa.Boolean),
    column("linked_at", Instant),
    sa.UniqueConstraint("channel", "external_id"),
    sa.Index("ix_identities_customer", "customer_id"),
    sa.Index("ix_identities_loyalty", "loyalty_number"),
)
contacts = sa.Table(  # e-mail addresses, phone numbers and tags by which customers are searched
    "contacts",
    metadata,
    column("kind", Text, primary_key=True),  # email, phone, tag
    column("value", Text, primary_key=True),  # case-folded; of a phone number: its digits
    column("customer_id", Text, primary_key=True),
    sa.Index("ix_contacts_customer", "customer_id"),
    sqlite_with_rowid=False,
)
spendings = sa.Table(  # the total of a customer's orders, by currency
    "spendings",
    metadata,
    column("customer_id", Text, primary_key=True),
    column("currency", Text, primary_key=True),
    column("total", Count),
    sa.Index("ix_spendings_total", "currency", "total", "customer_id"),
    sqlite_with_rowid=False,
)
