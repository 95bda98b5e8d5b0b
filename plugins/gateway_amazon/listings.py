"""Listings, and what the merchant offers of each: both are in the answers of one search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

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
from gateway_amazon.catalog import is_parent, product_of, units_of
from gateway_amazon.config import AmazonConfig
from gateway_amazon.packs import Packs
from gateway_amazon.search import AT_ONCE, ListingSearch, Position, named
from gateway_amazon.shapes import Shape, count, objects

LATE = timedelta(minutes=10)
"""So late a change may appear in a search."""

LISTING_DATA = "summaries,attributes,offers,relationships"
STOCK_DATA = "summaries,attributes,fulfillmentAvailability"
MERCHANT = "DEFAULT"
"""The code under which a listing says what the merchant himself ships."""


def searched(mark: Mark | None, token: Token | None, now: datetime) -> Position:
    """Where a page of a pass is to be searched for."""
    if token is not None:
        return Position.parse(token)
    since = None if mark is None else stamp(datetime.fromisoformat(mark) - LATE)
    return Position(begun=stamp(now), changed=mark is not None, since=since)


def stamp(moment: datetime) -> str:
    """A moment as Amazon writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class ListingFeed(LiveFeed[ProductRecord]):
    """Every SKU as a product of its own."""

    of = ProductRecord
    name = "listings"
    every = timedelta(minutes=5)
    fetch_at_once = AT_ONCE

    def __init__(self, config: AmazonConfig, context: Context, search: ListingSearch, packs: Packs) -> None:
        self._config, self._context = config, context
        self._search, self._packs = search, packs

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        at = searched(mark, token, self._context.now())
        items, further = await self._search.page(at, LISTING_DATA)
        self._packs.learn(items)
        raws = [Raw(name, item) for name, item in named(items).items() if not self._parent(item)]
        return Page(raws, next=further.token() if further else None, mark=at.begun)

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        found = await self._search.by_sku([ref.id for ref in refs], LISTING_DATA)
        self._packs.learn(found.values())
        return {ref.id: self._fetched(ref, found.get(ref.id)) for ref in refs}

    def read(self, raw: Raw) -> ProductRecord:
        return product_of(raw, self._config)

    def _fetched(self, ref: Ref, item: Shape | None) -> Raw | Gone:
        return Gone(ref) if item is None or self._parent(item) else Raw(ref.id, item)

    def _parent(self, item: Shape) -> bool:
        """One that is too odd to tell is left to be rejected."""
        try:
            return is_parent(item, self._config.store)
        except InvalidValueError:
            return False


class MerchantStockFeed(LiveFeed[StockRecord]):
    """What the merchant offers. Every pass is a full one: a listing's date of change does not move with its stock."""

    of = StockRecord
    name = "merchant-stock"
    every = timedelta(minutes=5)
    fetch_at_once = AT_ONCE

    def __init__(self, config: AmazonConfig, context: Context, search: ListingSearch, packs: Packs) -> None:
        self._config, self._context = config, context
        self._search, self._packs = search, packs

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        items, further = await self._search.page(searched(None, token, self._context.now()), STOCK_DATA)
        self._packs.learn(items)
        raws = [Raw(f"merchant/{name}", self._slim(item)) for name, item in named(items).items() if offered(item)]
        return Page(raws, next=further.token() if further else None)

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        skus = {ref.id: ref.id.removeprefix("merchant/") for ref in refs}
        found = await self._search.by_sku(list(skus.values()), STOCK_DATA)
        return {ref.id: self._fetched(ref, found.get(skus[ref.id])) for ref in refs}

    def read(self, raw: Raw) -> StockRecord:
        sku = raw.id.removeprefix("merchant/")
        quantities = [count(one, "quantity") for one in merchants(raw.data)]
        if not quantities or quantities[0] is None:
            raise InvalidValueError("quantity", "is missing")
        available = quantities[0] * units_of(raw.data, self._config)
        return StockRecord(ref=Ref(raw.id), item=sku, place=self._config.merchant_place, available=available)

    def _fetched(self, ref: Ref, item: Shape | None) -> Raw | Gone:
        return Gone(ref) if item is None or not offered(item) else Raw(ref.id, self._slim(item))

    def _slim(self, item: Shape) -> Shape:
        """What the count depends on: everything else would make it look changed."""
        attributes = item.get("attributes")
        packs = attributes if isinstance(attributes, dict) else {}
        kept = {name: packs[name] for name in self._config.pack_attributes if name in packs}
        return {
            "sku": item.get("sku"),
            "fulfillmentAvailability": item.get("fulfillmentAvailability"),
            "attributes": kept,
        }


def merchants(item: Shape) -> list[Shape]:
    """What the merchant ships himself."""
    found = objects(item, "fulfillmentAvailability")
    return [one for one in found if one.get("fulfillmentChannelCode") == MERCHANT]


def offered(item: Shape) -> bool:
    """Whether the merchant says how many he ships. What is too odd to tell is left to be rejected."""
    try:
        return any(one.get("quantity") is not None for one in merchants(item))
    except InvalidValueError:
        return True
