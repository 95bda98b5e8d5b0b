"""Resolvers of locations."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, slice_page
from gateway.graphql.cursors import ListCursors, compute_fingerprint
from gateway.graphql.distance import Near, round_position, sort_by_distance
from gateway.model.locations import FulfillmentMethod, Location, LocationKind


async def resolve_location(
    context: Context,
    *,
    key: Annotated[str, strawberry.argument(description="Key in the configuration.")],
) -> Location | None:
    return context.gateway.locations.get(key)


async def resolve_locations(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    near: Near = None,
    fulfillment_method: Annotated[
        FulfillmentMethod | None,
        strawberry.argument(description="Returns locations that support this fulfillment method."),
    ] = None,
    kind: Annotated[LocationKind | None, strawberry.argument(description="Returns locations of this kind.")] = None,
) -> Connection[Location]:
    origin = round_position(near)
    matching = [
        location
        for location in context.gateway.locations.values()
        if kind in (None, location.kind) and fulfillment_method in (None, *location.fulfillment_methods)
    ]
    locations, distances = sort_by_distance(matching, origin)
    paging = Paging(first, after, last, before)
    cursors = ListCursors.build(context, compute_fingerprint("locations", origin, fulfillment_method, kind))
    return slice_page([(location.key, location) for location in locations], paging, cursors, distances)
