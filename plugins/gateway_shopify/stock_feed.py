"""Feed of stock levels, which is separate from the products."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from gateway.sdk import ChannelError, Gone, InvalidValueError, Mark, Page, Raw, Ref, StockRecord, Token, json_access
from gateway_shopify import graphql_values
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.feeds import (
    MAX_CURSOR_DEPTH,
    OVERLAP,
    ConnectionFeed,
    IdRangePosition,
    ShopContext,
    build_token,
    format_instant,
    subtract_overlap,
)
from gateway_shopify.locations import list_locations
from gateway_shopify.nested_pagination import get_connection, get_next_cursor
from gateway_shopify.read_documents import CHANGED_LEVELS, ITEMS


@dataclass(frozen=True, slots=True)
class LevelPosition:
    """Position of a pass over changed levels: in the first of the remaining locations, after `depth` levels."""

    since: str
    mark: str
    locations: tuple[str, ...]
    cursor: str | None = None
    depth: int = 0

    def format_token(self) -> Token:
        """Format the page token. Its names are those of stored tokens."""
        fields = asdict(self)
        return json.dumps({"places": fields.pop("locations"), **fields})

    @classmethod
    def parse(cls, token: Mapping[str, Any]) -> LevelPosition:
        """Parse a page token."""
        fields = dict(token)
        return cls(locations=tuple(fields.pop("places")), **fields)


class StockFeed(ConnectionFeed[StockRecord]):
    """Stock levels: a full pass by inventory item, a pass over changes by location.

    `updatedAt` of an inventory item does not change with its stock, and levels cannot be sorted by theirs. The mark
    of a pass is therefore the time when it began, on the gateway's clock. A location that the shop has deactivated is
    not listed, and has no levels.
    """

    every = timedelta(minutes=1)

    def __init__(self, shop: ShopContext) -> None:
        super().__init__(shop, StockRecord, "stock", ITEMS, map_stock_level)

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        position = json.loads(token) if token is not None else {}
        if mark is None or "after" in position or (token is None and self._is_ahead(mark)):
            return await super().page(None, token)
        if position:
            return await self._read_changed_levels(LevelPosition.parse(position))
        first = await self._begin_pass(mark)
        return replace(await self._read_changed_levels(first), locations=frozenset(first.locations))

    async def fetch_newest_mark(self) -> str | None:
        return format_instant(self._context.now())

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        nodes, shop = await self.fetch_nodes(list(dict.fromkeys(ref.id.partition("/")[0] for ref in refs)))
        raws = {raw.id: raw for node in nodes.values() if node is not None for raw in self.build_raws(node, shop)}
        return {ref.id: raws.get(ref.id) or Gone(ref) for ref in refs}

    def build_raws(self, node: Any, shop: Any) -> list[Raw]:
        item = graphql_values.get_identity(node, "InventoryItem")
        try:
            return [_build_raw(item, level) for level in graphql_values.get_nodes(node, "inventoryLevels")]
        except (InvalidValueError, AttributeError):
            return [Raw(item, node)]

    def _is_ahead(self, mark: Mark) -> bool:
        """Whether the gateway's clock was set back: a pass over changes would miss changes."""
        return mark > format_instant(self._context.now() + OVERLAP)

    async def _begin_pass(self, mark: Mark) -> LevelPosition:
        locations = [location.id for location in await list_locations(self._client)]
        return LevelPosition(subtract_overlap(mark), format_instant(self._context.now()), tuple(locations))

    async def _read_changed_levels(self, position: LevelPosition) -> Page:
        if not position.locations:
            return Page((), None, position.mark)
        search = {"after": position.cursor, "query": f"updated_at:>='{position.since}'"}
        data = await self._client.call(
            CHANGED_LEVELS, id=graphql_values.build_gid("Location", position.locations[0]), **search
        )
        if data.get("node") is None:  # the location was deleted in the meantime
            return Page((), self._build_level_token(position, None, 0), position.mark)
        levels = get_connection(data["node"], "inventoryLevels", CHANGED_LEVELS)
        items = [
            _build_raw(
                graphql_values.get_identity(graphql_values.convert_object(level).get("item"), "InventoryItem"), level
            )
            for level in levels["nodes"]
        ]
        return Page(
            items,
            self._build_level_token(position, get_next_cursor(levels, position.cursor), len(items)),
            position.mark,
        )

    def _build_level_token(self, position: LevelPosition, cursor: str | None, count: int) -> Token | None:
        depth = position.depth + count
        if cursor is not None and depth >= MAX_CURSOR_DEPTH:
            return build_token(IdRangePosition(0, position.mark))  # beyond the reach of a cursor: read everything
        if cursor is not None:
            return replace(position, cursor=cursor, depth=depth).format_token()
        rest = position.locations[1:]
        return LevelPosition(position.since, position.mark, rest).format_token() if rest else None


def _build_raw(item: str, level: Any) -> Raw:
    """Build the record of a level. It does not depend on the query that returned it."""
    fields = {field: value for field, value in graphql_values.convert_object(level).items() if field != "item"}
    return Raw(f"{item}/{graphql_values.get_identity(fields.get('location'), 'Location')}", fields)


def map_stock_level(raw: Raw, config: ShopifyConfig) -> StockRecord:
    """Map a stock level. Available units exclude those committed to orders."""
    level = raw.data
    item, _, location = raw.id.partition("/")
    counts = {
        json_access.get_text(quantity, "name"): json_access.get_whole(quantity, "quantity")
        for quantity in json_access.get_objects(level, "quantities")
    }
    if not (item.isdigit() and location.isdigit() and "available" in counts and "committed" in counts):
        raise InvalidValueError(
            "quantities", "expected available and committed units of an inventory item at a location"
        )
    return StockRecord(
        ref=Ref(raw.id),
        version=json_access.get_instant(level, "updatedAt"),
        item=item,
        place=location,
        available=counts["available"],
        committed=counts["committed"],
        incoming=counts.get("incoming", 0),
    )
