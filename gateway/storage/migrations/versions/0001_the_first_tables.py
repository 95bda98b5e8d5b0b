"""Create the first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger()


def upgrade() -> None:
    op.create_table(
        "budgets",
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("level", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("capacity", sa.Double(), nullable=False),
        sa.Column("per_second", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "name", name=op.f("pk_budgets")),
    )
    op.create_table(
        "categories",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("handle", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("parent_id", TEXT, nullable=True),
        sa.Column("sort_title", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("handle", name=op.f("uq_categories_handle")),
        sa.UniqueConstraint("path", name=op.f("uq_categories_path")),
    )
    op.create_index("ix_categories_parent", "categories", ["parent_id", "sort_title", "id"], unique=False)
    op.create_table(
        "changes",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subjects", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_changes_pos", "changes", ["pos"], unique=True)
    op.create_table(
        "channel_products",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("grouped", sa.Boolean(), nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("brand", TEXT, nullable=True),
        sa.Column("tags", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("images", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=True),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_products")),
        sa.UniqueConstraint("channel", "external_id", name=op.f("uq_channel_products_channel_external_id")),
    )
    op.create_table(
        "channels",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("first_synced_at", INSTANT, nullable=True),
        sa.Column("last_success_at", INSTANT, nullable=True),
        sa.Column("retry_at", INSTANT, nullable=True),
        sa.Column("fault_code", TEXT, nullable=True),
        sa.Column("fault_message", TEXT, nullable=True),
        sa.Column("fault_retryable", sa.Boolean(), nullable=True),
        sa.Column("fault_at", INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_channels")),
    )
    op.create_table(
        "contacts",
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("customer_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", "customer_id", name=op.f("pk_contacts")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_contacts_customer", "contacts", ["customer_id"], unique=False)
    op.create_table(
        "counters",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "customers",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("display_name", TEXT, nullable=True),
        sa.Column("given_name", TEXT, nullable=True),
        sa.Column("family_name", TEXT, nullable=True),
        sa.Column("emails", TEXT, nullable=False),
        sa.Column("phones", TEXT, nullable=False),
        sa.Column("addresses", TEXT, nullable=False),
        sa.Column("tags", TEXT, nullable=False),
        sa.Column("visible", sa.Boolean(), nullable=False),
        sa.Column("sort_name", TEXT, nullable=False),
        sa.Column("words", TEXT, nullable=False),
        sa.Column("last_order_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
    )
    op.create_index("ix_customers_created", "customers", ["created_at", "id"], unique=False)
    op.create_index("ix_customers_last_order", "customers", ["last_order_at", "id"], unique=False)
    op.create_index("ix_customers_name", "customers", ["sort_name", "id"], unique=False)
    op.create_index("ix_customers_updated", "customers", ["updated_at", "id"], unique=False)
    op.create_table(
        "facts",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_facts")),
    )
    op.create_table(
        "identities",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("loyalty_number", TEXT, nullable=True),
        sa.Column("merged_into", TEXT, nullable=True),
        sa.Column("evidence", TEXT, nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("linked_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        sa.UniqueConstraint("channel", "external_id", name=op.f("uq_identities_channel_external_id")),
    )
    op.create_index("ix_identities_customer", "identities", ["customer_id"], unique=False)
    op.create_index("ix_identities_loyalty", "identities", ["loyalty_number"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("principal", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("answer", TEXT, nullable=True),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("principal", "key", name=op.f("pk_idempotency")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_idempotency_expires", "idempotency", ["expires_at"], unique=False)
    op.create_table(
        "rankings",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("ids", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rankings")),
    )
    op.create_index("ix_rankings_created", "rankings", ["created_at"], unique=False)
    op.create_index("ix_rankings_search", "rankings", ["fingerprint", "created_at"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("delivery_id", TEXT, nullable=False),
        sa.Column("headers", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("processed_at", INSTANT, nullable=True),
        sa.Column("problem", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("channel", "delivery_id", name=op.f("uq_inbox_channel_delivery_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "leases",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("holder", TEXT, nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "links",
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("to_channel", TEXT, nullable=True),
        sa.Column("to_external_id", TEXT, nullable=True),
        sa.Column("units_per_listing", sa.Integer(), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("channel", "external_id", name=op.f("pk_links")),
    )
    op.create_index("ix_links_to", "links", ["to_channel", "to_external_id"], unique=False)
    op.create_table(
        "listings",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("channel_product_id", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("variant_id", TEXT, nullable=False),
        sa.Column("product_id", TEXT, nullable=False),
        sa.Column("matched_by", TEXT, nullable=True),
        sa.Column("sku", TEXT, nullable=True),
        sa.Column("sku_key", TEXT, nullable=True),
        sa.Column("gtin", TEXT, nullable=True),
        sa.Column("match_key", TEXT, nullable=True),
        sa.Column("condition", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("options", TEXT, nullable=False),
        sa.Column("image", TEXT, nullable=True),
        sa.Column("unit_of_measure", TEXT, nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("compare_at_price", sa.BigInteger(), nullable=True),
        sa.Column("currency", TEXT, nullable=True),
        sa.Column("price_includes_tax", sa.Boolean(), nullable=False),
        sa.Column("units_per_listing", sa.Integer(), nullable=False),
        sa.Column("tracked", sa.Boolean(), nullable=False),
        sa.Column("inventory_item", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=True),
        sa.Column("note", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
        sa.UniqueConstraint(
            "channel", "external_id", "generation", name=op.f("uq_listings_channel_external_id_generation")
        ),
    )
    op.create_index("ix_listings_channel_product", "listings", ["channel_product_id"], unique=False)
    op.create_index("ix_listings_gtin", "listings", ["gtin"], unique=False)
    op.create_index("ix_listings_item", "listings", ["channel", "inventory_item"], unique=False)
    op.create_index(
        "ix_listings_match_key",
        "listings",
        ["match_key"],
        unique=False,
        sqlite_where=sa.text("match_key IS NOT NULL"),
        postgresql_where=sa.text("match_key IS NOT NULL"),
    )
    op.create_index("ix_listings_product", "listings", ["product_id"], unique=False)
    op.create_index("ix_listings_sku_key", "listings", ["sku_key"], unique=False)
    op.create_index("ix_listings_variant", "listings", ["variant_id"], unique=False)
    op.create_table(
        "log_head",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_log_head")),
    )
    op.create_table(
        "log_readers",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.Column("read_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_log_readers")),
    )
    op.create_table(
        "match_reviews",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("listing_id", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("candidates", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_reviews")),
        sa.UniqueConstraint("listing_id", name=op.f("uq_match_reviews_listing_id")),
    )
    op.create_table(
        "offers",
        sa.Column("product_id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("price_min", sa.BigInteger(), nullable=True),
        sa.Column("price_max", sa.BigInteger(), nullable=True),
        sa.Column("currency", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("product_id", "channel", name=op.f("pk_offers")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_offers_price", "offers", ["channel", "price_min", "product_id"], unique=False)
    op.create_table(
        "order_lines",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("order_id", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("variant", TEXT, nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("sku", TEXT, nullable=True),
        sa.Column("sku_key", TEXT, nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("currency", TEXT, nullable=True),
        sa.Column("fulfilled_quantity", sa.BigInteger(), nullable=False),
        sa.Column("returned_quantity", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
        sa.UniqueConstraint("order_id", "external_id", name=op.f("uq_order_lines_order_id_external_id")),
    )
    op.create_index("ix_order_lines_order", "order_lines", ["order_id", "position", "id"], unique=False)
    op.create_index("ix_order_lines_sku", "order_lines", ["sku_key"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("client_reference", TEXT, nullable=True),
        sa.Column("place", TEXT, nullable=True),
        sa.Column("customer", TEXT, nullable=True),
        sa.Column("reverses", TEXT, nullable=True),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("fulfillment_status", TEXT, nullable=False),
        sa.Column("payment_status", TEXT, nullable=False),
        sa.Column("return_status", TEXT, nullable=False),
        sa.Column("currency", TEXT, nullable=True),
        sa.Column("subtotal", sa.BigInteger(), nullable=True),
        sa.Column("discount_total", sa.BigInteger(), nullable=True),
        sa.Column("tax_total", sa.BigInteger(), nullable=True),
        sa.Column("tax_included", sa.Boolean(), nullable=True),
        sa.Column("tax_lines", TEXT, nullable=False),
        sa.Column("shipping_total", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("refunded_total", sa.BigInteger(), nullable=True),
        sa.Column("contact", TEXT, nullable=True),
        sa.Column("shipping_address", TEXT, nullable=True),
        sa.Column("billing_address", TEXT, nullable=True),
        sa.Column("stock_posted", sa.Boolean(), nullable=True),
        sa.Column("words", TEXT, nullable=False),
        sa.Column("placed_at", INSTANT, nullable=False),
        sa.Column("cancelled_at", INSTANT, nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("channel", "external_id", name=op.f("uq_orders_channel_external_id")),
    )
    op.create_index("ix_orders_customer", "orders", ["channel", "customer", "placed_at"], unique=False)
    op.create_index("ix_orders_number", "orders", ["channel", "number"], unique=False)
    op.create_index("ix_orders_place", "orders", ["channel", "place", "placed_at"], unique=False)
    op.create_index("ix_orders_placed", "orders", ["placed_at", "id"], unique=False)
    op.create_index("ix_orders_reference", "orders", ["client_reference"], unique=False)
    op.create_index("ix_orders_total", "orders", ["currency", "total", "id"], unique=False)
    op.create_index("ix_orders_updated", "orders", ["updated_at", "id"], unique=False)
    op.create_table(
        "passes",
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("feed", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("resource", TEXT, nullable=False),
        sa.Column("mark", TEXT, nullable=True),
        sa.Column("token", TEXT, nullable=True),
        sa.Column("reached", TEXT, nullable=True),
        sa.Column("begin", sa.BigInteger(), nullable=True),
        sa.Column("begun_at", INSTANT, nullable=True),
        sa.Column("completed_at", INSTANT, nullable=True),
        sa.Column("complete_as_of", INSTANT, nullable=True),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.Column("accept_absent", sa.Boolean(), nullable=False),
        sa.Column("pages", sa.BigInteger(), nullable=False),
        sa.Column("fault_code", TEXT, nullable=True),
        sa.Column("fault_message", TEXT, nullable=True),
        sa.Column("fault_retryable", sa.Boolean(), nullable=True),
        sa.Column("fault_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("channel", "feed", "kind", name=op.f("pk_passes")),
    )
    op.create_table(
        "product_tags",
        sa.Column("product_id", TEXT, nullable=False),
        sa.Column("tag", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("product_id", "tag", name=op.f("pk_product_tags")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_product_tags_tag", "product_tags", ["tag"], unique=False)
    op.create_table(
        "products",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("handle", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("brand", TEXT, nullable=True),
        sa.Column("category_id", TEXT, nullable=True),
        sa.Column("tags", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("images", TEXT, nullable=False),
        sa.Column("options", TEXT, nullable=False),
        sa.Column("visible", sa.Boolean(), nullable=False),
        sa.Column("sort_title", TEXT, nullable=False),
        sa.Column("words", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("handle", name=op.f("uq_products_handle")),
    )
    op.create_index("ix_products_brand", "products", ["brand"], unique=False)
    op.create_index("ix_products_category", "products", ["category_id"], unique=False)
    op.create_index("ix_products_created", "products", ["created_at", "id"], unique=False)
    op.create_index("ix_products_title", "products", ["sort_title", "id"], unique=False)
    op.create_index("ix_products_updated", "products", ["updated_at", "id"], unique=False)
    op.create_table(
        "redirects",
        sa.Column("old_id", TEXT, nullable=False),
        sa.Column("new_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("old_id", name=op.f("pk_redirects")),
    )
    op.create_table(
        "rejects",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("resource", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("feed", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("field", TEXT, nullable=True),
        sa.Column("payload", TEXT, nullable=True),
        sa.Column("rejected_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejects")),
        sa.UniqueConstraint("channel", "resource", "external_id", name=op.f("uq_rejects_channel_resource_external_id")),
    )
    op.create_table(
        "sources",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("resource", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("feed", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("digest", TEXT, nullable=True),
        sa.Column("begin", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("dirty_at", sa.BigInteger(), nullable=True),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("rejected", sa.Boolean(), nullable=False),
        sa.Column("absent_at", sa.BigInteger(), nullable=True),
        sa.Column("observed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
        sa.UniqueConstraint("channel", "resource", "external_id", name=op.f("uq_sources_channel_resource_external_id")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_sources_dirty",
        "sources",
        ["channel", "feed", "dirty_at"],
        unique=False,
        sqlite_where=sa.text("dirty_at IS NOT NULL"),
        postgresql_where=sa.text("dirty_at IS NOT NULL"),
    )
    op.create_index("ix_sources_feed_end", "sources", ["channel", "feed", "end"], unique=False)
    op.create_table(
        "spendings",
        sa.Column("customer_id", TEXT, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "currency", name=op.f("pk_spendings")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_spendings_total", "spendings", ["currency", "total", "customer_id"], unique=False)
    op.create_table(
        "stock",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("item", TEXT, nullable=False),
        sa.Column("place", TEXT, nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("committed", sa.BigInteger(), nullable=False),
        sa.Column("incoming", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("counted_at", INSTANT, nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock")),
        sa.UniqueConstraint("channel", "item", "place", name=op.f("uq_stock_channel_item_place")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_stock_place", "stock", ["channel", "place", "id"], unique=False)
    op.create_table(
        "variants",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("product_id", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sku", TEXT, nullable=True),
        sa.Column("gtin", TEXT, nullable=True),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("image", TEXT, nullable=True),
        sa.Column("options", TEXT, nullable=False),
        sa.Column("unit_of_measure", TEXT, nullable=False),
        sa.Column("visible", sa.Boolean(), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variants")),
    )
    op.create_index("ix_variants_gtin", "variants", ["gtin"], unique=False)
    op.create_index("ix_variants_product", "variants", ["product_id", "position", "id"], unique=False)
    op.create_index("ix_variants_sku", "variants", ["sku"], unique=False)
    op.create_index("ix_variants_updated", "variants", ["updated_at", "id"], unique=False)
    op.create_table(
        "words",
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("word", TEXT, nullable=False),
        sa.Column("subject_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("kind", "word", "subject_id", name=op.f("pk_words")),
        sqlite_with_rowid=False,
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE observations")
        op.execute("SELECT nextval('observations')")
    op.execute("INSERT INTO counters (name, value) VALUES ('observations', 1)")
    op.execute("INSERT INTO log_head (one, pos) VALUES (1, 0)")
