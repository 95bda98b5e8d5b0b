"""Loaders of stock: stock levels, and what a channel may sell from them (rule K1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from datetime import datetime
from typing import NamedTuple

from gateway.commerce.checkout.lead_times import compute_pickup_time
from gateway.commerce.checkout.sourcing import PromisableStock, StockNeed
from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, ChannelKey, First, Last, LocationKey
from gateway.graphql.connections import Connection, Paging, slice_page
from gateway.graphql.cursors import ListCursors, compute_fingerprint
from gateway.graphql.distance import Near, round_position, sort_by_distance
from gateway.graphql.loaders.catalog import load_variants
from gateway.graphql.loaders.channels import build_source, load_data_ages
from gateway.graphql.runtime_protocol import build_disclosure, build_selling_context
from gateway.model.catalog import Variant
from gateway.model.channels import Resource, Source
from gateway.model.locations import Location, LocationKind
from gateway.model.stock import (
    Reservation,
    Stock,
    StockDisclosure,
    StockLevel,
    StockStatus,
    StoreAvailability,
)
from gateway.model.validation import clamp_quantity
from gateway.storage.reads import stock_levels
from gateway.storage.reads.offered_listings import SellingChannel
from gateway.storage.reads.stock_levels import Available, CountedLocation, StalenessLimits
from gateway.storage.reads.stock_sums import NOTHING_LISTED, LocationGroup, StockSum, find_stock_sums
from gateway.storage.writes import reservations

ALL_LOCATIONS = "*"
"""Stands for all locations in the ID of a `Stock`; no location key equals it."""


class StockKey(NamedTuple):
    """Key of a variant's stock in a channel, at one location or (None) at all of them."""

    variant: str
    channel: str
    location: str | None


def list_selling_locations(context: Context, channel: str) -> list[Location]:
    """List the locations from which a channel sells (rule K9)."""
    return [location for location in context.gateway.locations.values() if location.is_sold_from(channel)]


def get_selling_channel(context: Context, key: str) -> SellingChannel:
    """Return the channel with the currency of its prices."""
    return SellingChannel(key, context.gateway.channels[key].currency_code)


def get_counted_locations(context: Context, locations: Iterable[Location]) -> tuple[CountedLocation, ...]:
    """Return how the locations are counted: by which channel, and with which buffer."""
    tables = context.gateway.settings.locations
    return stock_levels.build_counted_locations(locations, {key: table.buffer for key, table in tables.items()})


def build_ageing(context: Context) -> StalenessLimits:
    """Return after which time the counts of each location are stale."""
    locations, live_reads = context.gateway.locations.values(), context.gateway.live_reads
    authorities = {location.key: location.authority.channel for location in locations if location.authority is not None}
    return StalenessLimits(
        {channel: live_reads.get_stale_after(channel, Resource.STOCK) for channel in authorities.values()}, authorities
    )


async def load_levels_by_variant(context: Context, ids: Sequence[str]) -> Sequence[Sequence[StockLevel]]:
    """Load each variant's levels at all locations: one statement for every channel and location of a request."""
    locations = get_counted_locations(context, context.gateway.locations.values())
    levels = await context.read(stock_levels.find_levels, ids, locations, build_ageing(context))
    return [levels[id_] for id_ in ids]


async def load_stocks_by_variant(
    context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None, location_key: LocationKey = None
) -> Sequence[Stock]:
    """Load the stock of each variant that the channel can sell."""
    channel = context.resolve_channel(channel_key)
    if location_key is not None:
        context.require_location(location_key)
    levels_by_variant = await context.load_all(load_levels_by_variant, ids)
    locations = _list_location_keys(context, channel)
    keys = [StockKey(id_, channel, location_key) for id_ in ids]
    return [build_stock(context, key, levels, locations) for key, levels in zip(keys, levels_by_variant, strict=True)]


async def load_stock_sums_by_variant(
    context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None, location_key: LocationKey = None
) -> Sequence[Stock]:
    """Load stocks as `load_stocks_by_variant` does, without the levels that were added up."""
    channel = context.resolve_channel(channel_key)
    if location_key is not None:
        context.require_location(location_key)
    keys = [StockKey(id_, channel, location_key) for id_ in ids]
    return await context.load_all(_load_stock_sums, keys)


async def _load_stock_sums(context: Context, keys: Sequence[StockKey]) -> Sequence[Stock]:
    """Load stocks without their levels: one statement for every channel and location of a request."""
    groups = {asked: _select_group(context, *asked) for asked in {key[1:] for key in keys}}
    locations = get_counted_locations(context, context.gateway.locations.values())
    sums = await context.read(find_stock_sums, {key.variant for key in keys}, locations, groups.values())
    low, disclosure = context.gateway.settings.stock.low, build_disclosure(context)
    return [_build_summed(key, sums.get((key[0], groups[key[1:]]), NOTHING_LISTED), low, disclosure) for key in keys]


