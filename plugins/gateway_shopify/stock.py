"""Stock: what the shop counts of an item in a place, read apart from the products."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from gateway.sdk import ChannelError, Gone, InvalidValueError, Mark, Page, Raw, Ref, StockRecord, Token, shapes
from gateway_shopify import answers
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.feeds import DEPTH, OVERLAP, Range, Shop, ShopFeed, earlier, second, token_of
from gateway_shopify.following import connection_of, following
from gateway_shopify.operations import ITEMS, MOVED_LEVELS
from gateway_shopify.places import places


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a pass over changed levels is: in the first of these places, so many levels behind its beginning."""

    since: str
    mark: str
    places: tuple[str, ...]
    cursor: str | None = None
    depth: int = 0


class StockFeed(ShopFeed[StockRecord]):
    """Levels: all of them by inventory item, those that have changed by place.

    An item's `updatedAt` does not move with its stock, and levels cannot be sorted by theirs. So a pass over changes
    has no mark but the time when it began, which is the gateway's.
    """

    every = timedelta(minutes=1)

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop, StockRecord, "stock", ITEMS, stock_of)

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        place = json.loads(token) if token is not None else {}
        if mark is None or "after" in place or (token is None and self._is_ahead(mark)):
            return await super().page(None, token)
        return await self._moved(Moved(**place) if place else await self._begun(mark))

    async def newest(self) -> str | None:
        return second(self._context.now())

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        nodes, shop = await self.found(list(dict.fromkeys(ref.id.partition("/")[0] for ref in refs)))
        found = {raw.id: raw for node in nodes.values() if node is not None for raw in self.raws(node, shop)}
        return {ref.id: found.get(ref.id) or Gone(ref) for ref in refs}

    def raws(self, node: Any, shop: Any) -> list[Raw]:
        item = answers.identity(node, "InventoryItem")
        try:
            return [_raw(item, level) for level in answers.nodes(node, "inventoryLevels")]
        except (InvalidValueError, AttributeError):
            return [Raw(item, node)]

    def _is_ahead(self, mark: Mark) -> bool:
        """Whether our clock has been set back since: nothing has changed since then, and much before."""
        return mark > second(self._context.now() + OVERLAP)

    async def _begun(self, mark: Mark) -> Moved:
        everywhere = [place.id for place in await places(self._client)]
        return Moved(earlier(mark), second(self._context.now()), tuple(everywhere))

    async def _moved(self, at: Moved) -> Page:
        if not at.places:
            return Page((), None, at.mark)
        search = {"after": at.cursor, "query": f"updated_at:>='{at.since}'"}
        data = await self._client.ask(MOVED_LEVELS, id=answers.gid("Location", at.places[0]), **search)
        if data.get("node") is None:  # a place that was deleted meanwhile
            return Page((), self._onwards(at, None, 0), at.mark)
        levels = connection_of(data["node"], "inventoryLevels", MOVED_LEVELS)
        items = [
            _raw(answers.identity(answers.mapping(level).get("item"), "InventoryItem"), level)
            for level in levels["nodes"]
        ]
        return Page(items, self._onwards(at, following(levels, at.cursor), len(items)), at.mark)

    def _onwards(self, at: Moved, cursor: str | None, count: int) -> Token | None:
        depth = at.depth + count
        if cursor is not None and depth >= DEPTH:
            return token_of(Range(0, at.mark))  # more than a cursor reaches: everything is read
        if cursor is not None:
            return json.dumps({**asdict(at), "cursor": cursor, "depth": depth})
        rest = at.places[1:]
        return json.dumps(asdict(Moved(at.since, at.mark, rest))) if rest else None


def _raw(item: str, level: Any) -> Raw:
    """The level, the same however it was come by."""
    told = {field: value for field, value in answers.mapping(level).items() if field != "item"}
    return Raw(f"{item}/{answers.identity(told.get('location'), 'Location')}", told)


def stock_of(raw: Raw, config: ShopifyConfig) -> StockRecord:
    """The level that this node is. What is available already excludes what is committed to orders."""
    level = raw.data
    item, _, place = raw.id.partition("/")
    counts = {shapes.text(one, "name"): shapes.whole(one, "quantity") for one in shapes.several(level, "quantities")}
    if not (item.isdigit() and place.isdigit() and "available" in counts and "committed" in counts):
        raise InvalidValueError("quantities", "expected what is available and committed, of an item in a place")
    return StockRecord(
        ref=Ref(raw.id),
        version=shapes.instant(level, "updatedAt"),
        item=item,
        place=place,
        available=counts["available"],
        committed=counts["committed"],
        incoming=counts.get("incoming", 0),
    )
