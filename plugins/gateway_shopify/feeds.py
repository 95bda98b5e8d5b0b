"""Feeds of a shop's connections: full passes by ranges of IDs, passes over changes, and single records.

A full pass requests IDs greater than the last one, so its page token never expires, however large the shop is; a
cursor of Shopify is limited to 25,000 records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar

from gateway.sdk import (
    ChannelError,
    CollectionRecord,
    Context,
    ContractError,
    CustomerRecord,
    Gone,
    InvalidValueError,
    LiveFeed,
    Mark,
    OrderRecord,
    Page,
    ProductRecord,
    RateLimitedError,
    Raw,
    Ref,
    StockRecord,
    Token,
    json_access,
)
from gateway_shopify import graphql_values
from gateway_shopify.client import ShopifyClient
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.nested_pagination import complete_node, get_connection, get_next_cursor
from gateway_shopify.page_size import PageSize
from gateway_shopify.read_documents import ConnectionQueries

OVERLAP = timedelta(minutes=2)
"""Maximum delay until a change appears in Shopify's search."""

MAX_CURSOR_DEPTH = 20_000
"""Number of records up to which a cursor is followed; then the search restarts at the current position."""

_CURRENCY = re.compile(r"[A-Z]{3}")

R = TypeVar("R", ProductRecord, StockRecord, CollectionRecord, CustomerRecord, OrderRecord)


@dataclass(frozen=True, slots=True)
class ShopContext:
    """Client, configuration and context that all feeds of a shop share."""

    client: ShopifyClient
    config: ShopifyConfig
    context: Context


@dataclass(frozen=True, slots=True)
class IdRangePosition:
    """Position of a full pass: records after this ID. `mark`: the mark at the beginning of the pass."""

    after: int
    mark: str | None


@dataclass(frozen=True, slots=True)
class ChangePosition:
    """Position of a pass over changes: `depth` records after this instant."""

    since: str
    cursor: str | None = None
    depth: int = 0


