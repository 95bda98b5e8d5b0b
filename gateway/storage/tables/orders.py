"""Tables of orders, fulfillments and payments."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Count, Instant, Text, column, metadata, optional_column

orders = sa.Table(
    "orders",
    metadata,
    column("id", Text, primary_key=True),  # = sources.id
    column("version", Count),
    column("channel", Text),
    column("external_id", Text),
    column("number", Text),
    optional_column("client_reference", Text),
    optional_column("place", Text),  # external location of the store where it was sold
    optional_column("customer", Text),  # customer id in the channel below; of an order of the gateway, in any channel
    optional_column("customer_channel", Text),
    optional_column("reverses", Text),  # the channel's id of the reversed order
    column("status", Text),
    column("fulfillment_status", Text),
    column("payment_status", Text),
    column("return_status", Text),
    optional_column("currency", Text),
    optional_column("subtotal", Count),
    optional_column("discount_total", Count),
    optional_column("tax_total", Count),
    optional_column("tax_included", sa.Boolean),
    column("tax_lines", Text),  # JSON [[title, rate, minor, currency], …]
    optional_column("shipping_total", Count),
    optional_column("other_charges", Text),  # JSON [[kind, title, minor, currency], …]; null: none
    optional_column("total", Count),
    optional_column("refunded_total", Count),
    optional_column("contact", Text),  # JSON
    optional_column("shipping_address", Text),  # JSON
    optional_column("billing_address", Text),  # JSON
    optional_column("stock_posted", sa.Boolean),
    optional_column("attached_to", Text),  # the order that this one is a copy of; excluded from all lists and totals
    optional_column("followed", sa.Boolean),  # sold since the channel is known: its stock is posted to other channels
    optional_column("unplaced", sa.Boolean),  # followed, and the stock source of some lines is not yet known
    column("words", Text),  # search words
    column("placed_at", Instant),
    optional_column("cancelled_at", Instant),
    optional_column("pay_by", Instant),  # canceled if unpaid then (rule U1); null: nothing waits for a payment
    optional_column("expired_at", Instant),  # when its payment deadline alone canceled it
    optional_column("test", sa.Boolean),  # placed for trial: in no list, total or stock unless asked for
    optional_column("withheld", sa.Boolean),  # its commands are held back until it is paid
    optional_column("client_key", Text),  # digests of who holds units without paying (rule U3); null: not counted
    optional_column("network_key", Text),
    column("updated_at", Instant),
    sa.UniqueConstraint("channel", "external_id"),
    sa.Index("ix_orders_attached", "attached_to"),
    sa.Index(
        "ix_orders_unplaced",
        "channel",
        sqlite_where=sa.text("unplaced = 1"),  # as a statement says it, or the index is not used
        postgresql_where=sa.text("unplaced"),
    ),
    *(
        sa.Index(
            f"ix_orders_{name}",
            name,
            sqlite_where=sa.text(f"{name} IS NOT NULL"),
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )
        for name in ("pay_by", "client_key", "network_key")
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
    optional_column("place", Text),  # external location of units that are not in `locations`; null: the order's
    optional_column("variant", Text),  # the channel's variant id, with its generation below
    column("generation", sa.Integer),
    column("title", Text),
    optional_column("sku", Text),
    optional_column("sku_key", Text),
    column("quantity", Count),
    optional_column("unit_price", Count),
    optional_column("unit_price_micros", Count),  # as in `listings`
    optional_column("total", Count),
    optional_column("currency", Text),
    column("fulfilled_quantity", Count),
    column("returned_quantity", Count),
    optional_column("restocked_quantity", Count),  # returned units that the channel sells again; null: none
    optional_column("locations", Text),  # JSON [[external location, quantity], …]; null: all are taken from `place`
    optional_column("discount", Count),  # of an order placed here: what is cut from its price, with tax; null: nothing
    optional_column("restocked_locations", Text),  # likewise; null: all are sold again where they were taken from
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
    column("client_reference", Text, unique=True),  # the key of the command that creates it in the channel
    optional_column("external_id", Text),
    column("state", Text),
    column("attempts", sa.Integer),
    optional_column("fault_code", Text),
    optional_column("fault_message", Text),
    optional_column("fault_retryable", sa.Boolean),
    optional_column("fault_at", Instant),
    column("lines", Text),  # JSON [[line id, quantity], …]
    optional_column("total", Count),  # as placed, in the order's currency; null: without prices
    optional_column("read_total", Count),  # as the channel showed it last; null: not yet
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
    optional_column("channel_order_id", Text),
    column("method", Text),
    column("status", Text),
    column("location", Text),
    optional_column("transfer_from", Text),
    column("lines", Text),  # JSON [[line id, quantity], …]
    column("tracking", Text),  # JSON [[carrier, number, url], …]
    column("wrong_codes", sa.Integer),  # consecutive
    column("code_rotation", sa.Integer, server_default="0"),  # each number has another pickup code
    optional_column("closed_until", Instant),  # collection codes are rejected until then
    optional_column("ready_at", Instant),
    optional_column("collect_by", Instant),
    optional_column("shipped_at", Instant),
    optional_column("estimated_delivery_at", Instant),
    optional_column("delivered_at", Instant),
    optional_column("identification", Text),  # how staff identified who collected it; personal data
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
    optional_column("provider", Text),
    optional_column("reference", Text),
    column("amount", Count),
    column("currency", Text),
    column("status", Text),
    column("channel", Text),
    column("occurred_at", Instant),
    optional_column("receipt", Text),  # provider and reference under which it was received, once only (rule U1)
    sa.Index("ix_payments_order", "order_id", "id"),
    sa.Index("ix_payments_receipt", "receipt", unique=True),
    sqlite_with_rowid=False,
)
order_events = sa.Table(
    "order_events",
    metadata,
    column("id", Text, primary_key=True),
    column("order_id", Text),
    column("number", sa.Integer),  # within the order: several events can happen in one millisecond
    column("kind", Text),
    optional_column("channel", Text),
    optional_column("location", Text),
    column("message", Text),
    column("occurred_at", Instant),
    optional_column("actor_kind", Text),  # null: the gateway itself, or a channel
    optional_column("actor_name", Text),
    optional_column("actor_token", Text),
    sa.UniqueConstraint("order_id", "number"),
    sqlite_with_rowid=False,
)
order_tasks = sa.Table(  # tasks for operators: Order.attention
    "order_tasks",
    metadata,
    column("order_id", Text, primary_key=True),
    column("kind", Text, primary_key=True),
    column("note", Text),
    column("opened_at", Instant),
    optional_column("due_at", Instant),
    sqlite_with_rowid=False,
)
