"""Channels, locations, and what could not be taken in."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, fingerprint, page_in_memory, page_of
from gateway.graphql.near import Near, by_distance, point
from gateway.model.channels import (
    Channel,
    ChannelKind,
    FulfillmentMethod,
    Location,
    LocationKind,
    Resource,
    mapped_places,
)
from gateway.storage import channels as stored
from gateway.storage.channels import SyncReject


async def channels(
    context: Context,
    *,
    kind: Annotated[ChannelKind | None, strawberry.argument(description="Only channels of this kind.")] = None,
) -> list[Channel]:
    return [channel for channel in context.gateway.channels.values() if kind in (None, channel.kind)]


async def channel(
    context: Context,
    *,
    key: Annotated[str, strawberry.argument(description="Its key in the configuration.")],
) -> Channel | None:
    return context.gateway.channels.get(key)


async def location(
    context: Context,
    *,
    key: Annotated[str, strawberry.argument(description="Its key in the configuration.")],
) -> Location | None:
    return context.gateway.locations.get(key)


async def locations(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    near: Near = None,
    fulfillment_method: Annotated[
        FulfillmentMethod | None, strawberry.argument(description="Only where goods can leave like this.")
    ] = None,
    kind: Annotated[LocationKind | None, strawberry.argument(description="Only places of this kind.")] = None,
) -> Connection[Location]:
    origin, known = point(near), context.gateway.locations.values()
    places, distances = by_distance(
        (one for one in known if kind in (None, one.kind) and fulfillment_method in (None, *one.fulfillment_methods)),
        origin,
    )
    mark, paging = fingerprint("locations", origin, fulfillment_method, kind), Paging(first, after, last, before)
    return page_in_memory([(place.key, place) for place in places], paging, mark, distances)


async def sync_rejects(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    channel_key: Annotated[str | None, strawberry.argument(description="Only of this channel.")] = None,
    resource: Annotated[Resource | None, strawberry.argument(description="Only of this kind.")] = None,
) -> Connection[SyncReject]:
    if channel_key is not None:
        context.known_channel(channel_key)
    mapped = mapped_places(context.gateway.locations.values())
    rows, mark = (
        stored.rejects_matching(mapped, channel_key, resource),
        fingerprint("syncRejects", channel_key, resource),
    )
    return await page_of(context, rows, Paging(first, after), mark)
