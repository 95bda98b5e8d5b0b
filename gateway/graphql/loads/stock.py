"""Stock: levels, and what a channel may promise from them (rule K1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from gateway.commerce.routes import Need, Shelves, collected_at
from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, ChannelKey, First, Last, LocationKey
from gateway.graphql.connections import Connection, Paging, fingerprint, page_in_memory
from gateway.graphql.house import house
from gateway.graphql.loads import catalog, channels
from gateway.graphql.near import Near, by_distance, point
from gateway.model.availability import StoreAvailability
from gateway.model.channels import Location, LocationKind, Resource, Source
from gateway.model.stock import Reservation, Stock, StockLevel, StockStatus
from gateway.storage import levels as stored
from gateway.storage import reservations as reserved
from gateway.storage.levels import Ageing, Available, Counted


class StockKey(NamedTuple):
    """A variant's stock in a channel, at one location or (None) at all."""

    variant: str
    channel: str
    location: str | None


def places_of(context: Context, channel: str) -> list[Location]:
    """The locations that a channel sells from; a marketplace's own only feed itself."""
    return [place for place in context.gateway.locations.values() if _sells_from(channel, place)]


def _sells_from(channel: str, place: Location) -> bool:
    own = place.kind is not LocationKind.MARKETPLACE_FULFILLMENT or place.authority == channel
    return own and channel in place.external_ids


def counted(context: Context, places: Iterable[Location]) -> tuple[Counted, ...]:
    tables = context.gateway.settings.locations
    return stored.counted(places, {key: table.buffer for key, table in tables.items()})


def ageing(context: Context) -> Ageing:
    places = context.gateway.locations.values()
    return Ageing(
        {place.authority: context.gateway.stale_after(place.authority, Resource.STOCK) for place in places},
        {place.key: place.authority for place in places},
    )


async def levels_of_variants(context: Context, ids: Sequence[str]) -> Sequence[Sequence[StockLevel]]:
    """Each variant's levels at all locations: one statement serves every channel and location of a request."""
    places = counted(context, context.gateway.locations.values())
    found = await context.read(stored.levels_of_variants, ids, places, ageing(context))
    return [found[key] for key in ids]


async def stocks_of_variants(
    context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None, location_key: LocationKey = None
) -> Sequence[Stock]:
    """Each variant's stock, as the channel may sell it."""
    channel = context.channel(channel_key)
    if location_key is not None:
        context.known_location(location_key)
    levels = await context.load_all(levels_of_variants, ids)
    keys = [StockKey(key, channel, location_key) for key in ids]
    return [stock_of(context, key, some) for key, some in zip(keys, levels, strict=True)]


async def stocks_by_key(context: Context, keys: Sequence[StockKey]) -> Sequence[Stock | None]:
    """The stock with these ids; of a variant that was merged, the survivor's."""
    variants = await context.load_all(catalog.variants, [key.variant for key in keys])
    known = [variant.id for variant in variants if variant is not None]
    levels = dict(zip(known, await context.load_all(levels_of_variants, known), strict=True))
    return [
        stock_of(context, key._replace(variant=variant.id), levels[variant.id])
        if variant is not None and _is_configured(context, key)
        else None
        for key, variant in zip(keys, variants, strict=True)
    ]


def _is_configured(context: Context, key: StockKey) -> bool:
    return key.channel in context.gateway.channels and key.location in (None, *context.gateway.locations)


def stock_of(context: Context, key: StockKey, levels: Sequence[StockLevel]) -> Stock:
    """What these levels come to for a channel."""
    places = {place.key for place in places_of(context, key.channel)}
    kept = tuple(
        level for level in levels if level.location_key in places and key.location in (None, level.location_key)
    )
    available = promised(context, kept)
    settings = context.gateway.settings.stock
    return Stock(
        variant_id=key.variant,
        channel_key=key.channel,
        location_key=key.location,
        status=status_of(kept, available, settings.low),
        available=shown(context, available),
        levels=kept,
    )


def shown(context: Context, available: int | None) -> int | None:
    """The figure, as exactly as the caller may know it."""
    if available is None or context.caller.may("stock:read"):
        return available
    return min(available, context.gateway.settings.stock.cap)


def promised(context: Context, levels: Sequence[StockLevel]) -> int | None:
    """The sum of what can be promised at each level that is counted and known."""
    tables = context.gateway.settings.locations
    amounts = [
        amount
        for level in levels
        if level.tracked and (amount := level.available(tables[level.location_key].buffer)) is not None
    ]
    return sum(amounts) if amounts else None


def status_of(levels: Sequence[StockLevel], available: int | None, low: int) -> StockStatus:
    if levels and not any(level.tracked for level in levels):
        return StockStatus.NOT_TRACKED
    if available is None:
        return StockStatus.UNKNOWN
    if available == 0:
        return StockStatus.OUT_OF_STOCK
    return StockStatus.LOW_STOCK if available <= low else StockStatus.IN_STOCK


