"""Resolvers of channels and rejected records."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.graphql.arguments import After, First
from gateway.graphql.connections import Connection, Paging, load_page
from gateway.graphql.cursors import compute_fingerprint
from gateway.model.channels import Channel, ChannelKind, Resource
from gateway.model.locations import collect_external_locations
from gateway.storage.reads import channel_status
from gateway.storage.reads.channel_status import SyncReject


async def resolve_channels(
    context: Context,
    *,
    kind: Annotated[ChannelKind | None, strawberry.argument(description="Returns channels of this kind.")] = None,
) -> list[Channel]:
    return [channel for channel in context.channels.values() if kind in (None, channel.kind)]


async def resolve_channel(
    context: Context,
    *,
    key: Annotated[str, strawberry.argument(description="Key in the configuration.")],
) -> Channel | None:
    return context.channels.get(key)


async def resolve_sync_rejects(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    channel_key: Annotated[
        str | None, strawberry.argument(description="Key of a channel. Returns rejects of that channel.")
    ] = None,
    resource: Annotated[Resource | None, strawberry.argument(description="Returns rejects of this resource.")] = None,
) -> Connection[SyncReject]:
    channels = context.visibility.channels if channel_key is None else (context.require_channel(channel_key),)
    mapped = collect_external_locations(context.gateway.locations.values())
    rows = channel_status.search_rejects(mapped, channels, resource)
    fingerprint = compute_fingerprint("syncRejects", channel_key, resource)
    return await load_page(context, rows, Paging(first, after), fingerprint)
