"""Offered listings: one definition of which listing of a variant a channel sells (rule K9).

The catalog's fields and filters, carts and orders use it. Whether there is stock for the listing is in `stock_levels`.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from gateway.model.catalog import ListingStatus, ProductStatus
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.tables import Text, channel_products, listings

Parameter = sa.ColumnElement[str]


class SellingChannel(NamedTuple):
    """A channel that sells. `currency`: of its prices; None: it is not known, and any currency counts."""

    key: str
    currency: str | None


def is_for_sale(listing: sa.FromClause, channel: Parameter, currency: Parameter) -> sa.ColumnElement[bool]:
    """Build the condition that the listing and its channel's own product are active, and that it has a price.

    `currency`: null: in any currency.
    """
    product = channel_products.alias()
    same_product = sa.and_(product.c.id == listing.c.channel_product_id, product.c.status == ProductStatus.ACTIVE.value)
    return sa.and_(
        skip_index(listing.c.channel) == channel,
        listing.c.current,
        ~listing.c.gone,
        listing.c.status == ListingStatus.ACTIVE.value,
        listing.c.price.is_not(None),
        listing.c.currency == sa.func.coalesce(currency, listing.c.currency),
        sa.select(product.c.id).where(same_product).correlate(listing).exists(),
    )


def is_offered(listing: sa.FromClause, channel: SellingChannel) -> sa.ColumnElement[bool]:
    """Build the condition that the channel offers its variant as this listing: of several for sale, as the oldest."""
    key, currency = sa.literal(channel.key, Text), sa.literal(channel.currency, Text)
    older = listings.alias("older")
    is_first = sa.or_(
        older.c.first_seen_at < listing.c.first_seen_at,
        sa.and_(older.c.first_seen_at == listing.c.first_seen_at, older.c.id < listing.c.id),
    )
    is_older = sa.and_(older.c.variant_id == listing.c.variant_id, is_first)
    replaced = sa.select(older.c.id).where(is_older, is_for_sale(older, key, currency)).correlate(listing).exists()
    return sa.and_(is_for_sale(listing, key, currency), ~replaced)
