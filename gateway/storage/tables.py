"""The tables. Ids are `model.ids.new_id`; instants are microseconds since 1970, UTC; amounts are minor units."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Sorts by code point on both databases (rule T1)."""

Count = sa.BigInteger()
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def microseconds(value: datetime | None) -> int | None:
    """How an instant is stored."""
    return None if value is None else (value - EPOCH) // MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware datetime as microseconds since 1970: exact, sortable and the same on both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return microseconds(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


def column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    """A column that is not null unless said."""
    return sa.Column(name, kind, nullable=options.pop("nullable", False), **options)


def optional(name: str, kind: Any) -> sa.Column[Any]:
    """A column that may be null."""
    return sa.Column(name, kind, nullable=True)


# ---------------------------------------------------------------------------------------- the log, leases, the house

facts = sa.Table(  # single facts: `ready_at`, the pagination secret …
    "facts", metadata, column("name", Text, primary_key=True), column("value", Text)
)
counters = sa.Table(  # SQLite only: PostgreSQL has the sequence `observations`
    "counters", metadata, column("name", Text, primary_key=True), column("value", Count)
)
changes = sa.Table(  # one row per transaction and kind; `pos` is given by the stamper (rule L2)
    "changes",
    metadata,
    column("id", Serial, primary_key=True, autoincrement=True),
    optional("pos", Count),
    column("kind", Text),
    column("subjects", Text),  # JSON [[id, version], …]
    column("at", Instant),
    sa.Index("uq_changes_pos", "pos", unique=True),
    sqlite_autoincrement=True,
)
log_head = sa.Table("log_head", metadata, column("one", sa.Integer, primary_key=True), column("pos", Count))
log_readers = sa.Table(
    "log_readers", metadata, column("name", Text, primary_key=True), column("pos", Count), column("read_at", Instant)
)
leases = sa.Table(
    "leases",
    metadata,
    column("name", Text, primary_key=True),
    column("holder", Text),
    column("fence", Count),
    column("expires_at", Instant),
)

# ------------------------------------------------------------------------------------------------ sync

