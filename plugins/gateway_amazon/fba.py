"""Stock that Amazon keeps and ships."""

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
    pieces,
)
from gateway.sdk.shapes import within
from gateway_amazon.config import AmazonConfig
from gateway_amazon.packs import Packs
from gateway_amazon.partner import FBA_STOCK, Query, SellingPartner
from gateway_amazon.search import named
from gateway_amazon.shapes import FBA_PLACE, count

PATH = "/fba/inventory/v1/summaries"
PREFIX = "fba/"


class FbaStockFeed(LiveFeed[StockRecord]):
    """Every SKU that Amazon keeps. Every pass is a full one, and none is resumed: its tokens live for 30 seconds."""

    of = StockRecord
    name = "fba-stock"
    every = timedelta(minutes=5)
    fetch_at_once = 50

    def __init__(self, config: AmazonConfig, partner: SellingPartner, packs: Packs) -> None:
        self._store, self._partner, self._packs = config.store, partner, packs

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        items, further = await self._asked({}, token)
        return Page(items, next=further, resume=False)

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        skus = [ref.id.removeprefix(PREFIX) for ref in refs]
        queries = [{"sellerSku": sku} for sku in skus if "," in sku]
        if together := [sku for sku in skus if "," not in sku]:
            queries.append({"sellerSkus": ",".join(together)})
        found = {raw.id: raw for query in queries for raw in (await self._asked(query, None))[0]}
        return {ref.id: found.get(ref.id) or Gone(ref) for ref in refs}

    def read(self, raw: Raw) -> StockRecord:
        units, details = pieces("units", within(raw.data, "units")), within(raw.data, "inventoryDetails")
        available = count(details, "fulfillableQuantity")
        if available is None:
            raise InvalidValueError("fulfillableQuantity", "is missing")
        inbound = [count(details, name) or 0 for name in ("inboundShippedQuantity", "inboundReceivingQuantity")]
        return StockRecord(
            ref=Ref(raw.id),
            item=raw.id.removeprefix(PREFIX),
            place=FBA_PLACE,
            available=available * units,
            committed=(count(details, "reservedQuantity", "pendingCustomerOrderQuantity") or 0) * units,
            incoming=sum(inbound) * units,
        )

    async def _asked(self, query: Query, token: str | None) -> tuple[list[Raw], str | None]:
        about = {"granularityType": "Marketplace", "granularityId": self._store, "marketplaceIds": self._store}
        page = await self._partner.search(FBA_STOCK, PATH, {**about, "details": "true", **query}, token)
        found = named(page.items, "sellerSku")
        units = await self._packs.of(sku for sku in found if sku)
        details = "inventoryDetails"
        slim = {sku: {details: one.get(details), "units": units.get(sku, 1)} for sku, one in found.items()}
        return [Raw(PREFIX + sku, one) for sku, one in slim.items()], page.next
