"""Stock: levels, and the only live read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import strawberry

from gateway.execution.caller import CallerKind
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.execution.keeping import Data
from gateway.graphql.arguments import After, Before, ChannelKey, First, Last, LocationKey
from gateway.graphql.connections import Connection, Paging, fingerprint, page_of
from gateway.graphql.ids import row_id
from gateway.graphql.inputs import StockLevelFilter
from gateway.graphql.loads import catalog, stock
from gateway.graphql.queries import filters
from gateway.model.catalog import Variant
from gateway.model.channels import Fault, FaultCode, Location, Resource
from gateway.model.stock import Stock, StockLevel
from gateway.sdk.records import Ref
from gateway.storage import levels as stored
from gateway.storage.levels import Counted

MOST = 100
ANONYMOUS_FLOOR = timedelta(seconds=5)


async def stock_levels(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    location_key: Annotated[str, strawberry.argument(description="Key of the location.")],
    filter: Annotated[StockLevelFilter | None, strawberry.argument(description="Which levels.")] = None,
) -> Connection[StockLevel]:
    (place,) = stored.counted([context.known_location(location_key)], {})  # without a channel there is no buffer
    rows = stored.variants_with_level(place, filters.stock_levels(context, filter))
    mark = fingerprint("stockLevels", location_key, filter)
    page = await page_of(context, rows, Paging(first, after, last, before), mark)
    levels = await context.load_all(stock.levels_by_key, [(variant_id, location_key) for variant_id in page.nodes])
    return page.holding(levels)


async def stocks(
    context: Context,
    *,
    variant_ids: Annotated[
        list[strawberry.ID], strawberry.argument(description="At most 100 variants. The answer has their order.")
    ],
    channel_key: ChannelKey = None,
    location_key: LocationKey = None,
    max_age_seconds: Annotated[
        int | None,
        strawberry.argument(
            description="How old the answer may be; the channels are asked about what is older. At least 5 without a "
            "token. Left out: whatever its age."
        ),
    ] = None,
) -> list[Stock | None]:
    if len(variant_ids) > MOST:
        raise BadUserInputError(f"At most {MOST} variants at once.")
    channel = context.channel(channel_key)
    places = _places(context, channel, location_key)
    found = await context.load_all(catalog.variants, [row_id("ProductVariant", text) for text in variant_ids])
    if max_age_seconds is not None:
        context.keeping.note(Data.UNKEPT)
        await _refresh(context, [one for one in found if one is not None], places, _oldest(context, max_age_seconds))
    ids = [one.id for one in found if one is not None]
    made = await context.load_all(stock.stocks_of_variants, ids, channel_key=channel, location_key=location_key)
    by_variant = {one.variant_id: one for one in made}
    return [None if one is None else by_variant[one.id] for one in found]


def _places(context: Context, channel: str, location: str | None) -> list[Location]:
    places = stock.places_of(context, channel)
    return places if location is None else [one for one in places if one is context.known_location(location)]


def _oldest(context: Context, seconds: int) -> timedelta:
    if seconds < 0:
        raise BadUserInputError("maxAgeSeconds is at least 0.")
    asked = timedelta(seconds=seconds)
    return max(asked, ANONYMOUS_FLOOR) if context.caller.kind is CallerKind.ANONYMOUS else asked


async def _refresh(context: Context, variants: Sequence[Variant], places: list[Location], oldest: timedelta) -> None:
    """Ask the authorities about everything that is older, all at once."""
    counted = stock.counted(context, places)
    ids = [one.id for one in variants]
    known = await context.read(stored.levels_of_variants, ids, counted, stock.ageing(context))
    old = {
        level.variant_id
        for some in known.values()
        for level in some
        if level.tracked and (level.observed_at is None or context.now - level.observed_at > oldest)
    }
    if old:
        await _ask(context, sorted(old), counted)


async def ask_authorities(context: Context, ids: Sequence[str], places: list[Location]) -> None:
    """Read what is counted of these variants at these places now."""
    await _ask(context, ids, stock.counted(context, places))
    context.forget()


async def _ask(context: Context, ids: Sequence[str], counted: Sequence[Counted]) -> None:
    refs = await context.read(stored.stock_refs, ids, counted)
    faults = await asyncio.gather(*(_ask_channel(context, key, some) for key, some in refs.items()))
    context.live_faults.update({key: fault for key, fault in zip(refs, faults, strict=True) if fault is not None})


async def _ask_channel(context: Context, key: str, refs: Sequence[Ref]) -> Fault | None:
    """One live read. A channel that cannot do it, or fails, leaves what is known as it is."""
    if not context.gateway.can_refresh(key, Resource.STOCK):
        return Fault(code=FaultCode.UNSUPPORTED, retryable=False, occurred_at=context.now)
    deadline = context.gateway.settings.channels[key].live_deadline
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            with context.apart():
                return await context.gateway.refresh(key, Resource.STOCK, refs, deadline)
    except TimeoutError:
        return Fault(code=FaultCode.TIMEOUT, retryable=True, occurred_at=context.now)
