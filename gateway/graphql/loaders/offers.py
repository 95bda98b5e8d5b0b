"""Loaders of offers: prices of variants and products in channels and currencies (rule H3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import strawberry

from gateway.execution.context import Context
from gateway.graphql.arguments import ChannelKey
from gateway.graphql.loaders.catalog import load_products, load_variants
from gateway.graphql.scalars import CurrencyCode
from gateway.model.money import build_range
from gateway.model.offers import Offer, ProductOffer
from gateway.storage.reads import variant_offers
from gateway.storage.reads.variant_offers import OfferKey

AnyOffer = TypeVar("AnyOffer", Offer, ProductOffer)

ANY_CURRENCY = "*"
"""Stands for any currency in the ID of an offer; no currency code equals it."""

Currency = Annotated[
    CurrencyCode | None,
    strawberry.argument(description="Currency of the prices. Default: that of the channel."),
]


async def load_offers_by_variant(
    context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None, currency_code: Currency = None
) -> Sequence[Offer]:
    """Load the offer of each variant: one statement for every channel and currency of a request."""
    return await context.load_all(load_offers, _build_keys(context, ids, channel_key, currency_code))


async def load_offers_by_product(
    context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None, currency_code: Currency = None
) -> Sequence[ProductOffer]:
    return await context.load_all(load_product_offers, _build_keys(context, ids, channel_key, currency_code))


def _build_keys(
    context: Context, ids: Sequence[str], channel_key: str | None, currency_code: str | None
) -> list[OfferKey]:
    channel = context.resolve_channel(channel_key)
    currency = currency_code or context.gateway.channels[channel].currency_code
    return [(id_, channel, currency) for id_ in ids]


async def load_offers(context: Context, keys: Sequence[OfferKey]) -> Sequence[Offer]:
    """Load offers by the row ID of the variant, the channel and the currency."""
    found = await context.read(variant_offers.find_offers, keys)
    return [found[key] for key in keys]


async def load_product_offers(context: Context, keys: Sequence[OfferKey]) -> Sequence[ProductOffer]:
    """Load offers by the row ID of the product, the channel and the currency."""
    found = await context.read(variant_offers.find_offers_of_products, keys)
    return [_summarize_offers(key, found[key]) for key in keys]


def _summarize_offers(key: OfferKey, offers: Sequence[Offer]) -> ProductOffer:
    product_id, channel, currency = key
    priced = [offer for offer in offers if offer.price is not None]
    tax = {offer.price_includes_tax for offer in priced}
    return ProductOffer(
        product_id=product_id,
        channel_key=channel,
        currency_code=currency,
        price_range=build_range(offer.price for offer in priced if offer.price is not None),
        compare_at_price_range=build_range(
            offer.compare_at_price for offer in priced if offer.on_sale and offer.compare_at_price is not None
        ),
        on_sale=any(offer.on_sale for offer in priced),
        price_includes_tax=tax.pop() if len(tax) == 1 else None,
        url=next((offer.url for offer in priced or offers if offer.url is not None), None),
    )


# ------------------------------------------------------------------------------------------------ nodes


async def load_offer_nodes(context: Context, keys: Sequence[OfferKey]) -> Sequence[Offer | None]:
    """Load offers by key; of a variant that was merged, the offer of the surviving variant."""
    variants = await context.load_all(load_variants, [key[0] for key in keys])
    return await _load_current(context, keys, [it and it.id for it in variants], load_offers)


async def load_product_offer_nodes(context: Context, keys: Sequence[OfferKey]) -> Sequence[ProductOffer | None]:
    """Load offers by key; of a product that was merged, the offer of the surviving product."""
    products = await context.load_all(load_products, [key[0] for key in keys])
    return await _load_current(context, keys, [it and it.id for it in products], load_product_offers)


async def _load_current(
    context: Context,
    keys: Sequence[OfferKey],
    current_ids: Sequence[str | None],
    load: Callable[[Context, Sequence[OfferKey]], Awaitable[Sequence[AnyOffer]]],
) -> list[AnyOffer | None]:
    """Load the offers of the current rows; None: there is no such row, or the caller does not see the channel."""
    current: list[OfferKey | None] = [
        None if id_ is None or channel not in context.channels else (id_, channel, currency)
        for (_, channel, currency), id_ in zip(keys, current_ids, strict=True)
    ]
    present = [key for key in current if key is not None]
    by_key = dict(zip(present, await context.load_all(load, present), strict=True))
    return [None if key is None else by_key[key] for key in current]
