"""Tables of customers."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Count, Instant, Text, column, metadata, optional_column

MAX_CHANNELS_LENGTH = 2_000
"""Characters of `customers.channels`, which is in an index: PostgreSQL takes 2,704 bytes of a row."""

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
    optional_column("locale", Text),
    optional_column("has_login", sa.Boolean),
    optional_column("order_count", Count),
    optional_column("store_order_count", Count),  # of them, in stores
    optional_column("first_order_at", Instant),
    optional_column("channels", Text),  # JSON, sorted: those with a record or a guest order; null: look them up
    optional_column("channels_version", Count),  # the version with these channels; another one: look them up
    sa.Index("ix_customers_name", "sort_name", "id"),
    sa.Index("ix_customers_created", "created_at", "id"),
    sa.Index("ix_customers_updated", "updated_at", "id"),
    sa.Index("ix_customers_last_order", "last_order_at", "id"),
    sa.Index(  # has all columns by which customers of segments are counted, by a statement that names the index
        "ix_customers_counted",
        "id",
        "order_count",
        "store_order_count",
        "first_order_at",
        "last_order_at",
        "has_login",
        "version",
        "channels",
        "channels_version",
        "visible",  # or SQLite reads it from the row
        sqlite_where=sa.text("visible = 1"),  # as a statement says it, or the index is not used
        postgresql_where=sa.text("visible"),
    ),
)
identities = sa.Table(
    "identities",
    metadata,
    column("id", Text, primary_key=True),  # of a channel's customer: = sources.id
    column("customer_id", Text),  # derived (rule C1): the home of the oldest identity of its group
    column("channel", Text),  # of the gateway's own: account:ISSUER, guest:CHANNEL
    column("external_id", Text),  # of an account: the subject; of a guest: the order's id
    optional_column("loyalty_number", Text),
    optional_column("merged_into", Text),
    column("evidence", Text),  # JSON [[rule, value], …] of the record itself, for earlier versions
    column("gone", sa.Boolean),
    column("linked_at", Instant),  # when it was first stored; the oldest of a group gives it its id
    # The columns below are null in rows that an earlier version inserted.
    optional_column("home", Text),  # the customer id that was minted with it and never changes
    optional_column("proved_id", Text),  # derived (rule C7): the home of the oldest identity that is proved to be one
    optional_column("links", Text),  # derived: JSON [[rule, value, verdict, other identity, observed at], …]
    *(optional_column(name, Text) for name in ("display_name", "given_name", "family_name", "locale")),
    *(optional_column(name, Text) for name in ("emails", "phones", "addresses", "tags")),  # JSON, as in `customers`
    optional_column("has_login", sa.Boolean),
    optional_column("policy_key", Text),  # that the configured policy gave the record
    optional_column("external_references", Text),  # JSON [[channel or system, field, id there], …], as configured
    optional_column("twin_id", Text),  # of a guest: another one with the same contact, whose customer it shares
    optional_column("contact_key", Text),  # of a guest: digest of the contact; guests with the same one are one holder
    optional_column("record_created_at", Instant),  # when the channel created it
    optional_column("changed_at", Instant),  # when its data last changed
    optional_column("erased_at", Instant),
    optional_column("loyalty_points", Count),  # that the channel shows
    optional_column("loyalty_tier", Text),
    optional_column("pending_since", Instant, server_default="0"),  # null: it is recognized
    sa.UniqueConstraint("channel", "external_id"),
    sa.Index("ix_identities_customer", "customer_id", "gone", "channel"),
    sa.Index("ix_identities_loyalty", "loyalty_number"),
    sa.Index("ix_identities_home", "home"),
    sa.Index("ix_identities_proved", "proved_id"),
    sa.Index("ix_identities_merged", "channel", "merged_into"),
    *(
        sa.Index(
            f"ix_identities_{name}",
            name,
            sqlite_where=sa.text(f"{name} IS NOT NULL"),
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )
        for name in ("contact_key", "twin_id")
    ),
    sa.Index(
        "ix_identities_pending",
        "pending_since",
        "id",
        sqlite_where=sa.text("pending_since IS NOT NULL"),
        postgresql_where=sa.text("pending_since IS NOT NULL"),
    ),
)
identity_evidence = sa.Table(  # by what identities are recognized (rule C2)
    "identity_evidence",
    metadata,
    column("key", Text, primary_key=True),  # the kind, a colon, and the value in its compared form
    column("identity_id", Text, primary_key=True),
    column("verified", sa.Boolean),
    column("given_name", Text),  # in its compared form; empty: none
    column("holder", Text),  # the identity; of guests with the same contact: the contact
    sa.Index("ix_identity_evidence_identity", "identity_id"),
    sa.Index(
        "ix_identity_evidence_holder",
        "holder",
        sqlite_where=sa.text("holder <> identity_id"),
        postgresql_where=sa.text("holder <> identity_id"),
    ),
    sqlite_with_rowid=False,
)
evidence_keys = sa.Table(  # values of identities, and how many hold them (rule C4)
    "evidence_keys",
    metadata,
    column("key", Text, primary_key=True),
    column("holders", Count),
    column("given_names", Count),  # different ones of its holders
    sqlite_with_rowid=False,
)
evidence_names = sa.Table(  # how many holders of a value have a given name
    "evidence_names",
    metadata,
    column("name_key", Text, primary_key=True),  # the key, a tab, and the given name
    column("holders", Count),
    sqlite_with_rowid=False,
)
customer_decisions = sa.Table(  # what staff and claims say of two groups of identities (rule C5); rows are only undone
    "customer_decisions",
    metadata,
    column("id", Text, primary_key=True),
    column("number", Count),  # newest first, the newest that speaks of a pair holds
    column("merge_id", Text),  # decisions that were made, and are undone, together
    column("kind", Text),  # SAME, DIFFERENT
    column("left_ids", Text),  # JSON: the identities of one group as it was
    column("right_ids", Text),
    column("proved", sa.Boolean),
    column("rule", Text),  # MANUAL, CLAIM
    column("actor", Text),
    optional_column("note", Text),
    optional_column("review_id", Text),
    column("decided_at", Instant),
    optional_column("undone_at", Instant),
    optional_column("undone_by", Text),
    optional_column("undone_note", Text),
    sa.UniqueConstraint("number"),
    sa.Index("ix_customer_decisions_merge", "merge_id"),
)
customer_decision_members = sa.Table(
    "customer_decision_members",
    metadata,
    column("identity_id", Text, primary_key=True),
    column("decision_id", Text, primary_key=True),
    sqlite_with_rowid=False,
)
customer_reviews = sa.Table(  # groups of identities that may be one customer, for staff to decide
    "customer_reviews",
    metadata,
    column("id", Text, primary_key=True),
    column("key", Text),  # digest of the suggestion, by which it is found again
    column("state", Text),  # OPEN, SAME, DIFFERENT, OBSOLETE
    column("reason", Text),
    column("evidence", Text),  # JSON, as of identities
    optional_column("merge_id", Text),
    column("created_at", Instant),
    optional_column("decided_at", Instant),
    optional_column("decided_by", Text),
    sa.UniqueConstraint("key"),
    sa.Index("ix_customer_reviews_state", "state", "created_at", "id"),
)
customer_review_members = sa.Table(
    "customer_review_members",
    metadata,
    column("identity_id", Text, primary_key=True),
    column("review_id", Text, primary_key=True),
    sa.Index("ix_customer_review_members_review", "review_id"),
    sqlite_with_rowid=False,
)
customer_edits = sa.Table(  # values that the customer or staff entered here, by the identity of the id they used
    "customer_edits",
    metadata,
    column("identity_id", Text, primary_key=True),
    column("field", Text, primary_key=True),  # NAME, EMAIL, PHONE, LOCALE, TAGS
    column("value", Text),  # JSON
    column("by_customer", sa.Boolean),
    column("edited_at", Instant),
    sqlite_with_rowid=False,
)
customer_addresses = sa.Table(  # the address book: addresses that were entered here
    "customer_addresses",
    metadata,
    column("id", Text, primary_key=True),
    column("identity_id", Text),
    column("address", Text),  # JSON
    column("default_shipping", sa.Boolean),
    column("default_billing", sa.Boolean),
    column("created_at", Instant),
    column("updated_at", Instant),
    sa.Index("ix_customer_addresses_identity", "identity_id"),
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
