"""Channels, locations, and how channels took part in an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, fingerprint, page_in_memory
from gateway.model.channels import (
    PULLED_BY,
    Channel,
    ChannelHealth,
    ChannelState,
    FaultCode,
    HealthStatus,
    Location,
    Resource,
    Source,
    SourceState,
    SyncStatus,
)
from gateway.storage import channels as stored
from gateway.storage.channels import Age

Ages = Mapping[tuple[str, Resource], Age]


async def channels(context: Context, keys: Sequence[str]) -> Sequence[Channel | None]:
    return [context.gateway.channels.get(key) for key in keys]


async def channel_lists(context: Context, keys: Sequence[tuple[str, ...]]) -> Sequence[list[Channel]]:
    """The channels with these keys, in the order of the configuration."""
    known = context.gateway.channels
    return [[channel for key, channel in known.items() if key in wanted] for wanted in keys]


async def locations(context: Context, keys: Sequence[str]) -> Sequence[Location | None]:
    return [context.gateway.locations.get(key) for key in keys]


async def channels_of_locations(context: Context, keys: Sequence[str]) -> Sequence[list[Channel]]:
    places = context.gateway.locations
    return list(await channel_lists(context, [tuple(places[key].external_ids) for key in keys]))


async def locations_of_channels(
    context: Context,
    keys: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[Location]]:
    paging, mark = Paging(first, after, last, before), fingerprint("Channel.locations")
    places = context.gateway.locations.items()
    return [
        page_in_memory([(name, place) for name, place in places if key in place.external_ids], paging, mark)
        for key in keys
    ]


async def states(context: Context, known: Sequence[Channel]) -> Sequence[ChannelState]:
    """What stands in the configuration, and of channels that take part whether an operator has paused them."""
    paused = await context.read(stored.paused, [channel.key for channel in known])
    return [
        ChannelState.PAUSED if channel.state is ChannelState.ENABLED and channel.key in paused else channel.state
        for channel in known
    ]


async def healths(context: Context, keys: Sequence[str]) -> Sequence[ChannelHealth]:
    found = await context.read(stored.healths, keys)
    return [found.get(key) or ChannelHealth(status=HealthStatus.UNKNOWN) for key in keys]


async def progress(context: Context, keys: Sequence[str]) -> Sequence[Sequence[SyncStatus]]:
    found = await context.read(stored.progress, keys)
    return [found[key] for key in keys]


async def ages(context: Context, keys: Sequence[str]) -> Sequence[Ages]:
    """All ages, once per request, whatever the keys."""
    found = await context.read(stored.ages)
    return [found for _ in keys]


async def sources(
    context: Context, keys: Sequence[tuple[Resource, tuple[str, ...]]]
) -> Sequence[list[Source] | Exception]:
    """How these channels took part in an answer about a resource."""
    known = await context.load(ages, "all")
    return [[source(context, known, key, resource) for key in channel_keys] for resource, channel_keys in keys]


def source(context: Context, known: Ages, key: str, resource: Resource, as_of: datetime | None = None) -> Source:
    """One source. `as_of`: of the very rows in the answer, where they are younger than the whole."""
    age = known.get((key, Resource.PRODUCTS if resource is Resource.PRICES else resource))
    moment = as_of or (age.as_of if age else None)
    stale_at = None if moment is None else moment + context.gateway.stale_after(key, resource)
    fault = context.live_faults.get(key) or (age.fault if age else None)
    state = _state(context, key, resource, stale_at, failing=fault is not None)
    return Source(channel_key=key, resource=resource, state=state, as_of=moment, stale_at=stale_at, fault=fault)


def _state(context: Context, key: str, resource: Resource, stale_at: datetime | None, *, failing: bool) -> SourceState:
    channel = context.gateway.channels[key]
    live = context.live_faults.get(key)
    if live is not None and live.code is FaultCode.UNSUPPORTED:
        return SourceState.UNSUPPORTED
    if channel.state is ChannelState.FAILED or live is not None:
        return SourceState.FAILED
    if PULLED_BY[resource] not in (channel.capabilities or ()):
        return SourceState.UNSUPPORTED
    if stale_at is not None and stale_at > context.now:
        return SourceState.FRESH
    return SourceState.FAILED if failing else SourceState.STALE