def _select_group(context: Context, channel: str, location: str | None) -> LocationGroup:
    """Select the locations from which a channel sells, or the one that is asked for."""
    selling = _list_location_keys(context, channel)
    return tuple(sorted(selling if location is None else selling & {location}))


def _build_summed(key: StockKey, found: StockSum, low: int, disclosure: StockDisclosure) -> Stock:
    available = found.available
    return Stock(
        variant_id=key.variant,
        channel_key=key.channel,
        location_key=key.location,
        status=derive_stock_status(available, low, is_untracked=found.is_untracked),
        available=None if available is None else disclosure.show_units(available),
        levels=(),
    )


async def load_stocks(context: Context, keys: Sequence[StockKey]) -> Sequence[Stock | None]:
    """Load stocks by key; of a variant that was merged, the stock of the surviving variant."""
    return [
        None
        if variant is None or not _is_configured(context, key)
        else build_stock(context, key._replace(variant=variant.id), levels, _list_location_keys(context, key.channel))
        for key, (variant, levels) in zip(
            keys, await _load_current_levels(context, [key.variant for key in keys]), strict=True
        )
    ]


async def _load_current_levels(
    context: Context, ids: Sequence[str]
) -> Sequence[tuple[Variant | None, Sequence[StockLevel]]]:
    """Load the variants that ids stand for now, with their levels."""
    variants = await context.load_all(load_variants, ids)
    current_ids = [variant.id for variant in variants if variant is not None]
    levels = dict(zip(current_ids, await context.load_all(load_levels_by_variant, current_ids), strict=True))
    return [(variant, () if variant is None else levels[variant.id]) for variant in variants]


def _is_configured(context: Context, key: StockKey) -> bool:
    return key.channel in context.channels and key.location in (None, *context.gateway.locations)


def _list_location_keys(context: Context, channel: str) -> Set[str]:
    return {location.key for location in list_selling_locations(context, channel)}


def build_stock(context: Context, key: StockKey, levels: Sequence[StockLevel], location_keys: Set[str]) -> Stock:
    """Return the stock that a channel can sell from these levels. `location_keys`: from which it sells."""
    included = tuple(
        level for level in levels if level.location_key in location_keys and key.location in (None, level.location_key)
    )
    available = sum_available(context, included)
    return Stock(
        variant_id=key.variant,
        channel_key=key.channel,
        location_key=key.location,
        status=derive_stock_status(available, context.gateway.settings.stock.low, is_untracked=is_untracked(included)),
        available=cap_available(context, available),
        levels=included,
    )


def cap_available(context: Context, available: int | None) -> int | None:
    """Return the available units, capped unless the caller has the scope `stock:read`."""
    return None if available is None else build_disclosure(context).show_units(available)


def sum_available(context: Context, levels: Sequence[StockLevel]) -> int | None:
    """Return the available units over all levels that are tracked and known; None: there is no such level."""
    tables = context.gateway.settings.locations
    amounts = [
        amount
        for level in levels
        if level.tracked and (amount := level.compute_available(tables[level.location_key].buffer)) is not None
    ]
    return clamp_quantity(sum(amounts)) if amounts else None


def is_untracked(levels: Iterable[StockLevel]) -> bool:
    """Return whether a location lists the variant and does not track its stock."""
    return any(not level.tracked for level in levels)


def derive_stock_status(available: int | None, low: int, *, is_untracked: bool) -> StockStatus:
    """Derive the status of stock. Where a location does not track it, any number can be sold."""
    if not available and is_untracked:
        return StockStatus.NOT_TRACKED
    if available is None:
        return StockStatus.UNKNOWN
    if available == 0:
        return StockStatus.OUT_OF_STOCK
    return StockStatus.LOW_STOCK if available <= low else StockStatus.IN_STOCK


async def load_available_for_sale(
    context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None
) -> Sequence[bool]:
    channel = context.resolve_channel(channel_key)
    locations = get_counted_locations(context, list_selling_locations(context, channel))
    seller = get_selling_channel(context, channel)
    sellable_ids = await context.read(stock_levels.filter_sellable_products, ids, seller, locations)
    return [id_ in sellable_ids for id_ in ids]


async def load_store_availability(
    context: Context, ids: Sequence[str], *, first: First = None, after: After = None, near: Near = None
) -> Sequence[Connection[StoreAvailability]]:
    """Load the availability of each variant in stores; stores that do not list the variant are left out."""
    origin = round_position(near)
    stores = [location for location in context.gateway.locations.values() if location.kind is LocationKind.STORE]
    sorted_stores, distances = sort_by_distance(stores, origin)
    fingerprint = compute_fingerprint("ProductVariant.storeAvailability", origin)
    cursors, paging = ListCursors.build(context, fingerprint), Paging(first, after)
    levels_by_variant = await context.load_all(load_levels_by_variant, ids)
    return [
        slice_page(_list_availability(context, sorted_stores, levels), paging, cursors, distances)
        for levels in levels_by_variant
    ]


