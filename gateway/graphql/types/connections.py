"""Relay connections: generic page types of all paginated lists."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql import connections
from gateway.graphql.connections import CountPrecision

T = TypeVar("T")

COUNT_COST = 50
"""Cost of counting a whole list. It takes as long as the list is."""


def declare_total_count(cost: int) -> Any:
    """Declare the field `totalCount` of a connection."""
    return load(
        "Number of items in the whole list, counted to 10,001 at most: see `totalCountPrecision`. Computed only if "
        "selected: omit it if you do not show it.",
        connections.load_total_counts,
        key=lambda connection: connection,
        cost=cost,
    )


def declare_count_precision(cost: int) -> Any:
    """Declare the field `totalCountPrecision` of a connection."""
    return load(
        "Whether `totalCount` is the number of items, or there are at least as many.",
        connections.load_count_precisions,
        key=lambda connection: connection,
        cost=cost,
    )


@output(connections.PageInfo, "Position of a page in its list.", data=DataKind.PART)
class PageInfo:
    has_next_page: bool = attribute("Whether there are items after this page.")
    has_previous_page: bool = attribute("Whether there are items before this page.")
    start_cursor: str | None = attribute("Cursor of the first item, for `before`. Null: the page is empty.")
    end_cursor: str | None = attribute("Cursor of the last item, for `after`. Null: the page is empty.")


@output(connections.Edge, "An item of a page and its cursor.", data=DataKind.PART)
class Edge(Generic[T]):
    cursor: str = attribute("Cursor of the item, for `after` or `before` with the same sort order, filter and search.")
    node: T = attribute("The item.")


@output(connections.Edge, "An item of a page, its cursor and its distance.", name="Edge", data=DataKind.PART)
class NearEdge(Edge[T], Generic[T]):
    distance_km: float | None = attribute(
        "Great-circle distance from `near`, in kilometers. Null: `near` was not given or the location has no "
        "coordinates."
    )


@output(connections.Connection, "A page of a list without a total count.", name="Connection", data=DataKind.PART)
class UncountedConnection(Generic[T]):
    edges: list[Edge[T]] = attribute("The items with their cursors.")
    nodes: list[T] = attribute("The items.")
    page_info: PageInfo = attribute("Position of the page in the list.")


@output(connections.Connection, "A page of a list.", data=DataKind.PART)
class Connection(UncountedConnection[T], Generic[T]):
    total_count: int | None = declare_total_count(COUNT_COST)
    total_count_precision: CountPrecision | None = declare_count_precision(COUNT_COST)


@output(
    connections.Connection,
    "A page of a list without a total count, sorted by distance if `near` is given.",
    name="Connection",
    data=DataKind.PART,
)
class UncountedNearConnection(Generic[T]):
    edges: list[NearEdge[T]] = attribute("The items with their cursors and distances.")
    nodes: list[T] = attribute("The items.")
    page_info: PageInfo = attribute("Position of the page in the list.")


@output(
    connections.Connection,
    "A page of a list, sorted by distance if `near` is given.",
    name="Connection",
    data=DataKind.PART,
)
class NearConnection(UncountedNearConnection[T], Generic[T]):
    total_count: int | None = declare_total_count(COUNT_COST)
    total_count_precision: CountPrecision | None = declare_count_precision(COUNT_COST)
