"""Relay connections: pages of lists, their cursors, and total counts that are computed only if selected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar, cast

from gateway.execution.caching.page_check import PageCheck
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.graphql.catalog_values import load_cached
from gateway.graphql.cursors import ListCursors
from gateway.model.channels import Resource
from gateway.storage.database import Connection as DatabaseConnection
from gateway.storage.reads.product_search import ProductQuery
from gateway.storage.sql.keyset import MAX_COUNT, KeysetPosition, Page, Positions, Rows, Sort, Window

T = TypeVar("T")
U = TypeVar("U")

ReadPositions = Callable[[DatabaseConnection, Window], Positions]
ReadPage = Callable[[Window], Awaitable[Page[T]]]

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100


class CountPrecision(Enum):
    """Whether a list was counted to its end."""

    EXACT = "EXACT"
    AT_LEAST = "AT_LEAST"


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Position of a page in its list."""

    has_next_page: bool
    has_previous_page: bool
    start: KeysetPosition | None
    end: KeysetPosition | None
    cursors: ListCursors

    @property
    def start_cursor(self) -> str | None:
        """Cursor of the first item."""
        return None if self.start is None else self.cursors.encode(self.start)

    @property
    def end_cursor(self) -> str | None:
        """Cursor of the last item."""
        return None if self.end is None else self.cursors.encode(self.end)


@dataclass(frozen=True, slots=True)
class Edge(Generic[T]):
    """An item, its position and, in a list sorted by distance, its distance in kilometers."""

    position: KeysetPosition
    cursors: ListCursors
    node: T
    distance_km: float | None = None

    @property
    def cursor(self) -> str:
        """Cursor of the item."""
        return self.cursors.encode(self.position)


@dataclass(frozen=True, slots=True, eq=False)
class Connection(Generic[T]):
    """A page of a list.

    Attributes:
        rows, parent: The list that `totalCount` counts, unless `total` is given.
        source_channels: The resource and the keys of the channels that `sources` reports.
        query: The products that `facets` counts.
        check: Tells whether the page still has the same items; None: nothing does.
    """

    edges: Sequence[Edge[T]]
    page_info: PageInfo
    rows: Rows[Any] | None = None
    parent: str | None = None
    total: int | None = None
    source_channels: tuple[Resource, tuple[str, ...]] | None = None
    query: ProductQuery | None = None
    check: PageCheck | None = None

    @property
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]

    def replace_nodes(self, nodes: Sequence[U | None]) -> Connection[U]:
        """Return the page with other items at its cursors; an item of None is left out."""
        pairs = zip(self.edges, nodes, strict=True)
        edges = [Edge(edge.position, edge.cursors, node, edge.distance_km) for edge, node in pairs if node is not None]
        return replace(cast("Connection[U]", self), edges=edges)