channels = sa.Table(  # how a channel fares; what it is stands in the configuration
    "channels",
    metadata,
    column("key", Text, primary_key=True),
    column("paused", sa.Boolean, default=False),
    optional("first_synced_at", Instant),
    optional("last_success_at", Instant),
    optional("retry_at", Instant),
    optional("fault_code", Text),
    optional("fault_message", Text),
    optional("fault_retryable", sa.Boolean),
    optional("fault_at", Instant),
    column("failures", sa.Integer, default=0),  # in a row
    optional("armed_at", Instant),  # when an operator let quantities be sent to it (rule K5)
    optional("push_fault", Text),  # why none is sent until an operator has looked
)
passes = sa.Table(  # one row per feed and kind of pass: delta, or sweep
    "passes",
    metadata,
    column("channel", Text, primary_key=True),
    column("feed", Text, primary_key=True),
    column("kind", Text, primary_key=True),
    column("resource", Text),
    optional("mark", Text),  # where the next pass begins
    optional("token", Text),  # where the running one goes on; with `begun` set and no token: at its first page
    optional("reached", Text),  # the mark of the running pass once it is complete
    optional("begin", Count),  # counter at the start of the running pass; null: none runs
    optional("begun_at", Instant),
    optional("completed_at", Instant),
    optional("complete_as_of", Instant),  # when the last complete pass began: the age of the feed
    column("due_at", Instant),
    column("taken", sa.Boolean, default=True),  # whether the plugin knows that the last pass is stored
    column("accept_absent", sa.Boolean, default=False),
    column("pages", Count, default=0),  # of the running pass
    optional("fault_code", Text),
    optional("fault_message", Text),
    optional("fault_retryable", sa.Boolean),
    optional("fault_at", Instant),
)
sources = sa.Table(  # what is known of one record in its channel (rules S1, S5)
    "sources",
    metadata,
    column("id", Text, primary_key=True),
    column("channel", Text),
    column("resource", Text),
    column("external_id", Text),
    column("feed", Text),
    optional("note", Text),
    optional("version", Count),  # integers, or microseconds
    optional("digest", Text),
    column("begin", Count),
    column("end", Count),
    column("generation", sa.Integer),
    optional("dirty_at", Count),
    column("gone", sa.Boolean),
    column("rejected", sa.Boolean),
    optional("absent_at", Count),  # a complete pass at this count did not name it
    column("observed_at", Instant),
    sa.UniqueConstraint("channel", "resource", "external_id"),
    sa.Index(
        "ix_sources_dirty",
        "channel",
        "feed",
        "dirty_at",
        sqlite_where=sa.text("dirty_at IS NOT NULL"),
        postgresql_where=sa.text("dirty_at IS NOT NULL"),
    ),
    sa.Index("ix_sources_feed_end", "channel", "feed", "end"),
    sqlite_with_rowid=False,
)
budgets = sa.Table(  # what a channel lets be asked: leaky buckets
    "budgets",
    metadata,
    column("channel", Text, primary_key=True),
    column("name", Text, primary_key=True),
    column("level", sa.Double),
    column("at", sa.Double),  # seconds since 1970: when it held that
    column("capacity", sa.Double),
    column("per_second", sa.Double),
)
rejects = sa.Table(
    "rejects",
    metadata,
    column("id", Text, primary_key=True),
    column("channel", Text),
    column("resource", Text),
    column("external_id", Text),
    column("feed", Text),
    column("reason", Text),
    optional("field", Text),
    optional("payload", Text),  # ASCII-escaped JSON; null once expired
    column("rejected_at", Instant),
    sa.UniqueConstraint("channel", "resource", "external_id"),
)
inbox = sa.Table(
    "inbox",
    metadata,
    column("id", Serial, primary_key=True, autoincrement=True),
    column("channel", Text),
    column("delivery_id", Text),
    column("headers", Text),
    column("body", sa.LargeBinary),
    column("received_at", Instant),
    optional("processed_at", Instant),
    optional("problem", Text),
    sa.UniqueConstraint("channel", "delivery_id"),
    sqlite_autoincrement=True,
)

# ------------------------------------------------------------------------------------------------ catalogue

