"""The operations, as Amazon answers them: what is asked wrongly is refused."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway_amazon.sandbox.account import Account, Shape
from gateway_amazon.sandbox.limits import PAGE_TOKEN_LASTS
from gateway_amazon.sandbox.offers import Offers
from gateway_amazon.sandbox.refusals import RefusalError, invalid
from gateway_amazon.sandbox.shapes import stamp

Query = Mapping[str, str]
SHOWN = 1_000
YOUNGEST = timedelta(minutes=2)
LISTING_DATA = (
    *("summaries", "attributes", "issues", "offers", "fulfillmentAvailability", "procurement", "relationships"),
    "productTypes",
)
ORDER_DATA = {
    "BUYER": "buyer",
    "RECIPIENT": "recipient",
    "PROCEEDS": "proceeds",
    "EXPENSE": "expense",
    "PROMOTION": "promotion",
    "CANCELLATION": "cancellation",
    "FULFILLMENT": "fulfillment",
    "PACKAGES": "packages",
    "TAX": "tax",
    "PAYMENT": "payment",
    "FULFILLMENT_ORDERS": "fulfillmentOrders",
}
"""What is only told where it is asked for, of an order and of its lines."""


@dataclass(frozen=True, slots=True)
class Api:
    """The operations over one account."""

    account: Account
    offers: Offers
    seller: str
    store: str
    now: Callable[[], datetime]

    def search_listings(self, query: Query, path: Mapping[str, str]) -> Shape:
        self._mine(query, path)
        if ("identifiers" in query) != ("identifiersType" in query):
            raise invalid("identifiers and identifiersType go together")
        items = [item for item in self.account.seen("listings").values() if _matches(item, query)]
        by = _one_of(query, "sortBy", ("lastUpdatedDate", "createdDate", "sku"))
        backwards = _one_of(query, "sortOrder", ("DESC", "ASC")) == "DESC"
        items.sort(key=lambda item: (str(item["summaries"][0].get(by, "")), str(item["sku"])), reverse=backwards)
        size = _number(query, "pageSize", 10, 20)
        some, token = self._page("searchListingsItems", query, "pageToken", items[:SHOWN], size)
        data = _listed(query, "includedData", LISTING_DATA, ("summaries",))
        pagination = {"pagination": {"nextToken": token}} if token else {}
        return {"numberOfResults": len(items), **pagination, "items": [_told(item, data) for item in some]}

    def get_listing(self, query: Query, path: Mapping[str, str]) -> Shape:
        self._mine(query, path)
        found = self.account.seen("listings").get(path["sku"])
        if found is None:
            raise RefusalError(404, "NOT_FOUND", f"SKU '{path['sku']}' not found in marketplace {self.store}")
        return _told(found, _listed(query, "includedData", LISTING_DATA, ("summaries",)))

    def patch_listing(self, query: Query, path: Mapping[str, str], body: Shape) -> Shape:
        self._mine(query, path)
        return self.offers.patched(path["sku"], body)

    def fba_stock(self, query: Query, path: Mapping[str, str]) -> Shape:
        if query.get("granularityType") != "Marketplace" or query.get("granularityId") != self.store:
            raise invalid("granularityType is Marketplace, granularityId its id")
        self._in_store(query, 1)
        found = sorted(self.account.seen("fba").values(), key=lambda one: str(one["sellerSku"]))
        wanted = _csv(query, "sellerSkus", 50) if "sellerSkus" in query else None
        if wanted is None and "sellerSku" in query:
            wanted = [query["sellerSku"]]
        some = [one for one in found if wanted is None or one["sellerSku"] in wanted]
        page, token = self._page("getInventorySummaries", query, "nextToken", some, 50)
        details = query.get("details") == "true"
        summaries = [one if details else {k: v for k, v in one.items() if k != "inventoryDetails"} for one in page]
        granularity = {"granularityType": "Marketplace", "granularityId": self.store}
        payload = {"granularity": granularity, "inventorySummaries": summaries}
        return {"payload": payload, **({"pagination": {"nextToken": token}} if token else {})}

    def search_orders(self, query: Query, path: Mapping[str, str]) -> Shape:
        by = [name for name in ("created", "lastUpdated") if f"{name}After" in query]
        if len(by) != 1:
            raise invalid("exactly one of createdAfter and lastUpdatedAfter is needed")
        after, before = _moment(query, f"{by[0]}After"), self.now() - YOUNGEST
        if f"{by[0]}Before" in query:
            asked = _moment(query, f"{by[0]}Before")
            if asked > before or asked < after:
                raise invalid(f"{by[0]}Before is two minutes ago or earlier, and not before {by[0]}After")
            before = asked
        self._in_store(query, 50)
        orders = [
            one for one in self.account.seen("orders").values() if after <= _instant(one[f"{by[0]}Time"]) <= before
        ]
        orders.sort(key=lambda one: (str(one[f"{by[0]}Time"]), str(one["orderId"])))
        size = _number(query, "maxResultsPerPage", 100, 100)
        some, token = self._page("searchOrders", query, "paginationToken", orders, size)
        told = [_order(one, _listed(query, "includedData", tuple(ORDER_DATA), ())) for one in some]
        page = {"pagination": {"nextToken": token}} if token else {}
        return {"orders": told, **page, f"{by[0]}Before": stamp(before)}

    def get_order(self, query: Query, path: Mapping[str, str]) -> Shape:
        found = self.account.seen("orders").get(path["order"])
        if found is None:
            raise RefusalError(404, "NotFound", "there is no such order")
        return {"order": _order(found, _listed(query, "includedData", tuple(ORDER_DATA), ()))}

    def _mine(self, query: Query, path: Mapping[str, str]) -> None:
        if path["seller"] != self.seller:
            raise RefusalError(403, "Unauthorized", "Access to requested resource is denied.")
        self._in_store(query, 1)

    def _in_store(self, query: Query, most: int) -> None:
        stores = _csv(query, "marketplaceIds", most)
        if self.store not in stores:
            raise invalid("marketplaceIds names no store of this account")

    def _page(
        self, operation: str, query: Query, name: str, found: Sequence[Shape], size: int
    ) -> tuple[Sequence[Shape], str | None]:
        """A page, and the token of the next one: it remembers what was asked, and when it was made."""
        asked = {key: value for key, value in sorted(query.items()) if key != name}
        start = self._start(operation, asked, query[name]) if name in query else 0
        further = json.dumps([start + size, self.account.ticks(), asked])
        more = start + size < len(found)
        return found[start : start + size], base64.urlsafe_b64encode(further.encode()).decode() if more else None

    def _start(self, operation: str, asked: Shape, token: str) -> int:
        try:
            start, made, before = json.loads(base64.urlsafe_b64decode(token.encode()))
        except (ValueError, binascii.Error) as error:
            raise invalid("the page token is not valid") from error
        if before != asked:
            raise invalid("the page token belongs to another request")
        if self.account.ticks() - made > PAGE_TOKEN_LASTS.get(operation, float("inf")):
            raise invalid("the page token has expired")
        return int(start)


def _told(item: Shape, data: Sequence[str]) -> Shape:
    return {"sku": item["sku"], **{name: item[name] for name in data if name in item}}


def _order(order: Shape, data: Sequence[str]) -> Shape:
    hidden = {field for name, field in ORDER_DATA.items() if name not in data}
    items = [{key: value for key, value in item.items() if key not in hidden} for item in order["orderItems"]]
    return {**{key: value for key, value in order.items() if key not in hidden}, "orderItems": items}


def _matches(item: Shape, query: Query) -> bool:
    if "identifiers" in query and item["sku"] not in _csv(query, "identifiers", 20):
        return False
    summary = item["summaries"][0]
    for name in ("created", "lastUpdated"):
        date = str(summary[f"{name}Date"])  # all are written alike, so they compare as texts
        if f"{name}After" in query and date < stamp(_moment(query, f"{name}After")):
            return False
        if f"{name}Before" in query and date > stamp(_moment(query, f"{name}Before")):
            return False
    return True


def _csv(query: Query, name: str, most: int) -> list[str]:
    values = [value for value in query.get(name, "").split(",") if value]
    if not 1 <= len(values) <= most:
        raise invalid(f"{name} has 1 to {most} values")
    return values


def _listed(query: Query, name: str, known: Sequence[str], default: Sequence[str]) -> Sequence[str]:
    values = query[name].split(",") if name in query else default
    if unknown := [value for value in values if value not in known]:
        raise invalid(f"{name} does not know {unknown[0]}")
    return values


def _one_of(query: Query, name: str, known: Sequence[str]) -> str:
    value = query.get(name, known[0])
    if value not in known:
        raise invalid(f"{name} is one of {', '.join(known)}")
    return value


def _number(query: Query, name: str, default: int, most: int) -> int:
    value = query.get(name, str(default))
    if not value.isdigit() or not 1 <= int(value) <= most:
        raise invalid(f"{name} is a number from 1 to {most}")
    return int(value)


def _moment(query: Query, name: str) -> datetime:
    try:
        return _instant(query[name])
    except ValueError as error:
        raise invalid(f"{name} is no date and time of ISO 8601") from error


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment
