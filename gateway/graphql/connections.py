"""Connections: one page of a list, cursors, and what is counted only when it is asked for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar, cast

from gateway.execution.context import Context, frozen
from gateway.execution.errors import BadUserInputError
from gateway.execution.fields import check_texts
from gateway.model.channels import Resource
from gateway.storage.finding import ProductQuery
from gateway.storage.paging import Page, Place, Rows, Window

T = TypeVar("T")
U = TypeVar("U")

DEFAULT_SIZE = 20
LARGEST_SIZE = 100
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Whether and where there is more."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Edge(Generic[T]):
    """An item and its cursor; and how far it is, where the list is in the order of distances."""

    cursor: str
    node: T
    distance_km: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Connection(Generic[T]):
    """One page.

    Attributes:
        rows, parent: what `totalCount` counts, unless `total` is known.
        asked: the resource and the channels that `sources` tells about.
        query: what the products are that `facets` counts.
    """

    edges: Sequence[Edge[T]]
    page_info: PageInfo
    rows: Rows[Any] | None = None
    parent: str | None = None
    total: int | None = None
    asked: tuple[Resource, tuple[str, ...]] | None = None
    query: ProductQuery | None = None

    @property
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]

    def holding(self, nodes: Sequence[U | None]) -> Connection[U]:
        """The same page with other items at its places, without those that are gone by now."""
        pairs = zip(self.edges, nodes, strict=True)
        edges = [Edge(edge.cursor, node, edge.distance_km) for edge, node in pairs if node is not None]
        return replace(cast("Connection[U]", self), edges=edges)


class Paging(NamedTuple):
    """The four arguments of every connection."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


def fingerprint(*parts: Any) -> str:
    """Of a list's sort, filter and search: cursors of one list are none of another."""
    return hashlib.blake2s(repr(frozen(parts)).encode(), digest_size=9).hexdigest()


async def page_of(
    context: Context,
    rows: Rows[T],
    paging: Paging,
    mark: str,
    asked: tuple[Resource, tuple[str, ...]] | None = None,
) -> Connection[T]:
    """The page of all rows."""
    page = await context.read(rows.page, _window(rows, paging, mark))
    return _connection(page, mark, rows=rows, asked=asked)


async def pages_of(
    context: Context, rows: Rows[T], parents: Sequence[str], paging: Paging, mark: str
) -> list[Connection[T]]:
    """A page for each parent."""
    pages = await context.read(rows.pages, _window(rows, paging, mark), parents)
    return [_connection(pages[parent], mark, rows=rows, parent=parent) for parent in parents]


def page_in_memory(
    items: Sequence[tuple[str, T]], paging: Paging, mark: str, distances: Mapping[str, float] | None = None
) -> Connection[T]:
    """The page of a list that is at hand; each item has a key, and perhaps a distance."""
    size = size_of(paging)
    places = {key: number for number, (key, _) in enumerate(items)}
    start = -1 if paging.after is None else _listed(paging.after, mark, places)
    end = len(items) if paging.before is None else _listed(paging.before, mark, places)
    between = [((number, key), item) for number, (key, item) in enumerate(items) if start < number < end]
    kept = between[-size:] if paging.last is not None else between[:size]
    lost = len(between) > len(kept)
    page = Page(
        kept,
        has_next=paging.before is not None if paging.last is not None else lost,
        has_previous=lost if paging.last is not None else paging.after is not None,
    )
    return _connection(page, mark, distances or {}, total=len(items))


def _listed(cursor: str, mark: str, places: dict[str, int]) -> int:
    _, key = place_of(cursor, mark, int)
    if key not in places:
        raise BadUserInputError("This cursor is not of this list.")
    return places[key]


def _connection(
    page: Page[T], mark: str, distances: Mapping[str, float] = MappingProxyType({}), **known: Any
) -> Connection[T]:
    edges = [Edge(_cursor(place, mark), item, distances.get(place[1])) for place, item in page.items]
    info = PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges, info, **known)


def page_up_to(items: Sequence[tuple[Place, T]], upto: Place, mark: str, *, more: bool, begun: bool) -> Connection[T]:
    """A page of a list that is read as it grows: it says how far it goes even where it is empty."""
    page = _connection(Page(items, more, begun), mark)
    return replace(page, page_info=replace(page.page_info, end_cursor=_cursor(upto, mark)))


def _window(rows: Rows[Any], paging: Paging, mark: str) -> Window:
    kind = rows.sort.kind
    return Window(
        size=size_of(paging),
        backward=paging.last is not None,
        after=None if paging.after is None else place_of(paging.after, mark, kind),
        before=None if paging.before is None else place_of(paging.before, mark, kind),
    )


def size_of(paging: Paging) -> int:
    """How many items a page has."""
    if paging.first is not None and paging.last is not None:
        raise BadUserInputError("Give either first or last, not both.")
    size = paging.last if paging.first is None else paging.first
    if size is None:
        return DEFAULT_SIZE
    if not 1 <= size <= LARGEST_SIZE:
        raise BadUserInputError(f"first and last are at least 1 and at most {LARGEST_SIZE}.")
    return size


def _cursor(place: Place, mark: str) -> str:
    text = json.dumps([mark, *place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def place_of(cursor: str, mark: str, *kinds: type[str] | type[int]) -> Place:
    """The place that a cursor of this list stands for; its value is of one of these kinds."""
    try:
        found = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise BadUserInputError("This is not a cursor of this gateway.") from error
    if not _is_place(found, kinds):
        raise BadUserInputError("This is not a cursor of this gateway.")
    check_texts(found)
    if found[0] != mark:
        raise BadUserInputError("This cursor is of a list with another sort, filter or search.")
    place = found[1], found[2]
    if _cursor(place, mark) != cursor:
        raise BadUserInputError("This is not a cursor of this gateway.")
    return place


def _is_place(found: Any, kinds: Sequence[type[str] | type[int]]) -> bool:
    if not (isinstance(found, list) and len(found) == 3 and isinstance(found[2], str)):
        return False
    value = found[1]
    if value is not None and type(value) not in kinds:
        return False
    return not isinstance(value, int) or abs(value) <= _LARGEST


async def total_counts(context: Context, connections: Sequence[Connection[Any]]) -> Sequence[int]:
    """How many items each list has in all: one statement for all parents of the same rows."""
    totals: dict[int, int] = {}
    by_rows: dict[int, list[Connection[Any]]] = {}
    for connection in connections:
        by_rows.setdefault(id(connection.rows), []).append(connection)
    for same in by_rows.values():
        totals.update(await _counted(context, same))
    return [totals[id(connection)] for connection in connections]


async def _counted(context: Context, same: Sequence[Connection[Any]]) -> dict[int, int]:
    rows = same[0].rows
    if rows is None:
        return {id(connection): connection.total or 0 for connection in same}
    parents = [connection.parent for connection in same if connection.parent is not None]
    if not parents:
        total = await context.read(rows.count)
        return {id(connection): total for connection in same}
    counts = await context.read(rows.counts, parents)
    return {id(connection): counts[connection.parent] for connection in same if connection.parent is not None}
