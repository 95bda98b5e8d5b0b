"""Tables of consents. They name identities, never customers (rule C1)."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Instant, Text, column, metadata, optional_column

consent_facts = sa.Table(  # append-only, but for the confirmation of a grant
    "consent_facts",
    metadata,
    column("id", Text, primary_key=True),
    column("identity_id", Text),
    column("purpose", Text),
    optional_column("address", Text),  # in its compared form; null: of the person
    column("granted", sa.Boolean),
    column("earliest", Instant),  # between these times it was decided (rule C10)
    column("latest", Instant),
    column("confirmed", sa.Boolean),
    column("source", Text),
    optional_column("wording", Text),
    optional_column("decided_at", Instant),  # as its source states
    column("received_at", Instant),
    optional_column("channel", Text),
    sa.Index("ix_consent_facts_identity", "identity_id"),
    sa.Index(
        "ix_consent_facts_address",
        "address",
        sqlite_where=sa.text("address IS NOT NULL"),
        postgresql_where=sa.text("address IS NOT NULL"),
    ),
)
consent_pushes = sa.Table(  # denials that were sent to channels, and what they showed then
    "consent_pushes",
    metadata,
    column("key", Text, primary_key=True),  # of the command in the outbox
    column("identity_id", Text),  # the customer in the channel
    column("purpose", Text),
    optional_column("address", Text),  # in its compared form; null: of the person
    column("source", Text),  # of the decision
    column("decided_at", Instant),  # by the customer
    column("state", Text),  # as of a push of stock
    column("is_shown", sa.Boolean),  # the channel shows it: no decision of its own
    optional_column("shown_at", Instant),  # the time that the channel shows with it
    column("created_at", Instant),
    sa.Index("ix_consent_pushes_identity", "identity_id"),
)
customer_consents = sa.Table(  # derived: what customers allow, by which they are searched
    "customer_consents",
    metadata,
    column("customer_id", Text, primary_key=True),
    column("purpose", Text, primary_key=True),
    sa.Index("ix_customer_consents_purpose", "purpose", "customer_id"),
    sqlite_with_rowid=False,
)