class Paging(NamedTuple):
    """The pagination arguments of a connection."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


async def load_page(
    context: Context,
    rows: Rows[T],
    paging: Paging,
    fingerprint: str,
    source_channels: tuple[Resource, tuple[str, ...]] | None = None,
    read_positions: ReadPositions | None = None,
    read_page: ReadPage[T] | None = None,
) -> Connection[T]:
    """Load a page of all rows. `read_positions`: reads which items it has later; `read_page`: reads it otherwise than
    by the statement of the rows.
    """
    cursors = ListCursors.build(context, fingerprint)
    window = _build_window(rows, paging, cursors)
    page = await (context.read(rows.read_page, window) if read_page is None else read_page(window))
    check = None if read_positions is None else _build_check(read_positions, window, page)
    return _build_connection(page, cursors, rows=rows, source_channels=source_channels, check=check)


def _build_check(read: ReadPositions, window: Window, page: Page[Any]) -> PageCheck:
    ids = frozenset(id_ for (_, id_), _ in page.items)
    return PageCheck(lambda conn: read(conn, window), page.list_positions(window), ids)


async def load_pages(
    context: Context, rows: Rows[T], parents: Sequence[str], paging: Paging, fingerprint: str
) -> list[Connection[T]]:
    """Load a page for each parent."""
    cursors = ListCursors.build(context, fingerprint)
    pages = await context.read(rows.read_pages, _build_window(rows, paging, cursors), parents)
    return [_build_connection(pages[parent], cursors, rows=rows, parent=parent) for parent in parents]


def slice_page(
    items: Sequence[tuple[str, T]], paging: Paging, cursors: ListCursors, distances: Mapping[str, float] | None = None
) -> Connection[T]:
    """Return a page of a list in memory. Items are (key, item); `distances` are in kilometers, by key."""
    size = get_page_size(paging)
    positions = {key: number for number, (key, _) in enumerate(items)}
    start = -1 if paging.after is None else _find_position(paging.after, cursors, positions)
    end = len(items) if paging.before is None else _find_position(paging.before, cursors, positions)
    between = [((number, key), item) for number, (key, item) in enumerate(items) if start < number < end]
    page_items = between[-size:] if paging.last is not None else between[:size]
    is_cut = len(between) > len(page_items)
    page = Page(
        page_items,
        has_next=paging.before is not None if paging.last is not None else is_cut,
        has_previous=is_cut if paging.last is not None else paging.after is not None,
    )
    return _build_connection(page, cursors, distances or {}, total=len(items))


def _find_position(cursor: str, cursors: ListCursors, positions: dict[str, int]) -> int:
    _, key = cursors.decode(cursor, int)
    if key not in positions:
        raise BadUserInputError("The cursor does not belong to this list.")
    return positions[key]


def _build_connection(
    page: Page[T], cursors: ListCursors, distances: Mapping[str, float] = MappingProxyType({}), **attributes: Any
) -> Connection[T]:
    edges = [Edge(position, cursors, item, distances.get(position[1])) for position, item in page.items]
    info = PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start=edges[0].position if edges else None,
        end=edges[-1].position if edges else None,
        cursors=cursors,
    )
    return Connection(edges, info, **attributes)


def build_log_page(
    items: Sequence[tuple[KeysetPosition, T]],
    end: KeysetPosition,
    cursors: ListCursors,
    *,
    has_next: bool,
    has_previous: bool,
) -> Connection[T]:
    """Return a page of a list that grows; its end cursor is set even if the page is empty."""
    page = _build_connection(Page(items, has_next, has_previous), cursors)
    return replace(page, page_info=replace(page.page_info, end=end))


def _build_window(rows: Rows[Any], paging: Paging, cursors: ListCursors) -> Window:
    after, before = (_decode_position(rows.sort, cursor, cursors) for cursor in (paging.after, paging.before))
    return Window(size=get_page_size(paging), backward=paging.last is not None, after=after, before=before)


def _decode_position(sort: Sort, cursor: str | None, cursors: ListCursors) -> KeysetPosition | None:
    return None if cursor is None else sort.convert(cursors.decode(cursor, *sort.kinds))


def get_page_size(paging: Paging) -> int:
    """Return the number of items of a page."""
    if paging.first is not None and paging.last is not None:
        raise BadUserInputError("Use first or last, not both.")
    size = paging.last if paging.first is None else paging.first
    if size is None:
        return DEFAULT_PAGE_SIZE
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise BadUserInputError(f"first and last must be between 1 and {MAX_PAGE_SIZE}.")
    return size


async def load_total_counts(context: Context, connections: Sequence[Connection[Any]]) -> Sequence[int]:
    """Count the items of each list, with one statement for all parents of the same rows."""
    totals: dict[int, int] = {}
    by_rows: dict[int, list[Connection[Any]]] = {}
    for connection in connections:
        by_rows.setdefault(id(connection.rows), []).append(connection)
    for group in by_rows.values():
        totals.update(await _count_rows(context, group))
    return [totals[id(connection)] for connection in connections]


async def load_count_precisions(context: Context, connections: Sequence[Connection[Any]]) -> Sequence[CountPrecision]:
    """Load whether each list was counted to its end."""
    totals = await context.load_all(load_total_counts, connections)
    return [CountPrecision.EXACT if total < MAX_COUNT else CountPrecision.AT_LEAST for total in totals]


async def _count_rows(context: Context, group: Sequence[Connection[Any]]) -> dict[int, int]:
    rows = group[0].rows
    if rows is None:
        return {id(connection): connection.total or 0 for connection in group}
    parents = [connection.parent for connection in group if connection.parent is not None]
    if not parents:
        total = await _count_list(context, rows, group[0].query)
        return {id(connection): total for connection in group}
    counts = await context.read(rows.count_by_parent, parents)
    return {id(connection): counts[connection.parent] for connection in group if connection.parent is not None}


async def _count_list(context: Context, rows: Rows[Any], query: ProductQuery | None) -> int:
    """Count a list; that of products once while the catalog stays the same (rule E2)."""
    return await (
        context.read(rows.count) if query is None else load_cached(context, "count", query, rows.count, lambda _: 1)
    )
