"""Loader of the facets of a list of products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import strawberry

from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.arguments import declare_argument
from gateway.graphql.catalog_values import load_cached
from gateway.graphql.connections import Connection as Page
from gateway.graphql.product_filters import check_facet_key
from gateway.model.attributes.definitions import AttributeDefinition, AttributeValue, select_label
from gateway.model.attributes.values import read_values
from gateway.model.ids import GlobalId
from gateway.storage.database import Connection
from gateway.storage.reads import facets
from gateway.storage.reads.facets import PRICE, Facet, FacetValue
from gateway.storage.reads.product_search import CATEGORY, OPTION, ProductQuery

MAX_FACETS = 20

Keys = Annotated[
    list[str] | None,
    declare_argument(
        "Keys of the facets to return: `brand`, `category`, `tag`, `price` (requires `channelKey`), those of "
        "attributes or, for an option, such as `option.Color`. Default: all facets.",
        max_items=MAX_FACETS,
    ),
]
First = Annotated[int | None, strawberry.argument(description="Maximum number of facets, 1 to 20. Default: 20.")]


async def load_facets(
    context: Context, connections: Sequence[Page[Any]], *, keys: Keys = None, first: First = None
) -> Sequence[Sequence[Facet]]:
    count = MAX_FACETS if first is None else first
    if not 1 <= count <= MAX_FACETS:
        raise BadUserInputError(f"first must be between 1 and {MAX_FACETS}.")
    queries = [connection.query for connection in connections if connection.query is not None]
    return [await _count_facets(context, query, keys, count) for query in queries]


async def _count_facets(context: Context, query: ProductQuery, keys: Sequence[str] | None, count: int) -> list[Facet]:
    counted = await _find_facets(context, query, _check_keys(context, keys, query))
    return [_describe_facet(context, facet) for facet in counted[:count]]


def _describe_facet(context: Context, facet: Facet) -> Facet:
    """Add to a facet how the configuration shows an attribute or an option, and its values."""
    definition = _find_definition(context, facet.key)
    if definition is None:
        return replace(facet, values=[_encode_value(facet.key, value) for value in facet.values])
    described = [_describe_value(definition, value) for value in facet.values]
    return replace(facet, values=[value for value in described if value is not None], definition=definition)


def _find_definition(context: Context, key: str) -> AttributeDefinition | None:
    if key.startswith(OPTION):
        return context.gateway.options.get(key.removeprefix(OPTION))
    return context.gateway.attributes.get(key)


def _describe_value(definition: AttributeDefinition, value: FacetValue) -> FacetValue | None:
    """Add how the configuration shows a value; None: it is of a type that was declared before."""
    for read in read_values(definition, [value.value]):
        return replace(value, declared=read.declared, swatch=read.swatch, label=_select_value_label(read))
    return None


def _select_value_label(value: AttributeValue) -> str:
    return select_label({} if value.declared is None else value.declared.labels, None, value.value)


async def _find_facets(context: Context, query: ProductQuery, keys: Sequence[str] | None) -> Sequence[Facet]:
    def compute(conn: Connection) -> Sequence[Facet]:
        return facets.compute_facets(conn, query, keys)

    return await load_cached(context, ("facets", keys), query, compute, _count_values)


def _count_values(found: Sequence[Facet]) -> int:
    """Count the values, plus one for each facet: the memory that they take."""
    return 1 + sum(1 + len(facet.values) for facet in found)


def _check_keys(context: Context, keys: Sequence[str] | None, query: ProductQuery) -> Sequence[str] | None:
    if keys is None:
        return None
    if not keys or len(set(keys)) < len(keys):
        raise BadUserInputError(f"keys must contain 1 to {MAX_FACETS} different facets.")
    if PRICE in keys and query.channel is None:
        raise BadUserInputError("The facet price requires channelKey.")
    return [check_facet_key(context, key) for key in keys]


def _encode_value(key: str, value: FacetValue) -> FacetValue:
    return replace(value, value=str(GlobalId("Category", (value.value,)))) if key == CATEGORY else value
