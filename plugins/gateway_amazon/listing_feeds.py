"""Feeds of listings and of the merchant's stock; both are read from the same search."""

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
from gateway.sdk.json_access import Shape
from gateway_amazon.config import AmazonConfig
from gateway_amazon.json_values import (
    format_instant,
    get_optional_count,
    get_optional_objects,
    pack_token,
    unpack_token,
)
from gateway_amazon.listing_search import PAGE_SIZE, ListingSearch, SearchPosition, index_by_id
from gateway_amazon.pack_sizes import PackSizes
from gateway_amazon.product_mapping import get_units_per_listing, is_parent, map_product

R = TypeVar("R", ProductRecord, StockRecord)
SEARCH_DELAY = timedelta(minutes=10)
"""Maximum delay until a change appears in a search."""

FULFILLMENT = "fulfillmentAvailability"
AVAILABILITY = "fulfillment_availability"
"""The attribute in which the seller filed the same."""

MERCHANT_CHANNEL = "DEFAULT"
"""Fulfillment channel code of stock that the merchant ships."""


class ListingSearchFeed(LiveFeed[R]):
    """A feed of listings.

    Attributes:
        included_data: Data sets of a listing that the feed requests.
        prefix: Prefix of record IDs, before the SKU.
        has_deltas: Whether the date of change of a listing covers the data of this feed.
    """

    every = timedelta(minutes=5)
    fetch_at_once = PAGE_SIZE
    included_data: str
    prefix = ""
    has_deltas = True

    def __init__(self, config: AmazonConfig, context: Context, search: ListingSearch, pack_sizes: PackSizes) -> None:
        self._config, self._context = config, context
        self._search, self._pack_sizes = search, pack_sizes

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        position = self._begin_pass(mark) if token is None else SearchPosition(*unpack_token(token, 5))
        items, next_position = await self._search.fetch_page(position, self.included_data)
        self._pack_sizes.record_listings(items)
        raws = [
            Raw(self.prefix + sku, self.reduce_listing(item))
            for sku, item in index_by_id(items, "sku").items()
            if self._is_included(item)
        ]
        return Page(
            raws,
            next=pack_token(*next_position) if next_position else None,
            mark=position.started_at if self.has_deltas else None,
        )

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        skus = {ref.id: ref.id.removeprefix(self.prefix) for ref in refs}
        listings = await self._search.find_by_sku(list(skus.values()), self.included_data)
        self._pack_sizes.record_listings(listings.values())
        included = {
            id: listings[sku] for id, sku in skus.items() if sku in listings and self._is_included(listings[sku])
        }
        return {
            ref.id: Raw(ref.id, self.reduce_listing(included[ref.id])) if ref.id in included else Gone(ref)
            for ref in refs
        }

    def _begin_pass(self, mark: Mark | None) -> SearchPosition:
        now = format_instant(self._context.now())
        if mark is None or mark > now:  # or the clock was set back: a search for changes would miss changes
            return SearchPosition(now, by_change=False, since=None)
        return SearchPosition(now, by_change=True, since=format_instant(datetime.fromisoformat(mark) - SEARCH_DELAY))

    def _is_included(self, item: Shape) -> bool:
        """Whether the feed contains the listing. An invalid one is included, to be rejected with an error."""
        try:
            return self.has_listing(item)
        except InvalidValueError:
            return True

    @abstractmethod
    def has_listing(self, item: Shape) -> bool:
        """Whether the feed contains this listing."""

    def reduce_listing(self, item: Shape) -> Shape:
        """Return the part of a listing that the feed reads. Other data must not make it appear changed."""
        return item


class ListingFeed(ListingSearchFeed[ProductRecord]):
    """Listings: every SKU is a product of its own."""

    of = ProductRecord
    name = "listings"
    included_data = "summaries,attributes,offers,relationships"

    def read(self, raw: Raw) -> ProductRecord:
        return map_product(raw, self._config, self._context.attributes)

    def has_listing(self, item: Shape) -> bool:
        return not is_parent(item, self._config.store)

    def reduce_listing(self, item: Shape) -> Shape:
        """Omit the offered quantity: it changes with every sale."""
        attributes = item.get("attributes")
        if not isinstance(attributes, dict):
            return item
        return {**item, "attributes": {name: value for name, value in attributes.items() if name != AVAILABILITY}}


class MerchantStockFeed(ListingSearchFeed[StockRecord]):
    """Merchant stock. Every pass is a full pass: the date of change of a listing does not cover its stock."""

    of = StockRecord
    name = "merchant-stock"
    included_data = "summaries,attributes,fulfillmentAvailability"
    prefix = "merchant/"
    has_deltas = False

    def read(self, raw: Raw) -> StockRecord:
        quantity = next((get_optional_count(offer, "quantity") for offer in get_merchant_offers(raw.data)), None)
        if quantity is None:
            raise InvalidValueError("quantity", "is missing")
        sku, location = raw.id.removeprefix(self.prefix), self._config.merchant_place
        units = get_units_per_listing(raw.data, self._config)
        return StockRecord(ref=Ref(raw.id), item=sku, place=location, available=quantity * units)

    def has_listing(self, item: Shape) -> bool:
        return bool(get_merchant_offers(item))

    def reduce_listing(self, item: Shape) -> Shape:
        attributes = item.get("attributes")
        if isinstance(attributes, dict):
            attributes = {name: attributes[name] for name in self._config.pack_attributes if name in attributes}
        return {"sku": item.get("sku"), FULFILLMENT: item.get(FULFILLMENT), "attributes": attributes}


def get_merchant_offers(item: Shape) -> list[Shape]:
    """Return the offers that the merchant ships and that have a quantity."""
    offers = (
        offer
        for offer in get_optional_objects(item, FULFILLMENT)
        if offer.get("fulfillmentChannelCode") == MERCHANT_CHANNEL
    )
    return [offer for offer in offers if offer.get("quantity") is not None]
