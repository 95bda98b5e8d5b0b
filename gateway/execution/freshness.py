"""How long the answer that a context has made may be kept by caches that everybody shares."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.execution.context import Context
from gateway.execution.keeping import Data
from gateway.model.channels import PULLED_BY, ChannelState, Resource
from gateway.storage.channels import ages


async def shared_for(context: Context) -> timedelta | None:
    """How long; None: it is for its caller alone."""
    if not context.keeping.is_shared:
        return None
    table = context.gateway.settings.server.caching
    longest = {Data.CATALOG: table.catalog, Data.STOCK: table.stock}
    return context.keeping.lasts(context.now, longest, await _stale_at(context))


async def _stale_at(context: Context) -> datetime | None:
    """When what the channels told last is stale, of what the answer depends on; None: nobody tells any of it."""
    known = await context.read(ages)
    ends: list[datetime] = []
    for key, resource in _told(context):
        age = known.get((key, resource))
        if age is None or age.as_of is None:
            return context.now
        ends.append(age.as_of + context.gateway.stale_after(key, resource))
    return min(ends, default=None)


def _told(context: Context) -> list[tuple[str, Resource]]:
    """What is told by channels that take part."""
    return [
        (key, resource)
        for resource in context.keeping.resources()
        for key, channel in context.gateway.channels.items()
        if channel.state is ChannelState.ENABLED and PULLED_BY[resource] in (channel.capabilities or ())
    ]
