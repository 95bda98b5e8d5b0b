"""Listings, and what the merchant offers of each: both are in the answers of one search."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from gateway.sdk import (
    ChannelError,
    Context,
    Gone,
    InvalidValueError,
    LiveFeed,
    Mark,
    Page,
    ProductRecord,
    Raw,
    Ref,
    StockRecord,
    Token,
)
from gateway.sdk.shapes import Shape
from gateway_amazon.catalog import is_parent, product_of, units_of
from gateway_amazon.config import AmazonConfig
from gateway_amazon.packs import Packs
from gateway_amazon.search import AT_ONCE, ListingSearch, Position, named
from gateway_amazon.shapes import count, objects, packed, stamp, unpacked

R = TypeVar("R", ProductRecord, StockRecord)
LATE = timedelta(minutes=10)
"""So late a change may appear in a search."""

FULFILLMENT = "fulfillmentAvailability"
AVAILABILITY = "fulfillment_availability"
"""The same, as the seller has filed it among the attributes."""

MERCHANT = "DEFAULT"
"""The code under which a listing says what the merchant himself ships."""


class SearchedFeed(LiveFeed[R]):
    """What is read of listings.

    Attributes:
        data: the parts of a listing that it needs.
        prefix: of its ids, before the SKU.
        deltas: a listing's date of change moves with what it reads.
    """

    every = timedelta(minutes=5)
    fetch_at_once = AT_ONCE
    data: str
    prefix = ""
    deltas = True

    def __init__(self, config: AmazonConfig, context: Context, search: ListingSearch, packs: Packs) -> None:
        self._config, self._context = config, context
        self._search, self._packs = search, packs

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        at = self._begin(mark) if token is None else Position(*unpacked(token, 5))
        items, further = await self._search.page(at, self.data)
        self._packs.learn(items)
        raws = [Raw(self.prefix + sku, self.kept(item)) for sku, item in named(items, "sku").items() if self._is(item)]
        return Page(raws, next=packed(*further) if further else None, mark=at.begun if self.deltas else None)

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        skus = {ref.id: ref.id.removeprefix(self.prefix) for ref in refs}
        found = await self._search.by_sku(list(skus.values()), self.data)
        self._packs.learn(found.values())
        there = {id: found[sku] for id, sku in skus.items() if sku in found and self._is(found[sku])}
        return {ref.id: Raw(ref.id, self.kept(there[ref.id])) if ref.id in there else Gone(ref) for ref in refs}

    def _begin(self, mark: Mark | None) -> Position:
        now = stamp(self._context.now())
        if mark is None or mark > now:  # or our clock was set back: much has changed before, and nothing since
            return Position(now, changed=False, since=None)
        return Position(now, changed=True, since=stamp(datetime.fromisoformat(mark) - LATE))

    def _is(self, item: Shape) -> bool:
        """Whether the feed has it. What is too odd to tell is left to be rejected."""
        try:
            return self.has(item)
        except InvalidValueError:
            return True

    @abstractmethod
    def has(self, item: Shape) -> bool:
        """Whether the feed has this listing."""

    def kept(self, item: Shape) -> Shape:
        """What is read of it: everything else would make it look changed."""
        return item


class ListingFeed(SearchedFeed[ProductRecord]):
    """Every SKU as a product of its own."""

    of = ProductRecord
    name = "listings"
    data = "summaries,attributes,offers,relationships"

    def read(self, raw: Raw) -> ProductRecord:
        return product_of(raw, self._config)

    def has(self, item: Shape) -> bool:
        return not is_parent(item, self._config.store)

    def kept(self, item: Shape) -> Shape:
        """All but what is offered: that moves with every sale."""
        filed = item.get("attributes")
        if not isinstance(filed, dict):
            return item
        return {**item, "attributes": {name: value for name, value in filed.items() if name != AVAILABILITY}}


class MerchantStockFeed(SearchedFeed[StockRecord]):
    """What the merchant offers. Every pass is a full one: a listing's date of change does not move with its stock."""

    of = StockRecord
    name = "merchant-stock"
    data = "summaries,attributes,fulfillmentAvailability"
    prefix = "merchant/"
    deltas = False

    def read(self, raw: Raw) -> StockRecord:
        offered = next((count(one, "quantity") for one in offers_of(raw.data)), None)
        if offered is None:
            raise InvalidValueError("quantity", "is missing")
        sku, place = raw.id.removeprefix(self.prefix), self._config.merchant_place
        units = units_of(raw.data, self._config)
        return StockRecord(ref=Ref(raw.id), item=sku, place=place, available=offered * units)

    def has(self, item: Shape) -> bool:
        return bool(offers_of(item))

    def kept(self, item: Shape) -> Shape:
        filed = item.get("attributes")
        if isinstance(filed, dict):
            filed = {name: filed[name] for name in self._config.pack_attributes if name in filed}
        return {"sku": item.get("sku"), FULFILLMENT: item.get(FULFILLMENT), "attributes": filed}


def offers_of(item: Shape) -> list[Shape]:
    """What the merchant ships himself, where he says how many."""
    found = (one for one in objects(item, FULFILLMENT) if one.get("fulfillmentChannelCode") == MERCHANT)
    return [one for one in found if one.get("quantity") is not None]
