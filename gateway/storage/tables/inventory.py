"""Tables of inventory: stock counts and who counts them, reservations and movements, stock pushes."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Count, Instant, Text, column, metadata, optional_column

stock = sa.Table(  # what one channel counts of one inventory item at one external location (rule I4)
    "stock",
    metadata,
    column("id", Text, primary_key=True),  # = sources.id
    column("channel", Text),
    column("item", Text),
    column("place", Text),
    column("on_hand", Count),
    column("committed", Count),
    column("incoming", Count),
    column("held", Count, server_default="0"),  # units of reservations and open movements
    column("version", Count),
    column("known", sa.Boolean),  # False: the channel's last record was rejected, or the channel has none any more
    optional_column("counted_at", Instant),
    column("updated_at", Instant),
    sa.UniqueConstraint("channel", "item", "place"),
    sa.Index("ix_stock_place", "channel", "place", "id"),
    sa.Index("ix_stock_free", "channel", "place", sa.text("(on_hand - held - committed)")),
    sqlite_with_rowid=False,
)
location_authorities = sa.Table(  # who counts each location: as configured, once an operator has accepted it (rule G2)
    "location_authorities",
    metadata,
    column("location", Text, primary_key=True),
    column("channel", Text),
    column("place", Text, key="external_location"),  # in that channel
    column("accepted_at", Instant),
    sqlite_with_rowid=False,
)

reservations = sa.Table(  # claimed units of a counter: held, or sold and not yet counted (rules K2, K7)
    "reservations",
    metadata,
    column("id", Text, primary_key=True),
    column("channel", Text),  # the counter: the authority, its inventory item, its external location
    column("item", Text),
    column("place", Text),
    column("location", Text),
    column("listing_id", Text),  # the listing by which the variant was resolved
    column("quantity", Count),  # negative: units that come back, which count once the authority shows them
    column("state", Text),
    column("reason", Text),
    column("owner", Text),  # the principal that holds them; empty for a movement
    optional_column("order_channel", Text),  # what was sold: one movement per turn of an order line (rule K2)
    optional_column("order_ref", Text),
    optional_column("line_ref", Text),
    column("turn", sa.Integer, default=0),
    optional_column("command", Text),  # the outbox command that posts it to the authority; null: none is needed
    optional_column("follows", Text),  # the reservation that the units come from: posted when that one is acknowledged
    optional_column("acknowledged_count", Count),  # the observation counter and time of its acknowledgment
    optional_column("acknowledged_at", Instant),
    optional_column("ask_at", Instant),  # when to read the count again, because no count is proven to contain this yet
    optional_column("expires_at", Instant),
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

pushes = sa.Table(  # the quantity that a follower should offer of a listing (rules K5, K6)
    "pushes",
    metadata,
    column("channel", Text, primary_key=True),
    column("listing_id", Text, primary_key=True),
    column("place", Text, primary_key=True),
    column("location", Text),
    column("dirty", sa.Boolean),  # something has changed since the last evaluation
    column("state", Text),
    optional_column("wanted", Count),  # in listings, as of the last evaluation; null: unknown
    optional_column("sent", Count),  # the quantity sent to the channel, which it does not show yet
    optional_column("sent_at", Instant),
    optional_column("confirmed", Count),  # the quantity it showed when it last confirmed a push
    optional_column("confirmed_at", Instant),
    optional_column("command", Text),  # the outbox command in flight
    optional_column("due_at", Instant),  # not evaluated before
    column("failures", sa.Integer),
    optional_column("queued_at", Instant),
    optional_column("accepted_at", Instant),
    optional_column("fault_code", Text),
    optional_column("fault_message", Text),
    optional_column("fault_retryable", sa.Boolean),
    optional_column("fault_at", Instant),
    sa.Index(
        "ix_pushes_dirty",
        "channel",
        sqlite_where=sa.text("dirty = 1"),  # as a statement says it, or the index is not used
        postgresql_where=sa.text("dirty"),
    ),
    sa.Index(
        "ix_pushes_accepted",
        "channel",
        "accepted_at",
        sqlite_where=sa.text("sent IS NOT NULL"),
        postgresql_where=sa.text("sent IS NOT NULL"),
    ),
    sa.Index("ix_pushes_listing", "listing_id"),
    sa.Index("ix_pushes_command", "command"),
    sqlite_with_rowid=False,
)