categories = sa.Table(
    "categories",
    metadata,
    column("id", Text, primary_key=True),
    column("path", Text, unique=True),  # folded titles from the root, joined by U+001F
    column("handle", Text, unique=True),
    column("title", Text),
    optional("parent_id", Text),
    column("sort_title", Text),
    sa.Index("ix_categories_parent", "parent_id", "sort_title", "id"),
)
channel_products = sa.Table(  # a product as one channel has it
    "channel_products",
    metadata,
    column("id", Text, primary_key=True),  # = sources.id
    column("channel", Text),
    column("external_id", Text),
    column("grouped", sa.Boolean),
    column("title", Text),
    column("description", Text),
    optional("brand", Text),
    column("tags", Text),  # JSON
    column("status", Text),
    column("images", Text),  # JSON
    column("category", Text),  # JSON list of titles
    optional("created_at", Instant),
    column("gone", sa.Boolean),
    sa.UniqueConstraint("channel", "external_id"),
)
listings = sa.Table(  # a variant as one channel lists it, one row per generation (rules S5, I2)
    "listings",
    metadata,
    column("id", Text, primary_key=True),
    column("channel", Text),
    column("external_id", Text),
    column("generation", sa.Integer),
    column("current", sa.Boolean),  # False: the channel has given the id to another thing since
    column("gone", sa.Boolean),
    column("channel_product_id", Text),
    column("position", sa.Integer),  # among the product's variants
    column("variant_id", Text),  # the id of the oldest listing that is the same variant
    column("product_id", Text),
    optional("matched_by", Text),
    optional("sku", Text),
    optional("sku_key", Text),
    optional("gtin", Text),
    optional("match_key", Text),  # of the matching policy
    column("condition", Text),
    column("title", Text),
    column("options", Text),  # JSON [[name, value], …]
    optional("image", Text),  # JSON
    column("unit_of_measure", Text),
    optional("price", Count),
    optional("compare_at_price", Count),
    optional("currency", Text),
    column("price_includes_tax", sa.Boolean),
    column("units_per_listing", sa.Integer),
    column("tracked", sa.Boolean),
    column("inventory_item", Text),
    column("status", Text),
    optional("url", Text),
    optional("note", Text),
    column("updated_at", Instant, server_default="0"),
    sa.UniqueConstraint("channel", "external_id", "generation"),
    sa.Index("ix_listings_variant", "variant_id"),
    sa.Index("ix_listings_product", "product_id"),
    sa.Index("ix_listings_channel_product", "channel_product_id"),
    sa.Index("ix_listings_sku_key", "sku_key"),
    sa.Index("ix_listings_gtin", "gtin"),
    sa.Index(
        "ix_listings_match_key",
        "match_key",
        sqlite_where=sa.text("match_key IS NOT NULL"),
        postgresql_where=sa.text("match_key IS NOT NULL"),
    ),
    sa.Index("ix_listings_item", "channel", "inventory_item"),
)
links = sa.Table(  # what a person decided (rule I1); by the channel's id, so that it outlives generations
    "links",
    metadata,
    column("channel", Text, primary_key=True),
    column("external_id", Text, primary_key=True),
    optional("to_channel", Text),  # null: stands alone
    optional("to_external_id", Text),
    optional("units_per_listing", sa.Integer),
    column("decided_at", Instant),
    sa.Index("ix_links_to", "to_channel", "to_external_id"),
)
match_reviews = sa.Table(
    "match_reviews",
    metadata,
    column("id", Text, primary_key=True),
    column("listing_id", Text, unique=True),
    column("reason", Text),
    column("candidates", Text),  # JSON list of listing ids
    column("created_at", Instant),
)
products = sa.Table(
    "products",
    metadata,
    column("id", Text, primary_key=True),
    column("handle", Text, unique=True),
    column("version", Count),
    column("title", Text),
    column("description", Text),
    optional("brand", Text),
    optional("category_id", Text),
    column("tags", Text),  # JSON
    column("status", Text),
    column("images", Text),  # JSON
    column("options", Text),  # JSON [[name, [value, …]], …]
    column("visible", sa.Boolean),  # some channel lists it
    column("sort_title", Text),
    column("words", Text),  # by which it is found, in order, with spaces between them
    column("created_at", Instant),
    column("updated_at", Instant),
    sa.Index("ix_products_title", "sort_title", "id"),
    sa.Index("ix_products_created", "created_at", "id"),
    sa.Index("ix_products_updated", "updated_at", "id"),
    sa.Index("ix_products_category", "category_id"),
    sa.Index("ix_products_brand", "brand"),
)
product_tags = sa.Table(
    "product_tags",
    metadata,
    column("product_id", Text, primary_key=True),
    column("tag", Text, primary_key=True),
    sa.Index("ix_product_tags_tag", "tag"),
    sqlite_with_rowid=False,
)
offers = sa.Table(  # a product in one channel: listed there, from this price to that
    "offers",
    metadata,
    column("product_id", Text, primary_key=True),
    column("channel", Text, primary_key=True),
    optional("price_min", Count),
    optional("price_max", Count),
    optional("currency", Text),  # null where its listings have none, or several
    sa.Index("ix_offers_price", "channel", "price_min", "product_id"),
    sqlite_with_rowid=False,
)
variants = sa.Table(
    "variants",
    metadata,
    column("id", Text, primary_key=True),
    column("product_id", Text),
    column("version", Count),
    column("position", sa.Integer),  # within its product
    optional("sku", Text),
    optional("gtin", Text),
    column("title", Text),
    optional("image", Text),  # JSON
    column("options", Text),  # JSON [[name, value], …]
    column("unit_of_measure", Text),
    column("visible", sa.Boolean),
    column("updated_at", Instant),
    sa.Index("ix_variants_product", "product_id", "position", "id"),
    sa.Index("ix_variants_updated", "updated_at", "id"),
    sa.Index("ix_variants_sku", "sku"),
    sa.Index("ix_variants_gtin", "gtin"),
)
redirects = sa.Table(  # products that were merged into others; variants need none: listings tell
    "redirects", metadata, column("old_id", Text, primary_key=True), column("new_id", Text)
)
words = sa.Table(  # search (rule T2): the same split on both databases; `words` of the subject's row says which it has
    "words",
    metadata,
    column("kind", Text, primary_key=True),  # product, customer, order
    column("word", Text, primary_key=True),
    column("subject_id", Text, primary_key=True),
    sqlite_with_rowid=False,
)

