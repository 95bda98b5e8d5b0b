"""Products, variants, listings, categories and prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, ChannelKey, First, Last
from gateway.graphql.connections import Connection, Paging, fingerprint, pages_of
from gateway.graphql.loads import channels as channel_loads
from gateway.model.catalog import Category, Listing, ListingStatus, Product, Variant
from gateway.model.channels import Channel
from gateway.model.money import Money, MoneyRange
from gateway.storage import catalog as stored
from gateway.storage import pushes
from gateway.storage.pushes import ListingPush


async def products(context: Context, ids: Sequence[str]) -> Sequence[Product | None]:
    found = await context.read(stored.products_by_id, ids, context.sees_all_products)
    return [found.get(key) for key in ids]


async def variants(context: Context, ids: Sequence[str]) -> Sequence[Variant | None]:
    found = await context.read(stored.variants_by_id, ids, context.sees_all_products)
    return [found.get(key) for key in ids]


async def sold_variants(context: Context, ids: Sequence[str]) -> Sequence[Variant | None]:
    found = await context.read(stored.sold_variants, ids)
    return [found.get(key) for key in ids]


async def listings(context: Context, ids: Sequence[str]) -> Sequence[Listing | None]:
    found = await context.read(stored.listings_by_id, ids, context.sees_all_products)
    return [found.get(key) for key in ids]


async def pushes_of_listings(context: Context, ids: Sequence[str]) -> Sequence[list[ListingPush]]:
    found = await context.read(pushes.of_listings, ids)
    return [found[id_] for id_ in ids]


async def categories(context: Context, ids: Sequence[str]) -> Sequence[Category | None]:
    found = await context.read(stored.categories_by_id, ids)
    return [found.get(key) for key in ids]


async def ancestors(context: Context, ids: Sequence[str]) -> Sequence[Sequence[Category]]:
    found = await context.read(stored.ancestors_of_categories, ids)
    return [found[key] for key in ids]


async def children(
    context: Context,
    ids: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[Category]]:
    mark = fingerprint("categories")
    return await pages_of(context, stored.children_of_categories(), ids, Paging(first, after, last, before), mark)


async def variants_of_products(
    context: Context,
    ids: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[Variant]]:
    rows, paging = stored.variants_of_products(context.sees_all_products), Paging(first, after, last, before)
    return await pages_of(context, rows, ids, paging, fingerprint("Product.variants"))


async def listings_of_variants(context: Context, ids: Sequence[str]) -> Sequence[Sequence[Listing]]:
    """Each variant's listings, in the order of the catalogue's preference."""
    found = await context.read(stored.listings_of_variants, ids)
    return [_preferred(context, found[key]) for key in ids]


async def listings_of_products(context: Context, ids: Sequence[str]) -> Sequence[Sequence[Listing]]:
    """All listings of each product's variants, in the order of the catalogue's preference."""
    found = await context.read(stored.listings_of_products, ids)
    return [_preferred(context, found[key]) for key in ids]


def _preferred(context: Context, listings: Sequence[Listing]) -> Sequence[Listing]:
    rank = {key: number for number, key in enumerate(context.gateway.settings.priority())}
    return sorted(listings, key=lambda listing: (rank.get(listing.channel_key, len(rank)), listing.units_per_listing))


async def channels_of_products(context: Context, ids: Sequence[str]) -> Sequence[Sequence[Channel]]:
    listed = await context.load_all(listings_of_products, ids)
    keys = [tuple(sorted({listing.channel_key for listing in some})) for some in listed]
    return await channel_loads.channel_lists(context, keys)


# ------------------------------------------------------------------------------------------------ prices


async def offers(context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None) -> Sequence[Listing | None]:
    """The listing whose price stands for each variant."""
    listed = await context.load_all(listings_of_variants, ids)
    return _offers(context, listed, channel_key)


def _offers(context: Context, listed: Sequence[Sequence[Listing]], channel: str | None) -> Sequence[Listing | None]:
    on_sale = [[listing for listing in some if listing.status is ListingStatus.ACTIVE] for some in listed]
    if channel is None:
        return context.gateway.prices(on_sale)
    context.known_channel(channel)
    here = [[listing for listing in some if listing.channel_key == channel] for some in on_sale]
    return [next((listing for listing in some if listing.price is not None), None) for some in here]


async def prices(context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None) -> Sequence[Money | None]:
    chosen = await context.load_all(offers, ids, channel_key=channel_key)
    return [offer and offer.price for offer in chosen]


async def compare_at_prices(
    context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None
) -> Sequence[Money | None]:
    chosen = await context.load_all(offers, ids, channel_key=channel_key)
    return [offer and offer.compare_at_price for offer in chosen]


async def prices_include_tax(
    context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None
) -> Sequence[bool | None]:
    chosen = await context.load_all(offers, ids, channel_key=channel_key)
    return [offer and offer.price_includes_tax for offer in chosen]


async def price_ranges(
    context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None
) -> Sequence[MoneyRange | None]:
    listed = await context.load_all(listings_of_products, ids)
    return [_range(_offers(context, list(_by_variant(some).values()), channel_key)) for some in listed]


def _by_variant(listings: Sequence[Listing]) -> Mapping[str, list[Listing]]:
    grouped: dict[str, list[Listing]] = {}
    for listing in listings:
        grouped.setdefault(listing.variant_id, []).append(listing)
    return grouped


def _range(offers: Sequence[Listing | None]) -> MoneyRange | None:
    found = [offer.price for offer in offers if offer is not None and offer.price is not None]
    if len({price.currency_code for price in found}) != 1:
        return None
    return MoneyRange(min(found), max(found))
