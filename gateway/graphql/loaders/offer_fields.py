"""Loaders of what offers consist of beside their prices: availability, stock, and the prices before reductions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from gateway.commerce.catalog.lowest_price import compute_lowest_price
from gateway.execution.context import Context
from gateway.graphql.arguments import LocationKey
from gateway.graphql.loaders.catalog import load_listings
from gateway.graphql.loaders.stock import (
    get_counted_locations,
    get_selling_channel,
    list_selling_locations,
    load_stocks_by_variant,
)
from gateway.model.money import Money
from gateway.model.offers import Offer, ProductOffer
from gateway.model.stock import Stock
from gateway.storage.database import Connection
from gateway.storage.reads import stock_levels, variant_offers
from gateway.storage.reads.offered_listings import SellingChannel
from gateway.storage.reads.stock_levels import CountedLocation
from gateway.storage.writes.price_history import PriceSpan

FilterSellable: TypeAlias = Callable[
    [Connection, Sequence[str], SellingChannel, Sequence[CountedLocation]], Collection[str]
]


async def load_availability_by_offer(context: Context, offers: Sequence[Offer]) -> Sequence[bool]:
    """Load for each offer whether there is a price, and stock of the variant."""
    sellable = await _filter_sellable(
        context, [(offer.channel_key, offer.variant_id) for offer in offers], stock_levels.filter_sellable_variants
    )
    return [offer.price is not None and (offer.channel_key, offer.variant_id) in sellable for offer in offers]


async def load_availability_by_product_offer(context: Context, offers: Sequence[ProductOffer]) -> Sequence[bool]:
    """Load for each offer whether there is a price, and stock of a variant."""
    sellable = await _filter_sellable(
        context, [(offer.channel_key, offer.product_id) for offer in offers], stock_levels.filter_sellable_products
    )
    return [offer.price_range is not None and (offer.channel_key, offer.product_id) in sellable for offer in offers]


async def _filter_sellable(
    context: Context, pairs: Iterable[tuple[str, str]], filter_ids: FilterSellable
) -> Collection[tuple[str, str]]:
    """Return those of these channels with row IDs that the channel can sell now: one statement per channel."""
    by_channel: dict[str, list[str]] = {}
    for channel, id_ in pairs:
        by_channel.setdefault(channel, []).append(id_)
    sellable: set[tuple[str, str]] = set()
    for channel, ids in by_channel.items():
        locations = get_counted_locations(context, list_selling_locations(context, channel))
        found = await context.read(filter_ids, ids, get_selling_channel(context, channel), locations)
        sellable |= {(channel, id_) for id_ in found}
    return sellable


async def load_lowest_prices(context: Context, offers: Sequence[Offer]) -> Sequence[Money | None]:
    """Load the lowest price before each running reduction (rule H4)."""
    reduced = [offer.listing_id for offer in offers if offer.on_sale and offer.listing_id is not None]
    former = await context.read(variant_offers.find_former_prices, reduced) if reduced else {}
    return [_get_lowest(offer, former) for offer in offers]


def _get_lowest(offer: Offer, former: Mapping[tuple[str, str], Sequence[PriceSpan]]) -> Money | None:
    if offer.price is None or offer.listing_id is None:
        return None
    currency = offer.price.currency_code
    lowest = compute_lowest_price(offer, former.get((offer.listing_id, currency), ()))
    return None if lowest is None else Money(lowest, currency)


async def load_stocks_by_offer(
    context: Context, offers: Sequence[Offer], *, location_key: LocationKey = None
) -> Sequence[Stock]:
    by_channel: dict[str, list[str]] = {}
    for offer in offers:
        by_channel.setdefault(offer.channel_key, []).append(offer.variant_id)
    stocks: dict[tuple[str, str], Stock] = {}
    for channel, ids in by_channel.items():
        found = await context.load_all(load_stocks_by_variant, ids, channel_key=channel, location_key=location_key)
        stocks |= {(channel, id_): stock for id_, stock in zip(ids, found, strict=True)}
    return [stocks[offer.channel_key, offer.variant_id] for offer in offers]


async def load_observation_times(context: Context, listing_ids: Sequence[str]) -> Sequence[datetime | None]:
    """Load when each listing was last confirmed."""
    listings = await context.load_all(load_listings, listing_ids)
    return [listing and listing.observed_at for listing in listings]