# ------------------------------------------------------------------------------------------------ stock

stock = sa.Table(  # what one channel counts of one inventory item in one of its places (rule I4)
    "stock",
    metadata,
    column("id", Text, primary_key=True),  # = sources.id
    column("channel", Text),
    column("item", Text),
    column("place", Text),
    column("on_hand", Count),
    column("committed", Count),
    column("incoming", Count),
    column("held", Count, server_default="0"),  # reservations and open movements
    column("version", Count),
    column("known", sa.Boolean),  # False: the channel's last word was rejected, or it has none any more
    optional("counted_at", Instant),
    column("updated_at", Instant),
    sa.UniqueConstraint("channel", "item", "place"),
    sa.Index("ix_stock_place", "channel", "place", "id"),
    sqlite_with_rowid=False,
)

reservations = sa.Table(  # units of a counter that are spoken for: held, or sold and not yet counted (rules K2, K7)
    "reservations",
    metadata,
    column("id", Text, primary_key=True),
    column("channel", Text),  # the counter: the authority, its item, its place
    column("item", Text),
    column("place", Text),
    column("location", Text),
    column("listing_id", Text),  # by which the variant was found
    column("quantity", Count),  # negative: units that come back, which count once the authority shows them
    column("state", Text),
    column("reason", Text),
    column("owner", Text),  # the principal that holds them; of a movement none: empty
    optional("order_channel", Text),  # what was sold: one movement for each turn of a line (rule K2)
    optional("order_ref", Text),
    optional("line_ref", Text),
    column("turn", sa.Integer, default=0),
    optional("command", Text),  # the outbox entry that tells the authority; null: it knows by itself
    optional("follows", Text),  # the reservation whose units these are, on their way: told when those are acknowledged
    optional("acknowledged_count", Count),  # the observation counter, and the time, when the authority had taken it
    optional("acknowledged_at", Instant),
    optional("ask_at", Instant),  # when the count is to be read again, because nothing has proved that it contains this
    optional("expires_at", Instant),
    column("created_at", Instant),
    column("updated_at", Instant),
    sa.UniqueConstraint("order_channel", "order_ref", "line_ref", "turn"),
    sa.Index(
        "ix_reservations_open",
        "channel",
        "item",
        "place",
        sqlite_where=sa.text("state IN ('HELD', 'COMMITTED')"),
        postgresql_where=sa.text("state IN ('HELD', 'COMMITTED')"),
    ),
    sa.Index(
        "ix_reservations_expiring",
        "expires_at",
        sqlite_where=sa.text("state = 'HELD'"),
        postgresql_where=sa.text("state = 'HELD'"),
    ),
    sa.Index(
        "ix_reservations_asking",
        "ask_at",
        sqlite_where=sa.text("ask_at IS NOT NULL"),
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    ),
    sa.Index("ix_reservations_counter", "channel", "item", "place", "created_at"),
    sa.Index("ix_reservations_command", "command"),
    sa.Index("ix_reservations_follows", "follows"),
    sqlite_with_rowid=False,
)

