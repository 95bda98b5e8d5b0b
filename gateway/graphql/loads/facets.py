"""Facets of a list of products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import strawberry

from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.connections import Connection
from gateway.graphql.queries.filters import facet_key
from gateway.model.ids import GlobalId
from gateway.storage import facets as stored
from gateway.storage.facets import PRICE, Facet, Value
from gateway.storage.finding import CATEGORY, ProductQuery

MOST = 20

Keys = Annotated[
    list[str] | None,
    strawberry.argument(
        description="Which facets: `brand`, `category`, `tag`, `price` (which needs `channelKey`), `option.Color`. "
        "Without it all that there are."
    ),
]
First = Annotated[int | None, strawberry.argument(description="How many facets at most: 1 to 20. Default 20.")]


async def facets(
    context: Context, connections: Sequence[Connection[Any]], *, keys: Keys = None, first: First = None
) -> Sequence[Sequence[Facet]]:
    most = MOST if first is None else first
    if not 1 <= most <= MOST:
        raise BadUserInputError(f"first is at least 1 and at most {MOST}.")
    queries = [connection.query for connection in connections if connection.query is not None]
    return [await _facets(context, query, keys, most) for query in queries]


async def _facets(context: Context, query: ProductQuery, keys: Sequence[str] | None, most: int) -> list[Facet]:
    found = await context.read(stored.facets, query, _checked(keys, query))
    return [replace(facet, values=[_shown(facet.key, one) for one in facet.values]) for facet in found[:most]]


def _checked(keys: Sequence[str] | None, query: ProductQuery) -> Sequence[str] | None:
    if keys is None:
        return None
    if not 1 <= len(keys) <= MOST or len(set(keys)) < len(keys):
        raise BadUserInputError(f"keys names at least one and at most {MOST} facets, each once.")
    if PRICE in keys and query.channel is None:
        raise BadUserInputError("The facet price needs channelKey.")
    return [facet_key(key) for key in keys]


def _shown(key: str, value: Value) -> Value:
    return replace(value, value=str(GlobalId("Category", (value.value,)))) if key == CATEGORY else value