async def sellable_products(context: Context, ids: Sequence[str], *, channel_key: ChannelKey = None) -> Sequence[bool]:
    channel = context.channel(channel_key)
    places = counted(context, places_of(context, channel))
    found = await context.read(stored.sellable_products, ids, channel, places)
    return [key in found for key in ids]


async def store_availability(
    context: Context, ids: Sequence[str], *, first: First = None, after: After = None, near: Near = None
) -> Sequence[Connection[StoreAvailability]]:
    """What shops have of each variant; those that do not know it are left out."""
    origin = point(near)
    shops = [place for place in context.gateway.locations.values() if place.kind is LocationKind.STORE]
    places, distances = by_distance(shops, origin)
    mark, paging = fingerprint("ProductVariant.storeAvailability", origin), Paging(first, after)
    known = await context.load_all(levels_of_variants, ids)
    return [page_in_memory(_in_stores(context, places, levels), paging, mark, distances) for levels in known]


def _in_stores(
    context: Context, places: Sequence[Location], levels: Sequence[StockLevel]
) -> list[tuple[str, StoreAvailability]]:
    by_place = {level.location_key: level for level in levels}
    shelves = {"": {key: _shelf(context, level) for key, level in by_place.items()}}
    return [
        (place.key, _in_store(context, place, by_place[place.key], shelves))
        for place in places
        if place.key in by_place
    ]


def _shelf(context: Context, level: StockLevel) -> Available:
    return Available((promised(context, [level]) or 0) if level.tracked else None, None)


def _in_store(context: Context, place: Location, level: StockLevel, shelves: Shelves) -> StoreAvailability:
    settings, available = context.gateway.settings.stock, promised(context, [level])
    one, selling = Need("", "", 1, 1), house(context).selling
    return StoreAvailability(
        location_key=level.location_key,
        status=status_of([level], available, settings.low),
        available=shown(context, available),
        ready_at=collected_at(place, one, shelves, selling, context.now),
    )


async def levels_by_key(context: Context, keys: Sequence[tuple[str, str]]) -> Sequence[StockLevel | None]:
    """Levels by (variant, location)."""
    variants = await context.load_all(catalog.variants, [variant for variant, _ in keys])
    known = [variant.id for variant in variants if variant is not None]
    levels = dict(zip(known, await context.load_all(levels_of_variants, known), strict=True))
    return [
        None if variant is None else next((one for one in levels[variant.id] if one.location_key == location), None)
        for (_, location), variant in zip(keys, variants, strict=True)
    ]


async def reservations(context: Context, ids: Sequence[str]) -> Sequence[Reservation | None]:
    """Reservations by id; those of others are not there."""
    found = await context.read(reserved.shown, ids)
    return [one if (one := found.get(key)) is not None and _may_see(context, one) else None for key in ids]


def _may_see(context: Context, reservation: Reservation) -> bool:
    own = bool(reservation.owner) and reservation.owner == context.caller.principal
    return own or context.caller.may("stock:read")


async def levels_of_stocks(
    context: Context,
    stocks: Sequence[Stock],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[StockLevel]]:
    paging, mark = Paging(first, after, last, before), fingerprint("Stock.levels")
    return [page_in_memory([(level.location_key, level) for level in stock.levels], paging, mark) for stock in stocks]


async def buffers(context: Context, keys: Sequence[str], *, channel_key: ChannelKey = None) -> Sequence[int]:
    """The buffer of each location; for no channel in particular there is none."""
    if channel_key is None:
        return [0 for _ in keys]
    context.known_channel(channel_key)
    return [context.gateway.settings.locations[key].buffer for key in keys]


async def available_units(
    context: Context, levels: Sequence[StockLevel], *, channel_key: ChannelKey = None
) -> Sequence[int | None]:
    kept = await buffers(context, [level.location_key for level in levels], channel_key=channel_key)
    return [level.available(buffer) if level.tracked else None for level, buffer in zip(levels, kept, strict=True)]


async def sources_of_stocks(context: Context, stocks: Sequence[Stock]) -> Sequence[list[Source]]:
    """How the authorities behind each stock took part in it."""
    known = await context.load(channels.ages, "all")
    return [
        [channels.source(context, known, key, Resource.STOCK, _as_of(context, stock, key)) for key in keys]
        for stock, keys in ((stock, authorities(context, stock)) for stock in stocks)
    ]


def authorities(context: Context, stock: Stock) -> list[str]:
    """The channels that count this stock."""
    places = places_of(context, stock.channel_key)
    return list(dict.fromkeys(place.authority for place in places if stock.location_key in (None, place.key)))


def _as_of(context: Context, stock: Stock, authority: str) -> datetime | None:
    places = context.gateway.locations
    observed = [level.observed_at for level in stock.levels if places[level.location_key].authority == authority]
    return min((moment for moment in observed if moment is not None), default=None)