pushes = sa.Table(  # what a follower is to offer of a listing in a place that another channel counts (rules K5, K6)
    "pushes",
    metadata,
    column("channel", Text, primary_key=True),
    column("listing_id", Text, primary_key=True),
    column("place", Text, primary_key=True),
    column("location", Text),
    column("dirty", sa.Boolean),  # something has changed since it was looked at
    column("state", Text),
    optional("wanted", Count),  # in listings, when it was looked at last; null: not known
    optional("sent", Count),  # what the channel was told, and has not shown yet
    optional("sent_at", Instant),
    optional("confirmed", Count),  # what it showed when it had last taken what it was told
    optional("confirmed_at", Instant),
    optional("command", Text),  # the one that is under way
    optional("due_at", Instant),  # not looked at before
    column("failures", sa.Integer),
    optional("queued_at", Instant),
    optional("accepted_at", Instant),
    optional("fault_code", Text),
    optional("fault_message", Text),
    optional("fault_retryable", sa.Boolean),
    optional("fault_at", Instant),
    sa.Index(
        "ix_pushes_dirty",
        "channel",
        sqlite_where=sa.text("dirty"),
        postgresql_where=sa.text("dirty"),
    ),
    sa.Index("ix_pushes_listing", "listing_id"),
    sa.Index("ix_pushes_command", "command"),
    sqlite_with_rowid=False,
)

# ------------------------------------------------------------------------------------------------ the outbox

outbox = sa.Table(  # wishes towards channels (rules L3, O1, O2)
    "outbox",
    metadata,
    column("id", Serial, primary_key=True, autoincrement=True),
    column("key", Text, unique=True),  # the command's
    column("channel", Text),
    column("operation", Text),  # the kind of command
    column("subject", Text),  # those of one subject go out in order, one at a time
    column("payload", Text),  # JSON: the command, as it was wished for
    column("about", Text),  # what in commerce waits for the outcome
    column("lane", sa.Integer),  # those of lower ones go first
    column("state", Text),  # QUEUED, SENDING, DONE, DEAD
    column("sent", sa.Boolean),  # it may have had an effect: it is looked up before it is sent again
    column("attempts", sa.Integer),
    column("due_at", Instant),  # when it is sent, or looked up
    optional("not_after", Instant),  # until then the channel may still take it: that it is absent proves nothing
    optional("sender", Text),  # the attempt that is under way
    optional("ticket", Text),  # under which the channel has accepted it
    optional("fault_code", Text),
    optional("fault_message", Text),
    optional("fault_retryable", sa.Boolean),
    optional("fault_at", Instant),
    column("created_at", Instant),
    column("updated_at", Instant),
    sa.Index(
        "ix_outbox_due",
        "channel",
        "due_at",
        sqlite_where=sa.text("state IN ('QUEUED', 'SENDING')"),
        postgresql_where=sa.text("state IN ('QUEUED', 'SENDING')"),
    ),
    sa.Index(
        "ix_outbox_subject",
        "channel",
        "subject",
        "id",
        sqlite_where=sa.text("state IN ('QUEUED', 'SENDING')"),
        postgresql_where=sa.text("state IN ('QUEUED', 'SENDING')"),
    ),
    sa.Index("ix_outbox_state", "state", "id"),
    sa.Index("ix_outbox_about", "about"),
    sqlite_autoincrement=True,
)

# ------------------------------------------------------------------------------------------------ customers

