"""Finding things again by their ids, and who is asking."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from gateway.execution.caller import Viewer
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError, QueryError
from gateway.graphql.nodes import load_node

MOST = 100


async def node(
    context: Context, *, id: Annotated[strawberry.ID, strawberry.argument(description="A global id.")]
) -> Any:
    return await load_node(context, id)


async def nodes(
    context: Context,
    *,
    ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 global ids.")],
) -> list[Any]:
    if len(ids) > MOST:
        raise BadUserInputError(f"At most {MOST} ids at once.")
    return [_found(context, id_) for id_ in ids]


def _found(context: Context, text: str) -> Any:
    try:
        return load_node(context, text)
    except QueryError as error:
        return error


async def viewer(context: Context) -> Viewer:
    known, own = context.gateway.channels, context.caller.channel
    return Viewer(
        kind=context.caller.kind,
        scopes=context.caller.scopes,
        channels=tuple(sorted(known.values(), key=lambda channel: channel.key != own)),
        locations=tuple(context.gateway.locations.values()),
        server_time=context.now,
    )
