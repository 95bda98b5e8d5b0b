"""Loaders of products, variants, listings, categories and prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.execution.context import Context
from gateway.execution.fields import PartialModel
from gateway.graphql.arguments import After, Before, ChannelKey, First, Last
from gateway.graphql.connections import Connection, Paging, load_pages
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.loaders.channels import load_channel_lists
from gateway.graphql.loaders.factories import make_group_loader, make_loader
from gateway.model.catalog import Category, Listing, ListingStatus, Product, ProductFieldSource, Variant
from gateway.model.channels import Channel
from gateway.model.money import Money, MoneyRange, build_range
from gateway.storage.reads import catalog, channel_prices
from gateway.storage.reads.channel_prices import ChannelPrice
from gateway.storage.sql.model_rows import Names
from gateway.storage.writes import pushes

PARTIAL_PRODUCT = PartialModel(Product, catalog.PRODUCT_ROWS.optional, {"all_media": (), "featured_image": ()})
PARTIAL_VARIANT = PartialModel(Variant, catalog.VARIANT_ROWS.optional, {"all_media": ("image", "media")})

load_sold_variants = make_loader(catalog.find_sold_variants)
"""Loads variants by ID, including deleted ones, as orders and carts refer to them."""

load_ancestors = make_group_loader(catalog.find_ancestors)
load_pushes_by_listing = make_group_loader(pushes.find_pushes)


async def load_products(context: Context, ids: Sequence[str], names: Names = None) -> Sequence[Product | None]:
    products = await context.read(catalog.find_products, ids, context.visibility, names)
    return [products.get(id_) for id_ in ids]


async def load_field_sources(
    context: Context, groups: Sequence[Sequence[ProductFieldSource]]
) -> Sequence[list[ProductFieldSource]]:
    """Load the sources of fields, without channels that the caller does not see (rule X1)."""
    return [[source for source in group if source.channel_key in context.channels] for group in groups]


async def load_variants(context: Context, ids: Sequence[str], names: Names = None) -> Sequence[Variant | None]:
    variants = await context.read(catalog.find_variants, ids, context.visibility, names)
    return [variants.get(id_) for id_ in ids]


async def load_listings(context: Context, ids: Sequence[str]) -> Sequence[Listing | None]:
    listings = await context.read(catalog.find_listings, ids, context.visibility)
    return [listings.get(id_) for id_ in ids]


async def load_categories(context: Context, ids: Sequence[str]) -> Sequence[Category | None]:
    categories = await context.read(catalog.find_categories, ids, context.visibility)
    return [categories.get(id_) for id_ in ids]


async def load_subcategories(
    context: Context,
    ids: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[Category]]:
    rows, paging = catalog.list_children_of_categories(context.visibility), Paging(first, after, last, before)
    return await load_pages(context, rows, ids, paging, compute_fingerprint("categories"))


async def load_variants_by_product(
    context: Context,
    ids: Sequence[str],
    names: Names = None,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[Variant]]:
    rows, paging = catalog.list_variants_of_products(context.visibility, names), Paging(first, after, last, before)
    return await load_pages(context, rows, ids, paging, compute_fingerprint("Product.variants"))


async def load_listings_by_variant(context: Context, ids: Sequence[str]) -> Sequence[Sequence[Listing]]:
    """Load the listings of each variant, preferred channel first."""
    listings = await context.read(catalog.find_listings_of_variants, ids, context.visibility)
    return [_sort_by_preference(context, listings[id_]) for id_ in ids]


async def load_listings_by_product(context: Context, ids: Sequence[str]) -> Sequence[Sequence[Listing]]:
    """Load the listings of all variants of each product, preferred channel first."""
    found = await context.read(catalog.find_listings_of_products, ids, context.visibility)
    listings_by_product = [_sort_by_preference(context, found[id_]) for id_ in ids]
    for listings in listings_by_product:  # a query for products mostly selects their variants, too
        context.cache_values(load_listings_by_variant, _group_by_variant(listings))
    return listings_by_product


def _sort_by_preference(context: Context, listings: Sequence[Listing]) -> Sequence[Listing]:
    rank = {key: number for number, key in enumerate(context.gateway.settings.list_channels_by_priority())}
    return sorted(listings, key=lambda listing: (rank.get(listing.channel_key, len(rank)), listing.units_per_listing))


async def load_channels_by_product(context: Context, ids: Sequence[str]) -> Sequence[Sequence[Channel]]:
    listings_by_product = await context.load_all(load_listings_by_product, ids)
    keys = [tuple(sorted({listing.channel_key for listing in listings})) for listings in listings_by_product]
    return await load_channel_lists(context, keys)


# ------------------------------------------------------------------------------------------------ prices


async def load_price_sources(
    context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None
) -> Sequence[Listing | ChannelPrice | None]:
    """Load what determines the price of each variant; None: no channel has a price."""
    if channel_key is not None:
        channel = context.require_channel(channel_key)
        return await context.get_loader(_load_channel_prices, {}).load_many([(id_, channel) for id_ in ids])
    return _select_offers(context, await context.load_all(load_listings_by_variant, ids))


async def _load_channel_prices(context: Context, keys: Sequence[tuple[str, str]]) -> Sequence[ChannelPrice | None]:
    """Load the prices of variants in channels: one statement for all channels of a request."""
    prices = await context.read(channel_prices.find_prices, {id_ for id_, _ in keys}, {channel for _, channel in keys})
    return [prices.get(key) for key in keys]


def _select_offers(context: Context, listings_by_variant: Sequence[Sequence[Listing]]) -> Sequence[Listing | None]:
    """Select by the policy the listing that determines the price of each variant."""
    return context.gateway.prices(
        [[listing for listing in group if listing.status is ListingStatus.ACTIVE] for group in listings_by_variant]
    )


async def load_prices(
    context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None
) -> Sequence[Money | None]:
    offers = await context.load_all(load_price_sources, ids, channel_key=channel_key)
    return [offer and offer.price for offer in offers]


async def load_compare_at_prices(
    context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None
) -> Sequence[Money | None]:
    offers = await context.load_all(load_price_sources, ids, channel_key=channel_key)
    return [offer and offer.compare_at_price for offer in offers]


async def load_tax_inclusion(
    context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None
) -> Sequence[bool | None]:
    """Load for each variant whether its price includes tax."""
    offers = await context.load_all(load_price_sources, ids, channel_key=channel_key)
    return [offer and offer.price_includes_tax for offer in offers]


async def load_price_ranges(
    context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None
) -> Sequence[MoneyRange | None]:
    if channel_key is not None:
        channel = context.require_channel(channel_key)
        found = await context.read(channel_prices.find_prices_of_products, ids, channel)
        known = {(variant, channel): price for prices in found.values() for variant, price in prices.items()}
        context.cache_values(_load_channel_prices, known)  # a list of products mostly shows those of variants, too
        return [build_range([price.price for price in found.get(id_, {}).values()]) for id_ in ids]
    listings_by_product = await context.load_all(load_listings_by_product, ids)
    return [_compute_offered_range(context, listings) for listings in listings_by_product]


def _compute_offered_range(context: Context, listings: Sequence[Listing]) -> MoneyRange | None:
    offers = _select_offers(context, list(_group_by_variant(listings).values()))
    return build_range([offer.price for offer in offers if offer is not None and offer.price is not None])


def _group_by_variant(listings: Sequence[Listing]) -> Mapping[str, list[Listing]]:
    grouped: dict[str, list[Listing]] = {}
    for listing in listings:
        grouped.setdefault(listing.variant_id, []).append(listing)
    return grouped