customers = sa.Table(
    "customers",
    metadata,
    column("id", Text, primary_key=True),
    column("version", Count),
    optional("display_name", Text),
    optional("given_name", Text),
    optional("family_name", Text),
    column("emails", Text),  # JSON [[value, verified, primary, [channel, …]], …]
    column("phones", Text),
    column("addresses", Text),  # JSON
    column("tags", Text),  # JSON
    column("visible", sa.Boolean),
    column("sort_name", Text),
    column("words", Text),  # by which it is found
    optional("last_order_at", Instant),
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
    optional("loyalty_number", Text),
    optional("merged_into", Text),
    column("evidence", Text),  # JSON [[rule, value], …]
    column("gone", sa.Boolean),
    column("linked_at", Instant),
    sa.UniqueConstraint("channel", "external_id"),
    sa.Index("ix_identities_customer", "customer_id"),
    sa.Index("ix_identities_loyalty", "loyalty_number"),
)
contacts = sa.Table(  # e-mail addresses, phone numbers and tags by which customers are found
    "contacts",
    metadata,
    column("kind", Text, primary_key=True),  # email, phone, tag
    column("value", Text, primary_key=True),  # folded; a phone: its digits
    column("customer_id", Text, primary_key=True),
    sa.Index("ix_contacts_customer", "customer_id"),
    sqlite_with_rowid=False,
)
spendings = sa.Table(  # what a customer's orders come to, by currency
    "spendings",
    metadata,
    column("customer_id", Text, primary_key=True),
    column("currency", Text, primary_key=True),
    column("total", Count),
    sa.Index("ix_spendings_total", "currency", "total", "customer_id"),
    sqlite_with_rowid=False,
)

# ------------------------------------------------------------------------------------------------ orders

orders = sa.Table(
    "orders",
    metadata,
    column("id", Text, primary_key=True),  # = sources.id
    column("version", Count),
    column("channel", Text),
    column("external_id", Text),
    column("number", Text),
    optional("client_reference", Text),
    optional("place", Text),  # the shop, as the channel calls it
    optional("customer", Text),  # the customer's id in a channel, and which one: of what is sold here any of hers
    optional("customer_channel", Text),
    optional("reverses", Text),  # the channel's order id
    column("status", Text),
    column("fulfillment_status", Text),
    column("payment_status", Text),
    column("return_status", Text),
    optional("currency", Text),
    optional("subtotal", Count),
    optional("discount_total", Count),
    optional("tax_total", Count),
    optional("tax_included", sa.Boolean),
    column("tax_lines", Text),  # JSON [[title, rate, minor, currency], …]
    optional("shipping_total", Count),
    optional("total", Count),
    optional("refunded_total", Count),
    optional("contact", Text),  # JSON
    optional("shipping_address", Text),  # JSON
    optional("billing_address", Text),  # JSON
    optional("stock_posted", sa.Boolean),
    optional("attached_to", Text),  # the order that this one is a copy of: it is in no list and in no total
    optional("followed", sa.Boolean),  # sold since the channel is known: what it takes from others' places is told them
    optional("unplaced", sa.Boolean),  # followed, and it is not known yet what some of it takes from where
    column("words", Text),  # by which it is found
    column("placed_at", Instant),
    optional("cancelled_at", Instant),
    column("updated_at", Instant),
    sa.UniqueConstraint("channel", "external_id"),
    sa.Index("ix_orders_attached", "attached_to"),
    sa.Index(
        "ix_orders_unplaced",
        "channel",
        sqlite_where=sa.text("unplaced"),
        postgresql_where=sa.text("unplaced"),
    ),
    sa.Index("ix_orders_number", "channel", "number"),
    sa.Index("ix_orders_reference", "client_reference"),
    sa.Index("ix_orders_placed", "placed_at", "id"),
    sa.Index("ix_orders_updated", "updated_at", "id"),
    sa.Index("ix_orders_total", "currency", "total", "id"),
    sa.Index("ix_orders_buyer", "customer_channel", "customer", "placed_at"),
    sa.Index("ix_orders_place", "channel", "place", "placed_at"),
)
order_lines = sa.Table(
    "order_lines",
    metadata,
    column("id", Text, primary_key=True),
    column("order_id", Text),
    column("external_id", Text),
    column("position", sa.Integer),
    column("channel", Text),
    optional("place", Text),  # where its units are taken from, as the channel calls it; null: the order's
    optional("variant", Text),  # the channel's variant id, and the generation that it had
    column("generation", sa.Integer),
    column("title", Text),
    optional("sku", Text),
    optional("sku_key", Text),
    column("quantity", Count),
    optional("unit_price", Count),
    optional("total", Count),
    optional("currency", Text),
    column("fulfilled_quantity", Count),
    column("returned_quantity", Count),
    sa.Index("ix_order_lines_order", "order_id", "position", "id"),
    sa.Index("ix_order_lines_sku", "sku_key"),
    sa.UniqueConstraint("order_id", "external_id"),
)