class ConnectionFeed(LiveFeed[R]):
    """A feed of a connection of the shop."""

    def __init__(
        self,
        shop: ShopContext,
        of: type[R],
        name: str,
        connection: ConnectionQueries,
        read: Callable[[Raw, ShopifyConfig], R],
    ) -> None:
        self.of = of
        self.name = name
        self.ascending = connection.newest is not None
        self.fetch_at_once = connection.count_records(connection.max_entries)
        self._client, self._config, self._context = shop.client, shop.config, shop.context
        self._connection, self._page_size = connection, PageSize(connection)
        self._map_record: Callable[[Raw, ShopifyConfig], R] = read

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        if mark is None:
            return await self._read_id_range(
                IdRangePosition(**json.loads(token)) if token else IdRangePosition(0, await self.fetch_newest_mark())
            )
        return await self._read_changes(
            ChangePosition(**json.loads(token)) if token else ChangePosition(subtract_overlap(mark)), mark
        )

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        nodes, shop = await self.fetch_nodes([ref.id for ref in refs])
        raws = {id: self.build_raws(node, shop)[0] for id, node in nodes.items() if node is not None}
        return {ref.id: raws.get(ref.id) or await self.resolve_missing(ref) for ref in refs}

    def read(self, raw: Raw) -> R | Gone:
        return self._map_record(raw, self._config)

    def build_raws(self, node: Any, shop: Any) -> list[Raw]:
        """Build the records of a node."""
        return [Raw(graphql_values.get_identity(node, self._connection.type), {"node": node, "shop": shop})]

    async def fetch_nodes(self, ids: Sequence[str]) -> tuple[Mapping[str, Any], Any]:
        """Return the complete nodes of these IDs (None for missing ones), and the shop."""
        variables = {"inside": self._connection.max_entries} if self._connection.nested_field else {}
        data = await self._client.call(
            self._connection.by_id, ids=[graphql_values.build_gid(self._connection.type, id) for id in ids], **variables
        )
        nodes = data.get("nodes")
        if not isinstance(nodes, list) or len(nodes) != len(ids):
            raise ContractError(f"{self._connection.by_id.name} returned other records than requested")
        for id, node in zip(ids, nodes, strict=True):
            if node is not None and graphql_values.get_identity(node, self._connection.type) != id:
                raise ContractError(f"{self._connection.by_id.name} returned another record than requested")
        completed = [await complete_node(self._client, node, self._connection.nested) for node in nodes]
        return dict(zip(ids, completed, strict=True)), self._check_currency(data)

    async def resolve_missing(self, ref: Ref) -> Raw | Gone | ChannelError:
        """Return the result for a record that the shop does not have."""
        return Gone(ref)

    async def fetch_newest_mark(self) -> str | None:
        """Return the instant of the last change, on the shop's clock: the mark for the next pass."""
        if self._connection.newest is None:
            return None
        data = await self._client.call(self._connection.newest)
        nodes = get_connection(data, self._connection.field, self._connection.newest)["nodes"]
        return self._advance_mark("", nodes) or None

    async def _read_id_range(self, position: IdRangePosition) -> Page:
        order = {} if self._connection.newest is None else {"sort": "ID"}
        query = f"id:>{position.after}" if position.after else None
        nodes, shop, more = await self._fetch_page(None, query=query, **order)
        last = _check_progress(nodes, self._connection, position.after)
        items, taken = await self._complete_nodes(nodes, shop)
        if taken < len(nodes):
            last, more = _check_progress(nodes[:taken], self._connection, position.after), "cut"
        return Page(items, build_token(IdRangePosition(last, position.mark)) if more else None, position.mark)

    async def _read_changes(self, position: ChangePosition, mark: Mark) -> Page:
        query = f"updated_at:>='{position.since}'"
        nodes, shop, cursor = await self._fetch_page(position.cursor, query=query, sort="UPDATED_AT")
        recent = [node for node in nodes if _is_recent(node, position)]
        items, taken = await self._complete_nodes(recent, shop)
        new_mark = self._advance_mark(mark, recent[:taken])
        if taken == len(recent):
            return Page(items, self._build_next_token(position, cursor, len(nodes), new_mark), new_mark)
        if new_mark <= position.since:
            raise RateLimitedError("the shop's cost bucket is empty")
        return Page(items, build_token(ChangePosition(new_mark)), new_mark)

    def _build_next_token(
        self, position: ChangePosition, cursor: str | None, count: int, new_mark: str
    ) -> Token | None:
        if cursor is None:
            return None
        if position.depth + count < MAX_CURSOR_DEPTH:
            return build_token(ChangePosition(position.since, cursor, position.depth + count))
        if new_mark <= position.since:
            raise ContractError(f"{self._connection.listing.name} lists more changes in one second than can be read")
        return build_token(ChangePosition(new_mark))

    def _advance_mark(self, mark: Mark, nodes: Sequence[Any]) -> Mark:
        """Return the new mark. It is limited to the present: a record with a future date would hide later changes."""
        return _find_latest(mark, nodes, format_instant(self._context.now() + OVERLAP))

    async def _fetch_page(self, after: str | None, **search: Any) -> tuple[list[Any], Any, str | None]:
        """Return nodes, the shop, and the cursor of the next page."""
        data = await self._client.call(self._connection.listing, after=after, **self._page_size.variables, **search)
        connection = get_connection(data, self._connection.field, self._connection.listing)
        return connection["nodes"], self._check_currency(data), get_next_cursor(connection, after)

    def _check_currency(self, data: Mapping[str, Any]) -> Any:
        """Check the currency and return the shop. Prices carry no currency: in another one they would be wrong."""
        shop, expected = graphql_values.convert_object(data.get("shop")), self._config.currency
        currency = shop.get("currencyCode")
        if currency != expected:
            named = currency if isinstance(currency, str) and _CURRENCY.fullmatch(currency) else "unknown"
            raise ContractError(
                f"the shop's currency is {named}, but {expected} is configured: correct the configuration"
            )
        return shop

    async def _complete_nodes(self, nodes: Sequence[Any], shop: Any) -> tuple[list[Raw], int]:
        """Return the records of as many nodes as the budget allows to complete, at least one, and their number."""
        completed: list[Any] = []
        for node in nodes:
            try:
                completed.append(await complete_node(self._client, node, self._connection.nested))
            except RateLimitedError:
                if not completed:
                    raise
                break
        self._page_size.record_sample(completed)
        return [raw for node in completed for raw in self.build_raws(node, shop)], len(completed)


def _check_progress(nodes: Sequence[Any], connection: ConnectionQueries, after: int) -> int:
    """Return the last ID of a page of a full pass. IDs must increase, otherwise the pass would not end."""
    ids = [int(id) for id in (graphql_values.get_identity(node, connection.type) for node in nodes) if id.isdigit()]
    if nodes and not ids:
        raise ContractError(f"{connection.listing.name} lists records without a valid ID")
    if any(later <= former for former, later in pairwise([after, *ids])):
        raise ContractError(f"{connection.listing.name} lists IDs that do not increase")
    return max([after, *ids])


def _read_updated_at(node: Any) -> str | None:
    """Return when a node was last changed, to the second, as used in searches; None if invalid."""
    try:
        return format_instant(json_access.get_instant(node, "updatedAt"))
    except (InvalidValueError, AttributeError):
        return None


def _find_latest(mark: Mark, nodes: Sequence[Any], now: str) -> Mark:
    return max([mark, *(min(_read_updated_at(node) or mark, now) for node in nodes)])


def _is_recent(node: Any, position: ChangePosition) -> bool:
    """Whether a node is not older than the position: the search for customers has a resolution of one day."""
    return (_read_updated_at(node) or position.since) >= position.since


def subtract_overlap(mark: Mark) -> str:
    return format_instant(datetime.fromisoformat(mark) - OVERLAP)


def format_instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def build_token(position: IdRangePosition | ChangePosition) -> Token:
    return json.dumps(asdict(position))
