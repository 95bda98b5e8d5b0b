"""Loaders of locations, and between locations and channels."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, slice_page
from gateway.graphql.cursors import ListCursors, compute_fingerprint
from gateway.graphql.loaders.channels import load_channel_lists
from gateway.model.channels import (
    Channel,
)
from gateway.model.locations import Location


async def load_locations(context: Context, keys: Sequence[str]) -> Sequence[Location | None]:
    return [context.gateway.locations.get(key) for key in keys]


async def load_channels_by_location(context: Context, keys: Sequence[str]) -> Sequence[list[Channel]]:
    locations = context.gateway.locations
    return list(await load_channel_lists(context, [locations[key].sellers for key in keys]))


async def load_locations_by_channel(
    context: Context,
    keys: Sequence[str],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[Location]]:
    paging = Paging(first, after, last, before)
    cursors = ListCursors.build(context, compute_fingerprint("Channel.locations"))
    locations = context.gateway.locations
    by_channel = [[item for item in locations.items() if channel in item[1].sellers] for channel in keys]
    return [slice_page(items, paging, cursors) for items in by_channel]