channel_orders = sa.Table(  # the part of an order that one channel fulfills from one location (rules O1, O4)
    "channel_orders",
    metadata,
    column("id", Text, primary_key=True),
    column("order_id", Text),
    column("channel", Text),
    column("location", Text),
    column("client_reference", Text, unique=True),  # the key of the command that places it
    optional("external_id", Text),
    column("state", Text),
    column("attempts", sa.Integer),
    optional("fault_code", Text),
    optional("fault_message", Text),
    optional("fault_retryable", sa.Boolean),
    optional("fault_at", Instant),
    column("lines", Text),  # JSON [[line id, quantity], …]
    column("updated_at", Instant),
    sa.UniqueConstraint("channel", "external_id"),
    sa.Index("ix_channel_orders_order", "order_id", "id"),
    sqlite_with_rowid=False,
)
fulfillments = sa.Table(
    "fulfillments",
    metadata,
    column("id", Text, primary_key=True),
    column("version", Count),
    column("order_id", Text),
    column("channel", Text),
    optional("channel_order_id", Text),
    column("method", Text),
    column("status", Text),
    column("location", Text),
    optional("transfer_from", Text),
    column("lines", Text),  # JSON [[line id, quantity], …]
    column("tracking", Text),  # JSON [[carrier, number, url], …]
    column("wrong_codes", sa.Integer),  # in a row
    optional("closed_until", Instant),  # no code is taken before
    optional("ready_at", Instant),
    optional("collect_by", Instant),
    optional("shipped_at", Instant),
    optional("estimated_delivery_at", Instant),
    optional("delivered_at", Instant),
    column("created_at", Instant),
    column("updated_at", Instant),
    sa.Index("ix_fulfillments_order", "order_id", "id"),
    sa.Index("ix_fulfillments_location", "location", "status", "created_at"),
    sqlite_with_rowid=False,
)
payments = sa.Table(
    "payments",
    metadata,
    column("id", Text, primary_key=True),
    column("order_id", Text),
    column("kind", Text),
    optional("provider", Text),
    optional("reference", Text),
    column("amount", Count),
    column("currency", Text),
    column("status", Text),
    column("channel", Text),
    column("occurred_at", Instant),
    sa.Index("ix_payments_order", "order_id", "id"),
    sqlite_with_rowid=False,
)
order_events = sa.Table(
    "order_events",
    metadata,
    column("id", Text, primary_key=True),
    column("order_id", Text),
    column("number", sa.Integer),  # within the order: several things can happen in one millisecond
    column("kind", Text),
    optional("channel", Text),
    optional("location", Text),
    column("message", Text),
    column("occurred_at", Instant),
    sa.UniqueConstraint("order_id", "number"),
    sqlite_with_rowid=False,
)
order_tasks = sa.Table(  # what a person has to look at: Order.attention
    "order_tasks",
    metadata,
    column("order_id", Text, primary_key=True),
    column("kind", Text, primary_key=True),
    column("note", Text),
    column("opened_at", Instant),
    optional("due_at", Instant),
    sqlite_with_rowid=False,
)

# ------------------------------------------------------------------------------------------------ carts

