"""Loaders of channels and sources: how channels contributed to a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.execution.context import Context
from gateway.graphql.loaders.factories import make_group_loader
from gateway.model.channels import (
    PULLED_BY,
    Channel,
    ChannelHealth,
    ChannelState,
    FaultCode,
    HealthStatus,
    Resource,
    Source,
    SourceState,
)
from gateway.storage.reads import channel_status, variant_offers
from gateway.storage.reads.channel_status import Age

Ages = Mapping[tuple[str, Resource], Age]

load_sync_statuses = make_group_loader(channel_status.find_sync_status)


async def load_channels(context: Context, keys: Sequence[str]) -> Sequence[Channel | None]:
    """Load the channels that the caller sees."""
    return [context.channels.get(key) for key in keys]


async def load_channels_of_sales(context: Context, keys: Sequence[str]) -> Sequence[Channel | None]:
    """Load channels of carts and orders, which always name their channel (rule X1)."""
    return [context.gateway.channels.get(key) for key in keys]


async def load_channel_lists(context: Context, keys: Sequence[tuple[str, ...]]) -> Sequence[list[Channel]]:
    """Load lists of channels, in the order of the configuration."""
    channels = context.channels
    return [[channel for key, channel in channels.items() if key in group] for group in keys]


async def load_channel_states(context: Context, channels: Sequence[Channel]) -> Sequence[ChannelState]:
    """Load the configured states; an enabled channel that an operator has paused is PAUSED."""
    paused = await context.read(channel_status.find_paused, [channel.key for channel in channels])
    return [
        ChannelState.PAUSED if channel.state is ChannelState.ENABLED and channel.key in paused else channel.state
        for channel in channels
    ]


async def load_channel_health(context: Context, keys: Sequence[str]) -> Sequence[ChannelHealth]:
    healths = await context.read(channel_status.find_health, keys)
    return [healths.get(key) or ChannelHealth(status=HealthStatus.UNKNOWN) for key in keys]


async def load_data_ages(context: Context, keys: Sequence[str]) -> Sequence[Ages]:
    """Load the ages of all feeds, once per request; the keys do not matter."""
    ages = await context.read(channel_status.find_ages)
    return [ages for _ in keys]


async def load_sources(
    context: Context, keys: Sequence[tuple[Resource, tuple[str, ...]]]
) -> Sequence[list[Source] | Exception]:
    """Load how channels contributed to results about a resource, by (resource, channel keys)."""
    ages = await context.load(load_data_ages, "all")
    return [[build_source(context, ages, key, resource) for key in channel_keys] for resource, channel_keys in keys]


def build_source(context: Context, ages: Ages, key: str, resource: Resource, as_of: datetime | None = None) -> Source:
    """Return how a channel contributed to a result.

    `as_of`: the time of the rows in the result, if they are more recent than the last complete pass.
    """
    age = ages.get((key, Resource.PRODUCTS if resource is Resource.PRICES else resource))
    observed_at = as_of or (age.as_of if age else None)
    stale_at = None if observed_at is None else observed_at + context.gateway.live_reads.get_stale_after(key, resource)
    fault = context.live_faults.get(key) or (age.fault if age else None)
    state = _derive_source_state(context, key, resource, stale_at, failing=fault is not None)
    return Source(channel_key=key, resource=resource, state=state, as_of=observed_at, stale_at=stale_at, fault=fault)


def _derive_source_state(
    context: Context, key: str, resource: Resource, stale_at: datetime | None, *, failing: bool
) -> SourceState:
    channel = context.gateway.channels[key]
    live_fault = context.live_faults.get(key)
    if live_fault is not None and live_fault.code is FaultCode.UNSUPPORTED:
        return SourceState.UNSUPPORTED
    if channel.state is ChannelState.FAILED or live_fault is not None:
        return SourceState.FAILED
    if PULLED_BY[resource] not in (channel.capabilities or ()):
        return SourceState.UNSUPPORTED
    if stale_at is not None and stale_at > context.now:
        return SourceState.FRESH
    return SourceState.FAILED if failing else SourceState.STALE


async def load_currencies(context: Context, channels: Sequence[str]) -> Sequence[list[str]]:
    """Load the currencies in which each channel has prices, its own first."""
    found = await context.read(variant_offers.find_currencies, channels)
    return [_list_currencies(context.gateway.channels[key].currency_code, found.get(key, ())) for key in channels]


def _list_currencies(own: str | None, priced: Sequence[str]) -> list[str]:
    return list(dict.fromkeys((*(() if own is None else (own,)), *priced)))
