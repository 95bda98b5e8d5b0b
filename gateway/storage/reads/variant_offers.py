"""Offers: what each variant costs in channels and currencies, and what it cost before (rules H3, H4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.catalog import ListingStatus
from gateway.model.money import Money
from gateway.model.offers import Offer
from gateway.storage.reads.catalog import LIVE
from gateway.storage.sql.bulk import AnyRow, BulkSelect
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.sql.price_json import StoredPrice, load_net_content, load_prices
from gateway.storage.tables import channel_currencies, listings, price_history
from gateway.storage.writes.price_history import PriceSpan

OfferKey = tuple[str, str, str | None]
"""Row ID of the variant, key of the channel, and currency (None: any)."""

_offered = (
    sa.select(
        listings.c.id,
        listings.c.product_id,
        listings.c.variant_id,
        listings.c.channel,
        listings.c.price,
        listings.c.compare_at_price,
        listings.c.currency,
        listings.c.price_includes_tax,
        listings.c.prices,
        listings.c.price_since,
        listings.c.net_content,
        listings.c.url,
    )
    .where(LIVE, skip_index(listings.c.channel).in_(sa.bindparam("channels", expanding=True)))
    .where(listings.c.status == ListingStatus.ACTIVE.value)
    .order_by(listings.c.first_seen_at, listings.c.id)
)
_by_variant, _by_product = BulkSelect(_offered, listings.c.variant_id), BulkSelect(_offered, listings.c.product_id)
_spans = BulkSelect(
    sa.select(*(price_history.c[name] for name in PriceSpan._fields)).order_by(price_history.c.seen_from),
    price_history.c.listing_id,
)


def find_offers(conn: Connection, keys: Collection[OfferKey]) -> Mapping[OfferKey, Offer]:
    """Find the offers with these keys: of several listings with a price, that of the oldest (rule K9)."""
    rows = _by_variant.select(conn, {key[0] for key in keys}, channels=sorted({key[1] for key in keys}))
    listed: dict[tuple[str, str], list[AnyRow]] = {}
    for row in rows:
        listed.setdefault((row.variant_id, row.channel), []).append(row)
    return {key: _select_offer(key, listed.get(key[:2], ())) for key in keys}


def find_offers_of_products(conn: Connection, keys: Collection[OfferKey]) -> Mapping[OfferKey, Sequence[Offer]]:
    """Find the offers of the variants of products, by the product's ID, the channel and the currency."""
    rows = _by_product.select(conn, {key[0] for key in keys}, channels=sorted({key[1] for key in keys}))
    listed: dict[tuple[str, str], dict[str, list[AnyRow]]] = {}
    for row in rows:
        listed.setdefault((row.product_id, row.channel), {}).setdefault(row.variant_id, []).append(row)
    return {
        key: [_select_offer((id_, *key[1:]), group) for id_, group in listed.get(key[:2], {}).items()] for key in keys
    }


def _select_offer(key: OfferKey, rows: Iterable[AnyRow]) -> Offer:
    """Select the listing that has a price in the currency, or else any."""
    variant_id, channel, currency = key
    offer = Offer(variant_id=variant_id, channel_key=channel, currency_code=currency)
    for row in rows:
        price = _select_price(row, currency)
        if price is not None:
            return _build_offer(offer, row, price)
        if offer.listing_id is None:
            offer = _build_offer(offer, row, None)
    return offer


def _select_price(row: AnyRow, currency: str | None) -> StoredPrice | None:
    if row.price is not None and row.currency is not None and currency in (None, row.currency):
        return StoredPrice(row.currency, row.price, None, row.compare_at_price, row.price_since)
    return None if row.prices is None or currency is None else load_prices(row.prices).get(currency)


def _build_offer(offer: Offer, row: AnyRow, price: StoredPrice | None) -> Offer:
    before = None if price is None else price.compare_at_price
    return Offer(
        variant_id=offer.variant_id,
        channel_key=offer.channel_key,
        currency_code=offer.currency_code,
        listing_id=row.id,
        price=None if price is None else Money(price.price, price.currency),
        compare_at_price=None if price is None or before is None else Money(before, price.currency),
        price_includes_tax=None if price is None else row.price_includes_tax,
        price_since=None if price is None else price.since,
        net_content=None if row.net_content is None else load_net_content(row.net_content),
        url=row.url,
    )


def find_former_prices(conn: Connection, listing_ids: Collection[str]) -> Mapping[tuple[str, str], Sequence[PriceSpan]]:
    """Find the former prices of listings, by listing and currency, oldest first."""
    spans: dict[tuple[str, str], list[PriceSpan]] = {}
    for row in _spans.select(conn, listing_ids):
        spans.setdefault((row.listing_id, row.currency), []).append(PriceSpan(*row))
    return spans


def find_currencies(conn: Connection, channels: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Find the currencies in which channels have or had prices."""
    statement = sa.select(channel_currencies).where(channel_currencies.c.channel.in_(sorted(channels)))
    found: dict[str, list[str]] = {}
    for row in conn.execute(statement.order_by(channel_currencies.c.currency)):
        found.setdefault(row.channel, []).append(row.currency)
    return found
