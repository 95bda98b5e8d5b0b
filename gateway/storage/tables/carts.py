"""Tables of carts."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Count, Instant, Text, column, metadata, optional_column

carts = sa.Table(
    "carts",
    metadata,
    column("id", Text, primary_key=True),
    column("rotation", sa.Integer),  # part of the signed cart token; incrementing it revokes the token
    column("version", Count),
    column("status", Text),
    column("channel", Text),
    column("currency", Text),
    optional_column("customer_id", Text),  # the home of the identity through which it was assigned (rule C1)
    optional_column("order_id", Text),
    column("created_at", Instant),
    column("expires_at", Instant),
    column("updated_at", Instant),
    optional_column("client_key", Text),  # digest of the network that created it without a token
    optional_column("loyalty_points", Count),  # to be redeemed; null: none
    optional_column("loyalty_home", Text),  # home of the shopper who redeems proved points; null: staff redeem any
    sa.Index("ix_carts_customer", "customer_id", "updated_at"),
    sa.Index(
        "ix_carts_client",
        "client_key",
        "created_at",
        sqlite_where=sa.text("client_key IS NOT NULL"),
        postgresql_where=sa.text("client_key IS NOT NULL"),
    ),
    sa.Index(
        "ix_carts_closed",
        "updated_at",
        sqlite_where=sa.text("status <> 'ACTIVE'"),
        postgresql_where=sa.text("status <> 'ACTIVE'"),
    ),
    sa.Index(
        "ix_carts_abandoned",
        "expires_at",
        sqlite_where=sa.text("status = 'EXPIRED' AND client_key IS NOT NULL"),
        postgresql_where=sa.text("status = 'EXPIRED' AND client_key IS NOT NULL"),
    ),
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
    column("listing_id", Text),  # a listing of the cart's channel, unaffected by merges and splits of variants
    column("title", Text),
    column("quantity", Count),
    optional_column("unit_price", Count),  # as of the last check; null: not available
    optional_column("unit_price_micros", Count),  # as in `listings`
    sa.Index("ix_cart_lines_cart", "cart_id", "position"),
    sqlite_with_rowid=False,
)
cart_changes = sa.Table(  # changes of a cart that its owner did not make
    "cart_changes",
    metadata,
    column("cart_id", Text, primary_key=True),
    column("version", Count, primary_key=True),
    column("number", sa.Integer, primary_key=True),
    column("kind", Text),
    optional_column("line_id", Text),
    column("title", Text),
    optional_column("price_before", Count),
    optional_column("price_after", Count),
    optional_column("quantity_before", Count),
    optional_column("quantity_after", Count),
    sqlite_with_rowid=False,
)
