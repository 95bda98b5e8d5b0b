"""Stock: what the shop counts of an item in a place, read apart from the products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from gateway.sdk import ChannelError, Gone, InvalidValueError, Raw, Ref, StockRecord
from gateway_shopify import answers
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.feeds import Shop, ShopFeed
from gateway_shopify.operations import ITEMS


class StockFeed(ShopFeed[StockRecord]):
    """Levels by inventory item. An item's `updatedAt` does not move with its stock, so every pass names everything."""

    every = timedelta(minutes=15)

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop, StockRecord, "stock", ITEMS, stock_of)

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        nodes, shop = await self.found(list(dict.fromkeys(ref.id.partition("/")[0] for ref in refs)))
        found = {raw.id: raw for node in nodes.values() if node is not None for raw in self.raws(node, shop)}
        return {ref.id: found.get(ref.id) or Gone(ref) for ref in refs}

    def raws(self, node: Any, shop: Any) -> list[Raw]:
        item = answers.identity(node, "InventoryItem")
        try:
            levels = answers.nodes(node, "inventoryLevels")
        except (InvalidValueError, AttributeError):
            return [Raw(item, node)]
        return [Raw(f"{item}/{answers.identity(level.get('location'), 'Location')}", level) for level in levels]


def stock_of(raw: Raw, config: ShopifyConfig) -> StockRecord:
    """The level that this node is. What is available already excludes what is committed to orders."""
    level = raw.data
    item, _, place = raw.id.partition("/")
    counts = {answers.text(one, "name"): answers.whole(one, "quantity") for one in answers.several(level, "quantities")}
    if not (item.isdigit() and place.isdigit() and "available" in counts and "committed" in counts):
        raise InvalidValueError("quantities", "expected what is available and committed, of an item in a place")
    return StockRecord(
        ref=Ref(raw.id),
        version=answers.moment(level, "updatedAt"),
        item=item,
        place=place,
        available=counts["available"],
        committed=counts["committed"],
        incoming=counts.get("incoming", 0),
    )
