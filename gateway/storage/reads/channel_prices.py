"""Prices in one channel: of each variant, and of each variant of a product.

A channel's price of a variant is that of the listing that it sells: of several active ones with a price, the oldest
(rule K9).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.catalog import ListingStatus
from gateway.model.money import Money
from gateway.storage.reads.catalog import LIVE
from gateway.storage.sql.bulk import AnyRow, BulkSelect
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.tables import listings

MAX_AMOUNTS = 10_000
"""Amounts that are built once: to check one takes longer than to read it, and many prices are equal."""


@dataclass(frozen=True, slots=True)
class ChannelPrice:
    """The price of a variant in a channel."""

    price: Money
    compare_at_price: Money | None
    price_includes_tax: bool


_priced = (
    sa.select(
        listings.c.product_id,
        listings.c.variant_id,
        listings.c.channel,
        listings.c.price,
        listings.c.compare_at_price,
        listings.c.currency,
        listings.c.price_includes_tax,
    )
    .where(LIVE, skip_index(listings.c.channel).in_(sa.bindparam("channels", expanding=True)))
    .where(listings.c.status == ListingStatus.ACTIVE.value)
    .where(listings.c.price.is_not(None), listings.c.currency.is_not(None))
    .order_by(listings.c.first_seen_at, listings.c.id)
)
_by_variant, _by_product = BulkSelect(_priced, listings.c.variant_id), BulkSelect(_priced, listings.c.product_id)


def find_prices(
    conn: Connection, variant_ids: Collection[str], channels: Collection[str]
) -> Mapping[tuple[str, str], ChannelPrice]:
    """Find the price of each variant in each of these channels, by both."""
    prices: dict[tuple[str, str], ChannelPrice] = {}
    for row in _by_variant.select(conn, variant_ids, channels=sorted(channels)):
        if (row.variant_id, row.channel) not in prices:
            prices[row.variant_id, row.channel] = _read_price(row)
    return prices


def _read_price(row: AnyRow) -> ChannelPrice:
    before = None if row.compare_at_price is None else _read_amount(row.compare_at_price, row.currency)
    return ChannelPrice(_read_amount(row.price, row.currency), before, row.price_includes_tax)


_read_amount = lru_cache(MAX_AMOUNTS)(Money)


def find_prices_of_products(
    conn: Connection, product_ids: Collection[str], channel: str
) -> Mapping[str, Mapping[str, ChannelPrice]]:
    """Find the prices of each product's variants, by the ids of both."""
    prices: dict[str, dict[str, ChannelPrice]] = {}
    for row in _by_product.select(conn, product_ids, channels=[channel]):
        by_variant = prices.setdefault(row.product_id, {})
        if row.variant_id not in by_variant:
            by_variant[row.variant_id] = _read_price(row)
    return prices
