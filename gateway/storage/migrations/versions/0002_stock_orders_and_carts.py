"""Add tables of reservations, orders and carts."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger()


def upgrade() -> None:
    op.create_table(
        "cart_changes",
        sa.Column("cart_id", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("line_id", TEXT, nullable=True),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("price_before", sa.BigInteger(), nullable=True),
        sa.Column("price_after", sa.BigInteger(), nullable=True),
        sa.Column("quantity_before", sa.BigInteger(), nullable=True),
        sa.Column("quantity_after", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("cart_id", "version", "number", name=op.f("pk_cart_changes")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cart_lines",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("cart_id", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("listing_id", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cart_lines")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_cart_lines_cart", "cart_lines", ["cart_id", "position"], unique=False)
    op.create_table(
        "carts",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("rotation", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("customer_id", TEXT, nullable=True),
        sa.Column("order_id", TEXT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carts")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_carts_customer", "carts", ["customer_id", "updated_at"], unique=False)
    op.create_index(
        "ix_carts_expiring",
        "carts",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("status = 'ACTIVE'"),
        postgresql_where=sa.text("status = 'ACTIVE'"),
    )
    op.create_table(
        "channel_orders",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("order_id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("location", TEXT, nullable=False),
        sa.Column("client_reference", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fault_code", TEXT, nullable=True),
        sa.Column("fault_message", TEXT, nullable=True),
        sa.Column("fault_retryable", sa.Boolean(), nullable=True),
        sa.Column("fault_at", INSTANT, nullable=True),
        sa.Column("lines", TEXT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_orders")),
        sa.UniqueConstraint("channel", "external_id", name=op.f("uq_channel_orders_channel_external_id")),
        sa.UniqueConstraint("client_reference", name=op.f("uq_channel_orders_client_reference")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_channel_orders_order", "channel_orders", ["order_id", "id"], unique=False)
    op.create_table(
        "fulfillments",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("order_id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("channel_order_id", TEXT, nullable=True),
        sa.Column("method", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("location", TEXT, nullable=False),
        sa.Column("transfer_from", TEXT, nullable=True),
        sa.Column("lines", TEXT, nullable=False),
        sa.Column("tracking", TEXT, nullable=False),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("closed_until", INSTANT, nullable=True),
        sa.Column("ready_at", INSTANT, nullable=True),
        sa.Column("collect_by", INSTANT, nullable=True),
        sa.Column("shipped_at", INSTANT, nullable=True),
        sa.Column("estimated_delivery_at", INSTANT, nullable=True),
        sa.Column("delivered_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fulfillments")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_fulfillments_location", "fulfillments", ["location", "status", "created_at"], unique=False)
    op.create_index("ix_fulfillments_order", "fulfillments", ["order_id", "id"], unique=False)
    op.create_table(
        "order_events",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("order_id", TEXT, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=True),
        sa.Column("location", TEXT, nullable=True),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_events")),
        sa.UniqueConstraint("order_id", "number", name=op.f("uq_order_events_order_id_number")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "order_tasks",
        sa.Column("order_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("order_id", "kind", name=op.f("pk_order_tasks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outbox",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("operation", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("payload", TEXT, nullable=False),
        sa.Column("about", TEXT, nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("not_after", INSTANT, nullable=True),
        sa.Column("sender", TEXT, nullable=True),
        sa.Column("ticket", TEXT, nullable=True),
        sa.Column("fault_code", TEXT, nullable=True),
        sa.Column("fault_message", TEXT, nullable=True),
        sa.Column("fault_retryable", sa.Boolean(), nullable=True),
        sa.Column("fault_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_about", "outbox", ["about"], unique=False)
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["channel", "due_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('QUEUED', 'SENDING')"),
        postgresql_where=sa.text("state IN ('QUEUED', 'SENDING')"),
    )
    op.create_index("ix_outbox_state", "outbox", ["state", "id"], unique=False)
    op.create_index(
        "ix_outbox_subject",
        "outbox",
        ["channel", "subject", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('QUEUED', 'SENDING')"),
        postgresql_where=sa.text("state IN ('QUEUED', 'SENDING')"),
    )
    op.create_table(
        "payments",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("order_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("provider", TEXT, nullable=True),
        sa.Column("reference", TEXT, nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_payments_order", "payments", ["order_id", "id"], unique=False)
    op.create_table(
        "pushes",
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("listing_id", TEXT, nullable=False),
        sa.Column("place", TEXT, nullable=False),
        sa.Column("location", TEXT, nullable=False),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("wanted", sa.BigInteger(), nullable=True),
        sa.Column("sent", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("confirmed", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("command", TEXT, nullable=True),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("queued_at", INSTANT, nullable=True),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("fault_code", TEXT, nullable=True),
        sa.Column("fault_message", TEXT, nullable=True),
        sa.Column("fault_retryable", sa.Boolean(), nullable=True),
        sa.Column("fault_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("channel", "listing_id", "place", name=op.f("pk_pushes")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_pushes_command", "pushes", ["command"], unique=False)
    op.create_index(
        "ix_pushes_dirty",
        "pushes",
        ["channel"],
        unique=False,
        sqlite_where=sa.text("dirty"),
        postgresql_where=sa.text("dirty"),
    )
    op.create_index("ix_pushes_listing", "pushes", ["listing_id"], unique=False)
    op.create_table(
        "reservations",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("item", TEXT, nullable=False),
        sa.Column("place", TEXT, nullable=False),
        sa.Column("location", TEXT, nullable=False),
        sa.Column("listing_id", TEXT, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("order_channel", TEXT, nullable=True),
        sa.Column("order_ref", TEXT, nullable=True),
        sa.Column("line_ref", TEXT, nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("command", TEXT, nullable=True),
        sa.Column("follows", TEXT, nullable=True),
        sa.Column("acknowledged_count", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", INSTANT, nullable=True),
        sa.Column("ask_at", INSTANT, nullable=True),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
        sa.UniqueConstraint(
            "order_channel",
            "order_ref",
            "line_ref",
            "turn",
            name=op.f("uq_reservations_order_channel_order_ref_line_ref_turn"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_reservations_asking",
        "reservations",
        ["ask_at"],
        unique=False,
        sqlite_where=sa.text("ask_at IS NOT NULL"),
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    )
    op.create_index("ix_reservations_command", "reservations", ["command"], unique=False)
    op.create_index("ix_reservations_counter", "reservations", ["channel", "item", "place", "created_at"], unique=False)
    op.create_index(
        "ix_reservations_expiring",
        "reservations",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("state = 'HELD'"),
        postgresql_where=sa.text("state = 'HELD'"),
    )
    op.create_index("ix_reservations_follows", "reservations", ["follows"], unique=False)
    op.create_index(
        "ix_reservations_open",
        "reservations",
        ["channel", "item", "place"],
        unique=False,
        sqlite_where=sa.text("state IN ('HELD', 'COMMITTED')"),
        postgresql_where=sa.text("state IN ('HELD', 'COMMITTED')"),
    )
    op.add_column("channels", sa.Column("armed_at", INSTANT, nullable=True))
    op.add_column("channels", sa.Column("push_fault", TEXT, nullable=True))
    op.add_column("listings", sa.Column("updated_at", INSTANT, server_default="0", nullable=False))
    op.add_column("order_lines", sa.Column("place", TEXT, nullable=True))
    op.add_column("orders", sa.Column("customer_channel", TEXT, nullable=True))
    op.add_column("orders", sa.Column("attached_to", TEXT, nullable=True))
    op.add_column("orders", sa.Column("followed", sa.Boolean(), nullable=True))
    op.add_column("orders", sa.Column("unplaced", sa.Boolean(), nullable=True))
    op.drop_index(op.f("ix_orders_customer"), table_name="orders")
    op.create_index("ix_orders_attached", "orders", ["attached_to"], unique=False)
    op.create_index("ix_orders_buyer", "orders", ["customer_channel", "customer", "placed_at"], unique=False)
    op.create_index(
        "ix_orders_unplaced",
        "orders",
        ["channel"],
        unique=False,
        sqlite_where=sa.text("unplaced"),
        postgresql_where=sa.text("unplaced"),
    )
    op.execute("UPDATE orders SET customer_channel = channel WHERE customer IS NOT NULL")
