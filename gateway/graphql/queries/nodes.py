"""Resolvers of nodes by global ID, and of the viewer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import strawberry

from gateway.execution.caller import Viewer
from gateway.execution.context import Context
from gateway.graphql.arguments import declare_argument
from gateway.graphql.node_resolver import load_node, load_nodes

MAX_IDS = 100


async def resolve_node(
    context: Context, *, id: Annotated[strawberry.ID, strawberry.argument(description="A global ID.")]
) -> Any:
    return await load_node(context, "id", id)


async def resolve_nodes(
    context: Context,
    *,
    ids: Annotated[list[strawberry.ID], declare_argument("Global IDs, at most 100.", max_items=MAX_IDS)],
) -> Sequence[Any]:
    return await load_nodes(context, ids)


async def resolve_viewer(context: Context) -> Viewer:
    caller, default = context.caller, context.find_default_channel()
    channels = sorted(context.channels.values(), key=lambda channel: channel.key != default)
    return Viewer(
        kind=caller.kind,
        name=caller.name or None,
        scopes=caller.scopes,
        default_channel=None if default is None else context.channels[default],
        channels=tuple(channels),
        sellable_channels=tuple(channel for channel in channels if channel.key in context.selling_channels),
        locations=tuple(item for item in context.gateway.locations.values() if caller.can_act_at(item.key)),
        expires_at=caller.expires_at,
        customer_id=caller.home,
        server_time=context.now,
    )
