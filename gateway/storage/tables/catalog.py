"""Tables of the catalog: products, variants, listings, their matching, and search."""

from __future__ import annotations

import sqlalchemy as sa

from gateway.storage.tables.base import Count, Instant, Text, column, metadata, optional_column

categories = sa.Table(
    "categories",
    metadata,
    column("id", Text, primary_key=True),
    column("path", Text, unique=True),  # case-folded titles from the root, joined by U+001F
    column("handle", Text, unique=True),
    column("title", Text),
    optional_column("parent_id", Text),
    column("sort_title", Text),
    column("used", sa.Boolean, server_default=sa.true()),  # a product is or was in it or below it
    sa.Index("ix_categories_parent", "parent_id", "sort_title", "id"),
)
category_channels = sa.Table(  # channels that sell in a category or below it, or have sold: rows are never deleted
    "category_channels",
    metadata,
    column("category_id", Text, primary_key=True),
    column("channel", Text, primary_key=True),
)
category_path_channels = sa.Table(  # channels with this path that do not sell in it: ids stay known (H1)
    "category_path_channels",
    metadata,
    column("category_id", Text, primary_key=True),
    column("channel", Text, primary_key=True),
    sqlite_with_rowid=False,
)
channel_products = sa.Table(  # a product as listed by one channel
    "channel_products",
    metadata,
    column("id", Text, primary_key=True),  # = sources.id; also that of a product named after it (rule H1)
    column("channel", Text),
    column("external_id", Text),
    column("grouped", sa.Boolean),
    column("title", Text),
    column("description", Text),
    optional_column("brand", Text),
    column("tags", Text),  # JSON
    column("status", Text),
    column("images", Text),  # JSON
    column("category", Text),  # JSON list of titles
    optional_column("created_at", Instant),
    column("gone", sa.Boolean),
    optional_column("media", Text),  # JSON; null: only the images
    optional_column("locale", Text),  # of title, description, html and the texts for search engines
    optional_column("html", Text),  # sanitized
    optional_column("seo_title", Text),
    optional_column("seo_description", Text),
    optional_column("texts_digest", Text),  # of the columns above and the translations; null: there are none
    optional_column("attributes", Text),  # JSON {key: [value, …]}
    optional_column("handle", Text),  # the channel's own
    optional_column("rating", sa.Integer),  # average in hundredths of a star
    optional_column("rating_count", sa.Integer),
    column("first_seen_at", Instant, server_default="0"),
    sa.UniqueConstraint("channel", "external_id"),
    sa.Index(
        "ix_channel_products_handle",
        "handle",
        sqlite_where=sa.text("handle IS NOT NULL"),
        postgresql_where=sa.text("handle IS NOT NULL"),
    ),
)
product_texts = sa.Table(  # texts of channel products in further locales
    "product_texts",
    metadata,
    column("channel_product_id", Text, primary_key=True),
    column("locale", Text, primary_key=True),
    column("title", Text),
    column("description", Text),
    optional_column("html", Text),  # sanitized
    optional_column("seo_title", Text),
    optional_column("seo_description", Text),
)
listings = sa.Table(  # a variant as listed by one channel, one row per generation (rules S5, I2)
    "listings",
    metadata,
    column("id", Text, primary_key=True),
    column("channel", Text),
    column("external_id", Text),
    column("generation", sa.Integer),
    column("current", sa.Boolean),  # False: the channel has since reused the id for another item
    column("gone", sa.Boolean),
    column("channel_product_id", Text),
    column("position", sa.Integer),  # within the channel product
    column("variant_id", Text),  # the id of the oldest listing of the same variant
    column("product_id", Text),
    optional_column("matched_by", Text),
    optional_column("sku", Text),
    optional_column("sku_key", Text),
    optional_column("gtin", Text),
    optional_column("match_key", Text),  # the key of the matching policy
    column("condition", Text),
    column("title", Text),
    column("options", Text),  # JSON [[name, value], …]
    optional_column("option_texts", Text),  # JSON [[labels, labels of the value, color, image], …], as `options`
    optional_column("image", Text),  # JSON
    column("unit_of_measure", Text),
    optional_column("price", Count),
    optional_column("price_micros", Count),  # the exact price in millionths, if it has more digits than the currency
    optional_column("compare_at_price", Count),
    optional_column("currency", Text),
    column("price_includes_tax", sa.Boolean),
    column("units_per_listing", sa.Integer),
    column("tracked", sa.Boolean),
    column("inventory_item", Text),
    column("status", Text),
    optional_column("url", Text),
    optional_column("note", Text),
    column("updated_at", Instant, server_default="0"),
    optional_column("media", Text),  # JSON; null: only the image
    optional_column("attributes", Text),  # JSON {key: [value, …]}
    optional_column("prices", Text),  # in other currencies: JSON [[currency, minor, micros, compare at, since], …]
    optional_column("price_since", Instant),  # price, compare_at_price and currency are known since then (rule H4)
    optional_column("net_content", Text),  # JSON [value, unit, value, unit]: what a unit contains, and the price's base
    column("first_seen_at", Instant, server_default="0"),  # orders listings by age; ids do not (rule H1)
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
    sa.Index("ix_listings_first_seen", "first_seen_at", "id"),
    sa.Index(
        "ix_listings_unmatched",
        "matched_by",
        "id",
        sqlite_where=sa.text("matched_by IS NULL"),
        postgresql_where=sa.text("matched_by IS NULL"),
    ),
)
links = sa.Table(  # operators' matching decisions (rule I1), by external id, so that they outlive generations
    "links",
    metadata,
    column("channel", Text, primary_key=True),
    column("external_id", Text, primary_key=True),
    optional_column("to_channel", Text),  # null: matched with no other listing
    optional_column("to_external_id", Text),
    optional_column("units_per_listing", sa.Integer),
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
    optional_column("brand", Text),
    optional_column("category_id", Text),
    column("tags", Text),  # JSON
    column("status", Text),
    column("images", Text),  # JSON
    column("options", Text),  # JSON [[name, [value, …]], …]
    optional_column("option_texts", Text),  # JSON {name: [labels, {value: [labels, color, image]}]}
    column("visible", sa.Boolean),  # at least one channel lists it
    column("sort_title", Text),
    column("words", Text),  # of `words`, which earlier versions search; this one leaves both as they are (rule L6)
    column("created_at", Instant),
    column("updated_at", Instant),
    optional_column("media", Text),  # JSON; null: only the images
    optional_column("media_channel", Text),  # provides images and media
    optional_column("texts_digest", Text),  # of those of its channel products: the version increases with it
    optional_column("attributes", Text),  # JSON {key: [value, …]}
    optional_column("handle_claim", Text),  # the channel's handle, which another product may have (rule H2)
    optional_column("handle_channel", Text),  # gave the handle
    optional_column("handle_external_id", Text),  # of the channel product that gave it
    optional_column("rating", sa.Integer),  # average over all channels, in hundredths of a star
    optional_column("rating_count", sa.Integer),
    optional_column("search_index", Text),  # its rows of `product_words`: word:rank, sorted, separated by spaces
    column("first_seen_at", Instant, server_default="0"),  # orders products by age; ids do not (rule H1)
    optional_column("field_sources", Text),  # which channel wrote a field: JSON [[field, attribute, channel], …]
    sa.Index(
        "ix_products_handle_claim",
        "handle_claim",
        sqlite_where=sa.text("handle_claim IS NOT NULL"),
        postgresql_where=sa.text("handle_claim IS NOT NULL"),
    ),
    sa.Index("ix_products_title", "sort_title", "id"),
    sa.Index("ix_products_rating", "rating", "id"),
    sa.Index("ix_products_created", "created_at", "id"),
    sa.Index("ix_products_updated", "updated_at", "id"),
    sa.Index("ix_products_category", "category_id"),
    sa.Index("ix_products_brand", "brand"),
    sa.Index("ix_products_similar", "category_id", "brand", "id"),
    sa.Index("ix_products_same_category", "category_id", "id"),
)
product_attributes = sa.Table(  # values of a product and its variants, of attributes by which products are filtered
    "product_attributes",
    metadata,
    column("product_id", Text, primary_key=True),
    column("key", Text, primary_key=True),
    column("value", Text, primary_key=True),
    optional_column("micros", Count),  # the number in millionths
    sa.Index("ix_product_attributes_value", "key", "value", "product_id"),
    sa.Index("ix_product_attributes_number", "key", "micros", "product_id"),
    sqlite_with_rowid=False,
)
product_tags = sa.Table(
    "product_tags",
    metadata,
    column("product_id", Text, primary_key=True),
    column("tag", Text, primary_key=True),
    sa.Index("ix_product_tags_tag", "tag"),
    sqlite_with_rowid=False,
)
offers = sa.Table(  # a product in one channel: whether it is listed there, and its price range
    "offers",
    metadata,
    column("product_id", Text, primary_key=True),
    column("channel", Text, primary_key=True),
    optional_column("price_min", Count),
    optional_column("price_max", Count),
    optional_column("currency", Text),  # null if its listings have no or several currencies
    column("discount", sa.Integer, server_default="0"),  # the largest, in hundredths of a percent; 0: not reduced
    sa.Index("ix_offers_price", "channel", "price_min", "product_id"),
    sa.Index("ix_offers_discount", "channel", "discount", "product_id"),
    sqlite_with_rowid=False,
)
sold_units = sa.Table(  # of the last 30 days, counted every hour; an empty channel: all channels together
    "sold_units",
    metadata,
    column("product_id", Text, primary_key=True),
    column("channel", Text, primary_key=True),
    column("units", Count),
    sa.Index("ix_sold_units_channel", "channel", "units", "product_id"),
    sqlite_with_rowid=False,
)
price_history = sa.Table(  # former prices of listings (rule H4); the present one is in `listings`
    "price_history",
    metadata,
    column("listing_id", Text, primary_key=True),
    column("currency", Text, primary_key=True),
    column("seen_from", Instant, primary_key=True),
    column("seen_until", Instant),  # the price was last confirmed then
    column("price", Count),
    optional_column("compare_at_price", Count),
    sa.Index("ix_price_history_until", "seen_until"),
    sqlite_with_rowid=False,
)
channel_currencies = sa.Table(  # in which a channel has or had prices: rows are never deleted
    "channel_currencies",
    metadata,
    column("channel", Text, primary_key=True),
    column("currency", Text, primary_key=True),
    sqlite_with_rowid=False,
)
variants = sa.Table(
    "variants",
    metadata,
    column("id", Text, primary_key=True),
    column("product_id", Text),
    column("version", Count),
    column("position", sa.Integer),  # within its product
    optional_column("sku", Text),
    optional_column("gtin", Text),
    column("title", Text),
    optional_column("image", Text),  # JSON
    column("options", Text),  # JSON [[name, value], …]
    optional_column("option_texts", Text),  # JSON [[labels, labels of the value, color, image], …], as `options`
    column("unit_of_measure", Text),
    column("visible", sa.Boolean),
    column("updated_at", Instant),
    optional_column("media", Text),  # JSON; null: only the image
    optional_column("media_channel", Text),  # provides image and media
    optional_column("attributes", Text),  # JSON {key: [value, …]}
    sa.Index("ix_variants_product", "product_id", "position", "id"),
    sa.Index("ix_variants_updated", "updated_at", "id"),
    sa.Index("ix_variants_sku", "sku"),
    sa.Index("ix_variants_gtin", "gtin"),
)
former_handles = sa.Table(  # handles that products had, for links that still exist (rule H2); rows are never deleted
    "former_handles",
    metadata,
    column("handle", Text, primary_key=True),
    column("product_id", Text, primary_key=True),
    column("replaced_at", Instant),
    sqlite_with_rowid=False,
)
id_namespaces = sa.Table(  # from which derived ids of a channel's records are made (rule H1): rows are never deleted
    "id_namespaces", metadata, column("channel", Text, primary_key=True), column("namespace", Text, unique=True)
)
redirects = sa.Table(  # products with generated ids that were merged; derived ids lead to their records (rule H1)
    "redirects", metadata, column("old_id", Text, primary_key=True), column("new_id", Text)
)
product_words = sa.Table(  # search index of products (rules T2, T4): of each word the best products come first
    "product_words",
    metadata,
    column("word", Text, primary_key=True),
    column("rank", sa.Integer, primary_key=True),  # 0 to 999: how much the product is about the word, 0 most
    column("product_id", Text, primary_key=True),
    sqlite_with_rowid=False,
)
word_edits = sa.Table(  # words of products, and what is left of each without one letter (rule T5)
    "word_edits",
    metadata,
    column("edit", Text, primary_key=True),  # the word, or without one of its letters
    column("word", Text, primary_key=True),
    sqlite_with_rowid=False,
)
words = sa.Table(  # search index (rule T2), split alike on both databases; the subject's row lists its words
    "words",
    metadata,
    column("kind", Text, primary_key=True),  # customer, order; earlier versions: product
    column("word", Text, primary_key=True),
    column("subject_id", Text, primary_key=True),
    sqlite_with_rowid=False,
)
rankings = sa.Table(  # frozen search results, in order, for later pages (rule T3)
    "rankings",
    metadata,
    column("id", Text, primary_key=True),
    column("fingerprint", Text),
    column("ids", Text),  # JSON
    column("created_at", Instant),
    sa.Index("ix_rankings_search", "fingerprint", "created_at"),
    sa.Index("ix_rankings_created", "created_at"),
)
