"""Offers: what a variant or a product costs in one channel and currency."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from operator import attrgetter

import strawberry

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.catalog import PARTIAL_PRODUCT, PARTIAL_VARIANT, load_products, load_variants
from gateway.graphql.loaders.channels import load_channels
from gateway.graphql.loaders.offer_fields import (
    load_availability_by_offer,
    load_availability_by_product_offer,
    load_lowest_prices,
    load_observation_times,
    load_stocks_by_offer,
)
from gateway.graphql.loaders.offers import ANY_CURRENCY
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.lazy import LazyProduct, LazyProductVariant
from gateway.graphql.types.node import Node
from gateway.graphql.types.stock import Stock
from gateway.graphql.types.values import Money, MoneyRange
from gateway.model import measures, offers


@output(measures.Measure, "An amount with a unit.", data=DataKind.PART)
class Measure:
    value: Decimal = attribute("The amount.")
    unit: str = attribute("Unit, as a code of UCUM such as `kg`, `l` or `m`; `each` for pieces.")


@output(offers.UnitPrice, "The price of a measure: 9.96 per 1 l of a bottle that contains 0.5 l.", data=DataKind.PART)
class UnitPrice:
    price: Money = attribute("The price of the measure `per`.")
    per: Measure = attribute("The measure that the price is of.")
    content: Measure = attribute("What one unit contains.")


@output(
    offers.Offer,
    "A variant in one channel and currency. The ID consists of these three, so that caches keep prices of different "
    "channels apart.",
    data=DataKind.CATALOG,
    stocked=True,
)
class Offer(Node):
    id: strawberry.ID = declare_global_id(
        "Offer", parts=lambda offer: (offer.variant_id, offer.channel_key, offer.currency_code or ANY_CURRENCY)
    )
    variant: LazyProductVariant | None = load(
        "The variant.", load_variants, key=attrgetter("variant_id"), partial=PARTIAL_VARIANT
    )
    channel: Channel | None = load("The channel.", load_channels, key=attrgetter("channel_key"))
    available_for_sale: bool = load(
        "Whether the channel has a price in the currency and can sell the variant now.",
        load_availability_by_offer,
        key=lambda offer: offer,
        data=DataKind.STOCK,
    )
    price: Money | None = attribute(
        "The channel's price in the currency. Null: the channel does not sell it in the currency. Never converted."
    )
    compare_at_price: Money | None = attribute("The price before a reduction. Null: not reduced.")
    on_sale: bool = attribute("Whether `price` is lower than `compareAtPrice`.")
    lowest_price_before: Money | None = load(
        "The lowest price of the 30 days before the reduction began, as Directive 98/6/EC requires beside a reduced "
        "price. Null: not reduced, or the prices of these days are not known.",
        load_lowest_prices,
        key=lambda offer: offer,
    )
    price_includes_tax: bool | None = attribute("Whether `price` includes tax. Null: not known.")
    unit_price: UnitPrice | None = attribute(
        "The price per kilogram, liter or meter. Null: the channel does not know what a unit contains."
    )
    url: str | None = attribute("URL of the page in the channel. Null: the channel has none.")
    stock: Stock | None = load(
        "Stock that the channel can sell.", load_stocks_by_offer, key=lambda offer: offer, data=DataKind.STOCK
    )
    observed_at: datetime | None = load(
        "When the gateway last confirmed the price with the channel. Null: the channel does not list the variant.",
        load_observation_times,
        key=attrgetter("listing_id"),
        volatile=True,
    )


@output(
    offers.ProductOffer,
    "A product in one channel and currency: what the offers of its variants have in common.",
    data=DataKind.CATALOG,
    stocked=True,
)
class ProductOffer(Node):
    id: strawberry.ID = declare_global_id(
        "ProductOffer", parts=lambda offer: (offer.product_id, offer.channel_key, offer.currency_code or ANY_CURRENCY)
    )
    product: LazyProduct | None = load(
        "The product.", load_products, key=attrgetter("product_id"), partial=PARTIAL_PRODUCT
    )
    channel: Channel | None = load("The channel.", load_channels, key=attrgetter("channel_key"))
    available_for_sale: bool = load(
        "Whether the channel has a price in the currency and can sell a variant now.",
        load_availability_by_product_offer,
        key=lambda offer: offer,
        data=DataKind.STOCK,
    )
    price_range: MoneyRange | None = attribute("The lowest and the highest price. Null: there is none.")
    compare_at_price_range: MoneyRange | None = attribute(
        "The lowest and the highest price before a reduction. Null: no variant is reduced."
    )
    on_sale: bool = attribute("Whether the price of a variant is reduced.")
    price_includes_tax: bool | None = attribute("Whether the prices include tax. Null: not known, or it differs.")
    url: str | None = attribute("URL of the page in the channel. Null: the channel has none.")