carts = sa.Table(
    "carts",
    metadata,
    column("id", Text, primary_key=True),
    column("rotation", sa.Integer),  # its token is made of the id and this, and stands nowhere
    column("version", Count),
    column("status", Text),
    column("channel", Text),
    column("currency", Text),
    optional("customer_id", Text),
    optional("order_id", Text),
    column("created_at", Instant),
    column("expires_at", Instant),
    column("updated_at", Instant),
    sa.Index("ix_carts_customer", "customer_id", "updated_at"),
    sa.Index(
        "ix_carts_expiring",
        "expires_at",
        sqlite_where=sa.text("status = 'ACTIVE'"),
        postgresql_where=sa.text("status = 'ACTIVE'"),
    ),
    sqlite_with_rowid=False,
)
cart_lines = sa.Table(
    "cart_lines",
    metadata,
    column("id", Text, primary_key=True),
    column("cart_id", Text),
    column("position", sa.Integer),
    column("listing_id", Text),  # of the cart's channel: so merges and splits move nothing
    column("title", Text),
    column("quantity", Count),
    optional("unit_price", Count),  # when it was looked at last; null: it cannot be had
    sa.Index("ix_cart_lines_cart", "cart_id", "position"),
    sqlite_with_rowid=False,
)
cart_changes = sa.Table(  # what happened to a cart without its owner's doing
    "cart_changes",
    metadata,
    column("cart_id", Text, primary_key=True),
    column("version", Count, primary_key=True),
    column("number", sa.Integer, primary_key=True),
    column("kind", Text),
    optional("line_id", Text),
    column("title", Text),
    optional("price_before", Count),
    optional("price_after", Count),
    optional("quantity_before", Count),
    optional("quantity_after", Count),
    sqlite_with_rowid=False,
)

# ------------------------------------------------------------------------------------------------ callers

idempotency = sa.Table(  # what was wished for under which key, and what became of it
    "idempotency",
    metadata,
    column("principal", Text, primary_key=True),
    column("key", Text, primary_key=True),
    column("fingerprint", Text),
    column("run", Text),  # the attempt that it belongs to
    optional("answer", Text),  # JSON; null: under way
    column("until", Instant),  # after which an attempt that is under way was killed
    column("expires_at", Instant),
    sa.Index("ix_idempotency_expires", "expires_at"),
    sqlite_with_rowid=False,
)
rankings = sa.Table(  # what was found, in order, for those who read on (rule T3)
    "rankings",
    metadata,
    column("id", Text, primary_key=True),
    column("fingerprint", Text),
    column("ids", Text),  # JSON
    column("created_at", Instant),
    sa.Index("ix_rankings_search", "fingerprint", "created_at"),
    sa.Index("ix_rankings_created", "created_at"),
)

# ------------------------------------------------------------------------------------------------ documents

documents = sa.Table(  # GraphQL texts that shipped apps send by their ids
    "documents",
    metadata,
    column("id", Text, primary_key=True),  # sha256:…, of the text
    column("text", Text),
    optional("first_used_at", Instant),
    optional("last_used_at", Instant),
    column("uses", Count, default=0),
    sqlite_with_rowid=False,
)
document_names = sa.Table(  # what else documents are asked for by
    "document_names",
    metadata,
    column("name", Text, primary_key=True),
    column("document_id", Text),
    sa.Index("ix_document_names_document", "document_id"),
    sqlite_with_rowid=False,
)
app_versions = sa.Table(  # whose documents are kept until somebody retires it
    "app_versions",
    metadata,
    column("app", Text, primary_key=True),
    column("version", Text, primary_key=True),
    optional("owner", Text),
    column("pushed_at", Instant),
    sqlite_with_rowid=False,
)
app_documents = sa.Table(  # what a version holds
    "app_documents",
    metadata,
    column("app", Text, primary_key=True),
    column("version", Text, primary_key=True),
    column("name", Text, primary_key=True),  # as the version asks for it
    column("document_id", Text),
    sa.Index("ix_app_documents_document", "document_id"),
    sqlite_with_rowid=False,
)
