"""Stock that is fulfilled by Amazon (FBA)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from gateway.sdk import (
    ChannelError,
    Gone,
    InvalidValueError,
    LiveFeed,
    Mark,
    Page,
    Raw,
    Ref,
    StockRecord,
    Token,
    parse_pieces,
)
from gateway.sdk.json_access import get_value
from gateway_amazon.client import FBA_STOCK, AmazonClient, Query
from gateway_amazon.config import AmazonConfig
from gateway_amazon.json_values import FBA_LOCATION, get_optional_count
from gateway_amazon.listing_search import index_by_id
from gateway_amazon.pack_sizes import PackSizes

PATH = "/fba/inventory/v1/summaries"
PREFIX = "fba/"


class FbaStockFeed(LiveFeed[StockRecord]):
    """FBA stock by SKU. Every pass is a full pass and none is resumed: page tokens expire after 30 seconds."""

    of = StockRecord
    name = "fba-stock"
    every = timedelta(minutes=5)
    fetch_at_once = 50

    def __init__(self, config: AmazonConfig, client: AmazonClient, pack_sizes: PackSizes) -> None:
        self._store, self._client, self._pack_sizes = config.store, client, pack_sizes

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        items, next_token = await self._fetch_summaries({}, token)
        return Page(items, next=next_token, resume=False)

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        skus = [ref.id.removeprefix(PREFIX) for ref in refs]
        queries = [{"sellerSku": sku} for sku in skus if "," in sku]
        if joinable := [sku for sku in skus if "," not in sku]:
            queries.append({"sellerSkus": ",".join(joinable)})
        raws = {raw.id: raw for query in queries for raw in (await self._fetch_summaries(query, None))[0]}
        return {ref.id: raws.get(ref.id) or Gone(ref) for ref in refs}

    def read(self, raw: Raw) -> StockRecord:
        units, details = parse_pieces("units", get_value(raw.data, "units")), get_value(raw.data, "inventoryDetails")
        available = get_optional_count(details, "fulfillableQuantity")
        if available is None:
            raise InvalidValueError("fulfillableQuantity", "is missing")
        inbound = [
            get_optional_count(details, name) or 0 for name in ("inboundShippedQuantity", "inboundReceivingQuantity")
        ]
        return StockRecord(
            ref=Ref(raw.id),
            item=raw.id.removeprefix(PREFIX),
            place=FBA_LOCATION,
            available=available * units,
            committed=(get_optional_count(details, "reservedQuantity", "pendingCustomerOrderQuantity") or 0) * units,
            incoming=sum(inbound) * units,
        )

    async def _fetch_summaries(self, query: Query, token: str | None) -> tuple[list[Raw], str | None]:
        parameters = {"granularityType": "Marketplace", "granularityId": self._store, "marketplaceIds": self._store}
        page = await self._client.fetch_page(FBA_STOCK, PATH, {**parameters, "details": "true", **query}, token)
        summaries = index_by_id(page.items, "sellerSku")
        units = await self._pack_sizes.get_units(sku for sku in summaries if sku)
        details = "inventoryDetails"
        reduced = {
            sku: {details: summary.get(details), "units": units.get(sku, 1)} for sku, summary in summaries.items()
        }
        return [Raw(PREFIX + sku, summary) for sku, summary in reduced.items()], page.next
