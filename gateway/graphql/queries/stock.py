"""Resolvers of stock levels and of stocks, the only live read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import strawberry

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.arguments import After, Before, ChannelKey, First, Last, LocationKey, declare_argument
from gateway.graphql.connections import Connection, Paging, load_page
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.filters import build_level_query
from gateway.graphql.global_ids import parse_row_id
from gateway.graphql.inputs import StockLevelFilter
from gateway.graphql.loaders.catalog import load_variants
from gateway.graphql.loaders.stock import (
    build_ageing,
    get_counted_locations,
    list_selling_locations,
    load_stock_levels,
    load_stocks_by_variant,
)
from gateway.model.channels import Fault, FaultCode, Resource
from gateway.model.locations import Location
from gateway.model.stock import Stock, StockLevel
from gateway.sdk.records import Ref
from gateway.storage.reads import stock_levels
from gateway.storage.reads.stock_levels import CountedLocation

MAX_VARIANTS = 100
MIN_ANONYMOUS_AGE = timedelta(seconds=5)


async def resolve_stock_levels(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    location_key: Annotated[str, strawberry.argument(description="Key of the location.")],
    filter: Annotated[StockLevelFilter | None, strawberry.argument(description="Filter for the stock levels.")] = None,
) -> Connection[StockLevel] | None:
    (location,) = stock_levels.build_counted_locations(
        [context.require_location(location_key)], {}
    )  # no channel, hence no buffer
    if not context.caller.can_act_at(location_key):
        return None
    rows = stock_levels.search_levels(location, build_level_query(context, filter))
    fingerprint = compute_fingerprint("stockLevels", location_key, filter)
    page = await load_page(context, rows, Paging(first, after, last, before), fingerprint)
    levels = await context.load_all(load_stock_levels, [(variant_id, location_key) for variant_id in page.nodes])
    return page.replace_nodes(levels)


def can_ask_channels(*, max_age_seconds: int | None = None, **_arguments: Any) -> bool:
    """Return whether channels may be asked for their stock."""
    return max_age_seconds is not None


async def resolve_stocks(
    context: Context,
    *,
    variant_ids: Annotated[
        list[strawberry.ID],
        declare_argument("IDs of the variants, at most 100. The result has the same order.", max_items=MAX_VARIANTS),
    ],
    channel_key: ChannelKey = None,
    location_key: LocationKey = None,
    max_age_seconds: Annotated[
        int | None,
        strawberry.argument(
            description="Maximum age of the counts in seconds; older counts are read from the channels. Without a "
            "token at least 5 is used. Default: counts of any age are returned."
        ),
    ] = None,
) -> list[Stock | None]:
    channel = context.resolve_channel(channel_key)
    locations = _list_locations(context, channel, location_key)
    variants = await context.load_all(
        load_variants, [parse_row_id(f"variantIds.{n}", "ProductVariant", text) for n, text in enumerate(variant_ids)]
    )
    ids = [variant.id for variant in variants if variant is not None]
    if max_age_seconds is not None:
        context.cache_policy.add_kind(DataKind.PRIVATE)
        await _refresh_stale(context, ids, locations, _clamp_max_age(context, max_age_seconds))
    loaded = await context.load_all(load_stocks_by_variant, ids, channel_key=channel, location_key=location_key)
    by_variant = {stock.variant_id: stock for stock in loaded}
    return [None if variant is None else by_variant[variant.id] for variant in variants]


def _list_locations(context: Context, channel: str, location_key: str | None) -> list[Location]:
    locations = list_selling_locations(context, channel)
    if location_key is None:
        return locations
    return [location for location in locations if location is context.require_location(location_key)]


def _clamp_max_age(context: Context, seconds: int) -> timedelta:
    if seconds < 0:
        raise BadUserInputError("maxAgeSeconds must be at least 0.")
    max_age = timedelta(seconds=seconds)
    return max_age if context.caller.is_trusted else max(max_age, MIN_ANONYMOUS_AGE)


async def _refresh_stale(context: Context, ids: Sequence[str], locations: list[Location], max_age: timedelta) -> None:
    """Read the counts of variants that are older than the maximum age from all authorities at the same time."""
    counted = get_counted_locations(context, locations)
    levels_by_variant = await context.read(stock_levels.find_levels, ids, counted, build_ageing(context))
    stale_ids = {
        level.variant_id
        for levels in levels_by_variant.values()
        for level in levels
        if level.tracked and (level.observed_at is None or context.now - level.observed_at > max_age)
    }
    if stale_ids:
        await _refresh_authorities(context, sorted(stale_ids), counted)


async def refresh_stock(context: Context, ids: Sequence[str], locations: list[Location]) -> None:
    """Read the current counts of variants at locations from their authorities."""
    await _refresh_authorities(context, ids, get_counted_locations(context, locations))
    context.clear_loaders()


async def _refresh_authorities(context: Context, ids: Sequence[str], counted: Sequence[CountedLocation]) -> None:
    refs_by_channel = await context.read(stock_levels.find_stock_refs, ids, counted)
    faults = await asyncio.gather(*(_refresh_channel(context, key, refs) for key, refs in refs_by_channel.items()))
    context.live_faults.update(
        {key: fault for key, fault in zip(refs_by_channel, faults, strict=True) if fault is not None}
    )


async def _refresh_channel(context: Context, key: str, refs: Sequence[Ref]) -> Fault | None:
    """Read counts from a channel. If the channel does not support it or fails, the stored counts stay as they are."""
    if not context.gateway.live_reads.can_refresh(key, Resource.STOCK):
        return Fault(code=FaultCode.UNSUPPORTED, retryable=False, occurred_at=context.now)
    deadline = context.gateway.settings.channels[key].live_deadline
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            with context.release_slot():
                return await context.gateway.live_reads.refresh(key, Resource.STOCK, refs, deadline)
    except TimeoutError:
        return Fault(code=FaultCode.TIMEOUT, retryable=True, occurred_at=context.now)
