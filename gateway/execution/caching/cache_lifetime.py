"""Maximum age of a response in shared caches."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.execution.caching.cache_control import CachePolicy, DataKind
from gateway.execution.caching.data_ages import Ages
from gateway.execution.query_runtime import QueryRuntime
from gateway.model.channels import PULLED_BY, ChannelState, Resource
from gateway.model.documents import DocumentPolicy


async def compute_shared_max_age(
    gateway: QueryRuntime, policy: CachePolicy, now: datetime, document: DocumentPolicy | None
) -> timedelta | None:
    """Compute the maximum age of a response, or None if it is private. `document`: the policy of its document."""
    if not policy.is_shared:
        return None
    if document is not None and document.max_age is not None:
        return document.max_age
    return _compute_max_age(gateway, policy, now, await gateway.data_ages.find())


def compute_max_age_at_once(gateway: QueryRuntime, policy: CachePolicy, now: datetime) -> timedelta | None:
    """Compute the maximum age as `compute_shared_max_age` does, without a policy of the document. None: the response
    is private, or the ages of data have to be read.
    """
    ages = gateway.data_ages.find_current() if policy.is_shared else None
    return None if ages is None else _compute_max_age(gateway, policy, now, ages)


def _compute_max_age(gateway: QueryRuntime, policy: CachePolicy, now: datetime, ages: Ages) -> timedelta:
    table = gateway.settings.server.caching
    longest = {DataKind.CATALOG: table.catalog, DataKind.STOCK: table.stock}
    return policy.compute_max_age(now, longest, _find_stale_at(gateway, policy, now, ages))


def _find_stale_at(gateway: QueryRuntime, policy: CachePolicy, now: datetime, ages_by_source: Ages) -> datetime | None:
    """Return when the first resource in the response becomes stale, or None if no channel supplies any of them."""
    if policy.stale_by is not None and policy.stale_by[0] is ages_by_source:
        return policy.stale_by[1]
    stale_times: list[datetime] = []
    for key, resource in _list_sources(gateway, policy):
        age = ages_by_source.get((key, resource))
        if age is None or age.as_of is None:
            return now
        stale_times.append(age.as_of + gateway.live_reads.get_stale_after(key, resource))
    stale_at = min(stale_times, default=None)
    policy.stale_by = (ages_by_source, stale_at)
    return stale_at


def _list_sources(gateway: QueryRuntime, policy: CachePolicy) -> list[tuple[str, Resource]]:
    """Return the channels and resources that the response depends on. Disabled channels are left out."""
    return [
        (key, resource)
        for resource in policy.get_resources()
        for key, channel in gateway.channels.items()
        if channel.state is ChannelState.ENABLED and PULLED_BY[resource] in (channel.capabilities or ())
    ]
