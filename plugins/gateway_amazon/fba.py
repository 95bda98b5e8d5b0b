"""Stock that Amazon keeps and ships."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from gateway.sdk import (
    ChannelError,
    ContractError,
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
from gateway_amazon.config import AmazonConfig
from gateway_amazon.packs import Packs
from gateway_amazon.partner import FBA_STOCK, SellingPartner
from gateway_amazon.search import name_of
from gateway_amazon.shapes import FBA_PLACE, Shape, count, objects, text, within

PATH = "/fba/inventory/v1/summaries"
AT_ONCE = 50


class FbaStockFeed(LiveFeed[StockRecord]):
    """Every SKU that Amazon keeps. Every pass is a full one, and none is resumed: its tokens live for 30 seconds."""

    of = StockRecord
    name = "fba-stock"
    every = timedelta(minutes=5)
    fetch_at_once = AT_ONCE

    def __init__(self, config: AmazonConfig, partner: SellingPartner, packs: Packs) -> None:
        self._config, self._partner, self._packs = config, partner, packs

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        answer = await self._ask({"nextToken": token})
        return Page(await self._items(answer), next=next_of(answer), resume=False)

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        skus = [ref.id.removeprefix("fba/") for ref in refs]
        queries: list[dict[str, str | None]] = [{"sellerSku": sku} for sku in skus if "," in sku]
        if together := [sku for sku in skus if "," not in sku]:
            queries.append({"sellerSkus": ",".join(together)})
        found = {raw.id: raw for query in queries for raw in await self._items(await self._ask(query))}
        return {ref.id: found.get(ref.id) or Gone(ref) for ref in refs}

    def read(self, raw: Raw) -> StockRecord:
        units = pieces("units", within(raw.data, "units"))
        details = within(raw.data, "inventoryDetails")
        available = count(details, "fulfillableQuantity")
        if available is None:
            raise InvalidValueError("fulfillableQuantity", "is missing")
        inbound = [count(details, name) or 0 for name in ("inboundShippedQuantity", "inboundReceivingQuantity")]
        return StockRecord(
            ref=Ref(raw.id),
            item=raw.id.removeprefix("fba/"),
            place=FBA_PLACE,
            available=available * units,
            committed=(count(details, "reservedQuantity", "pendingCustomerOrderQuantity") or 0) * units,
            incoming=sum(inbound) * units,
        )

    async def _ask(self, more: Mapping[str, str | None]) -> Shape:
        store = self._config.store
        fixed = {"details": "true", "granularityType": "Marketplace", "granularityId": store, "marketplaceIds": store}
        return await self._partner.ask(FBA_STOCK, PATH, {**fixed, **more})

    async def _items(self, answer: Shape) -> list[Raw]:
        try:
            if within(answer, "payload", "inventorySummaries") is None:
                raise InvalidValueError("payload.inventorySummaries", "is missing")
            found = {name_of(one.get("sellerSku")): one for one in objects(answer, "payload", "inventorySummaries")}
        except InvalidValueError as error:
            raise ContractError(f"the answer of {FBA_STOCK.name}: {error}") from error
        units = await self._packs.of(sku for sku in found if sku)
        return [Raw(f"fba/{sku}", slim(one, units.get(sku, 1))) for sku, one in found.items()]


def slim(summary: Shape, units: int) -> Shape:
    """What the count depends on."""
    return {"inventoryDetails": summary.get("inventoryDetails"), "units": units}


def next_of(answer: Shape) -> str | None:
    """The token of the next page."""
    try:
        return text(answer, "pagination", "nextToken") or None
    except InvalidValueError as error:
        raise ContractError(f"the answer of {FBA_STOCK.name}: {error}") from error
