"""Relay connections: the same types around every list that can grow."""

from __future__ import annotations

from typing import Generic, TypeVar

from gateway.execution.fields import attribute, load
from gateway.execution.keeping import Data
from gateway.execution.types import output
from gateway.graphql import connections as model

T = TypeVar("T")


@output(model.PageInfo, "Whether and where a list goes on beyond this page.", data=Data.PART)
class PageInfo:
    has_next_page: bool = attribute("Whether there are items after this page.")
    has_previous_page: bool = attribute("Whether there are items before this page.")
    start_cursor: str | None = attribute("Cursor of the first item, for `before`. Null on an empty page.")
    end_cursor: str | None = attribute("Cursor of the last item, for `after`. Null on an empty page.")


@output(model.Edge, "An item of a page, with its place in the list.", data=Data.PART)
class Edge(Generic[T]):
    cursor: str = attribute("The item's place: good as `after` or `before` with the same sort, filter and search.")
    node: T = attribute("The item.")


@output(model.Edge, "An item of a page, with its place in the list, and how far it is.", name="Edge", data=Data.PART)
class NearEdge(Edge[T], Generic[T]):
    distance_km: float | None = attribute(
        "The great-circle distance from `near`, in kilometers. Null without it, and where the place is not known."
    )


@output(model.Connection, "One page of a list that is not counted.", name="Connection", data=Data.PART)
class Uncounted(Generic[T]):
    edges: list[Edge[T]] = attribute("The items with their cursors.")
    nodes: list[T] = attribute("The items.")
    page_info: PageInfo = attribute("Whether and where the list goes on.")


@output(model.Connection, "One page of a list.", data=Data.PART)
class Connection(Uncounted[T], Generic[T]):
    total_count: int | None = load(
        "How many items the whole list has. Counted only when asked for: leave it out where you do not show it.",
        model.total_counts,
        key=lambda connection: connection,
    )


@output(
    model.Connection,
    "One page of a list that is not counted, in the order of distances.",
    name="Connection",
    data=Data.PART,
)
class UncountedNear(Generic[T]):
    edges: list[NearEdge[T]] = attribute("The items with their cursors and distances.")
    nodes: list[T] = attribute("The items.")
    page_info: PageInfo = attribute("Whether and where the list goes on.")


@output(
    model.Connection, "One page of a list that may be in the order of distances.", name="Connection", data=Data.PART
)
class NearConnection(UncountedNear[T], Generic[T]):
    total_count: int | None = load(
        "How many items the whole list has. Counted only when asked for: leave it out where you do not show it.",
        model.total_counts,
        key=lambda connection: connection,
    )
