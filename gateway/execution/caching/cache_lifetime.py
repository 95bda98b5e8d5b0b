"""Maximum age of a response in shared caches."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.context import Context
from gateway.model.channels import PULLED_BY, ChannelState, Resource


async def compute_shared_max_age(context: Context) -> timedelta | None:
    """Compute the maximum age of the response, or None if it is private."""
    if not context.cache_policy.is_shared:
        return None
    if context.document_policy is not None and context.document_policy.max_age is not None:
        return context.document_policy.max_age
    table = context.gateway.settings.server.caching
    longest = {DataKind.CATALOG: table.catalog, DataKind.STOCK: table.stock}
    return context.cache_policy.compute_max_age(context.now, longest, await _find_stale_at(context))


async def _find_stale_at(context: Context) -> datetime | None:
    """Return when the first resource in the response becomes stale, or None if no channel supplies any of them."""
    ages_by_source = await context.gateway.data_ages.find()
    stale_times: list[datetime] = []
    for key, resource in _list_sources(context):
        age = ages_by_source.get((key, resource))
        if age is None or age.as_of is None:
            return context.now
        stale_times.append(age.as_of + context.gateway.live_reads.get_stale_after(key, resource))
    return min(stale_times, default=None)


def _list_sources(context: Context) -> list[tuple[str, Resource]]:
    """Return the channels and resources that the response depends on. Disabled channels are left out."""
    return [
        (key, resource)
        for resource in context.cache_policy.get_resources()
        for key, channel in context.gateway.channels.items()
        if channel.state is ChannelState.ENABLED and PULLED_BY[resource] in (channel.capabilities or ())
    ]