def _list_availability(
    context: Context, stores: Sequence[Location], levels: Sequence[StockLevel]
) -> list[tuple[str, StoreAvailability]]:
    by_location, channel = {level.location_key: level for level in levels}, context.resolve_channel(None)
    sold_keys = {location.key for location in list_selling_locations(context, channel)}
    shelves = {"": {key: _build_shelf(context, level) for key, level in by_location.items() if key in sold_keys}}
    return [
        (store.key, _build_availability(context, store, by_location[store.key], shelves))
        for store in stores
        if store.key in by_location
    ]


def _build_shelf(context: Context, level: StockLevel) -> Available:
    return Available((sum_available(context, [level]) or 0) if level.tracked else None, None)


def _build_availability(
    context: Context, store: Location, level: StockLevel, shelves: PromisableStock
) -> StoreAvailability:
    settings, available = context.gateway.settings.stock, sum_available(context, [level])
    single_unit = StockNeed("", "", 1, 1)
    return StoreAvailability(
        location_key=level.location_key,
        status=derive_stock_status(available, settings.low, is_untracked=not level.tracked),
        available=cap_available(context, available),
        ready_at=compute_pickup_time(store, single_unit, shelves, build_selling_context(context)),
    )


async def load_stock_levels(context: Context, keys: Sequence[tuple[str, str]]) -> Sequence[StockLevel | None]:
    """Load stock levels by (variant ID, location key)."""
    current = await _load_current_levels(context, [variant_id for variant_id, _ in keys])
    return [
        next(
            (level for level in levels if level.location_key == location and context.caller.can_act_at(location)), None
        )
        for (_, location), (_, levels) in zip(keys, current, strict=True)
    ]


async def load_reservations(context: Context, ids: Sequence[str]) -> Sequence[Reservation | None]:
    """Load reservations by ID; a reservation that the caller may not see is None."""
    rows = await context.read(reservations.find_shown_reservations, ids)
    return [row if (row := rows.get(id_)) is not None and _can_see(context, row) else None for id_ in ids]


def _can_see(context: Context, reservation: Reservation) -> bool:
    own = bool(reservation.owner) and reservation.owner == context.caller.principal
    is_at_own_location = context.caller.can_act_at(reservation.location_key)
    return own or (context.caller.has_scope("stock:read") and is_at_own_location)


async def load_levels_by_stock(
    context: Context,
    stocks: Sequence[Stock],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[StockLevel]]:
    paging = Paging(first, after, last, before)
    cursors = ListCursors.build(context, compute_fingerprint("Stock.levels"))
    return [slice_page(_list_own_levels(context, stock), paging, cursors) for stock in stocks]


def _list_own_levels(context: Context, stock: Stock) -> list[tuple[str, StockLevel]]:
    """List the levels at locations of the caller, by location key."""
    return [(level.location_key, level) for level in stock.levels if context.caller.can_act_at(level.location_key)]


async def load_buffers(context: Context, keys: Sequence[str], *, channel_key: ChannelKey = None) -> Sequence[int]:
    """Load the buffer of each location; without a channel it is 0."""
    if channel_key is None:
        return [0 for _ in keys]
    context.require_channel(channel_key)
    return [context.gateway.settings.locations[key].buffer for key in keys]


async def load_available_units(
    context: Context, levels: Sequence[StockLevel], *, channel_key: ChannelKey = None
) -> Sequence[int | None]:
    buffers = await load_buffers(context, [level.location_key for level in levels], channel_key=channel_key)
    return [
        level.compute_available(buffer) if level.tracked else None
        for level, buffer in zip(levels, buffers, strict=True)
    ]


async def load_sources_by_stock(context: Context, stocks: Sequence[Stock]) -> Sequence[list[Source]]:
    """Load how the authorities of each stock contributed to it."""
    ages = await context.load(load_data_ages, "all")
    return [
        [
            build_source(context, ages, channel, Resource.STOCK, _find_oldest_observation(context, stock, channel))
            for channel in list_authorities(context, stock)
            if channel in context.channels
        ]
        for stock in stocks
    ]


def list_authorities(context: Context, stock: Stock) -> list[str]:
    """List the keys of the channels that count this stock."""
    locations = list_selling_locations(context, stock.channel_key)
    authorities = [location.authority for location in locations if stock.location_key in (None, location.key)]
    return list(dict.fromkeys(authority.channel for authority in authorities if authority is not None))


def _find_oldest_observation(context: Context, stock: Stock, authority: str) -> datetime | None:
    locations = context.gateway.locations
    times = [level.observed_at for level in stock.levels if locations[level.location_key].is_counted_by(authority)]
    return min((time for time in times if time is not None), default=None)
