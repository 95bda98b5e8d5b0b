"""The operations of the API, with its validation of requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway_amazon_sandbox.errors import RejectedRequestError, make_invalid_input
from gateway_amazon_sandbox.factories import format_instant
from gateway_amazon_sandbox.listing_search import check_search, is_match, sort_listings
from gateway_amazon_sandbox.offers import MerchantOffers
from gateway_amazon_sandbox.pagination import PageToken, build_page, make_token_error
from gateway_amazon_sandbox.parameters import Query, parse_instant
from gateway_amazon_sandbox.state import Account, Shape

MAX_RESULTS = 1_000
FBA_PAGE_SIZE = 50
MIN_AGE = timedelta(minutes=2)
MAX_CHANGE_AGE = timedelta(days=548)
ORDER_FIELDS = {
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
"""Data sets of an order and of its lines that are returned on request only."""


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations on an account."""

    account: Account
    offers: MerchantOffers
    seller: str
    store: str
    now: Callable[[], datetime]

    def search_listings(self, query: Query, path: Mapping[str, str]) -> Shape:
        self._check_account(query, path)
        check_search(query)
        items = [item for item in self.account.get_visible("listings").values() if is_match(item, query)]
        found = sort_listings(items, query)[:MAX_RESULTS]
        page, token = self._build_page("searchListingsItems", query, "pageToken", found, query.get("pageSize", 10))
        data = query.get("includedData", ("summaries",))
        pagination = {"pagination": {"nextToken": token}} if token else {}
        return {"numberOfResults": len(items), **pagination, "items": [_select_data(item, data) for item in page]}

    def get_listing(self, query: Query, path: Mapping[str, str]) -> Shape:
        self._check_account(query, path)
        listing = self.account.get_visible("listings").get(path["sku"])
        if listing is None:
            raise RejectedRequestError(404, "NOT_FOUND", f"SKU '{path['sku']}' not found in marketplace {self.store}")
        return _select_data(listing, query.get("includedData", ("summaries",)))

    def patch_listing(self, query: Query, path: Mapping[str, str], body: Shape) -> Shape:
        self._check_account(query, path)
        answer = self.offers.accept_patch(path["sku"], body, preview="mode" in query)
        data = query.get("includedData", ("issues",))
        listing = self.account.get_visible("listings").get(path["sku"])
        if "identifiers" in data and listing is not None:
            answer["identifiers"] = [{"marketplaceId": self.store, "asin": listing["summaries"][0]["asin"]}]
        return answer if "issues" in data else {name: value for name, value in answer.items() if name != "issues"}

    def get_inventory_summaries(self, query: Query, path: Mapping[str, str]) -> Shape:
        self._check_marketplace(query)
        if query.get("granularityId") != self.store:
            raise make_invalid_input("granularityId is no marketplace of this account")
        entries = sorted(self.account.get_visible("fba").values(), key=lambda entry: str(entry["sellerSku"]))
        selected = self._filter_summaries(entries, query)
        page, token = self._build_page("getInventorySummaries", query, "nextToken", selected, FBA_PAGE_SIZE)
        details = query.get("details", False)
        summaries = [
            entry if details else {k: v for k, v in entry.items() if k != "inventoryDetails"} for entry in page
        ]
        granularity = {"granularityType": "Marketplace", "granularityId": self.store}
        payload = {"granularity": granularity, "inventorySummaries": summaries}
        return {"payload": payload, **({"pagination": {"nextToken": token}} if token else {})}

    def _filter_summaries(self, entries: Sequence[Shape], query: Query) -> list[Shape]:
        start, skus = query.get("startDateTime"), query.get("sellerSkus")
        if start is not None and start < self.now() - MAX_CHANGE_AGE:
            raise make_invalid_input("startDateTime must be at most 18 months ago")
        if skus is None and "sellerSku" in query:
            skus = (query.get("sellerSku"),)
        return [
            entry
            for entry in entries
            if (skus is None or entry["sellerSku"] in skus)
            and (start is None or parse_instant(entry["lastUpdatedTime"]) >= start)
        ]

    def search_orders(self, query: Query, path: Mapping[str, str]) -> Shape:
        by, after, before = self._get_range(query)
        if "marketplaceIds" in query:
            self._check_marketplace(query)
        orders = [
            order
            for order in self.account.get_visible("orders").values()
            if after <= parse_instant(order[f"{by}Time"]) <= before and _is_order_match(order, query)
        ]
        orders.sort(key=lambda order: (str(order[f"{by}Time"]), str(order["orderId"])))
        size = query.get("maxResultsPerPage", 100)
        page, token = self._build_page("searchOrders", query, "paginationToken", orders, size)
        selected = [_select_order_data(order, query.get("includedData", ())) for order in page]
        pagination = {"pagination": {"nextToken": token}} if token else {}
        return {"orders": selected, **pagination, f"{by}Before": format_instant(before)}

    def _get_range(self, query: Query) -> tuple[str, datetime, datetime]:
        """Return the date by which a search selects orders, and its range."""
        by = [name for name in ("created", "lastUpdated") if f"{name}After" in query]
        if len(by) != 1:
            raise make_invalid_input("exactly one of createdAfter and lastUpdatedAfter is required")
        other = {"created": "lastUpdated", "lastUpdated": "created"}[by[0]]
        if f"{other}Before" in query:
            raise make_invalid_input(f"{other}Before cannot be given with {by[0]}After")
        after, latest = query.get(f"{by[0]}After"), self.now() - MIN_AGE
        before = query.get(f"{by[0]}Before", latest)
        if f"{by[0]}Before" in query and not after <= before <= latest:
            raise make_invalid_input(f"{by[0]}Before must be at least two minutes ago, and not before {by[0]}After")
        return by[0], after, before

    def get_order(self, query: Query, path: Mapping[str, str]) -> Shape:
        order = self.account.get_visible("orders").get(path["order"])
        if order is None:
            raise RejectedRequestError(404, "NotFound", "order not found")
        return {"order": _select_order_data(order, query.get("includedData", ()))}

    def _check_account(self, query: Query, path: Mapping[str, str]) -> None:
        if path["seller"] != self.seller:
            raise RejectedRequestError(403, "Unauthorized", "Access to requested resource is denied.")
        self._check_marketplace(query)

    def _check_marketplace(self, query: Query) -> None:
        if self.store not in query.get("marketplaceIds"):
            raise make_invalid_input("marketplaceIds contains no marketplace of this account")

    def _build_page(
        self, operation: str, query: Query, name: str, items: Sequence[Shape], size: int
    ) -> tuple[Sequence[Shape], str | None]:
        """Return a page, and the token of the next one. A token is valid with the parameters of its first page."""
        now = self.account.ticks()
        first = PageToken(operation, 0, now, {key: value for key, value in query.raw.items() if key != name})
        if name in query:
            token = PageToken.parse(query.get(name), operation, now)
            if token.parameters != first.parameters:
                raise make_token_error("belongs to another request")
            first = replace(token, issued_at=now)
        return build_page(first, items, size)


def _select_data(item: Shape, data: Sequence[str]) -> Shape:
    return {"sku": item["sku"], **{name: item[name] for name in data if name in item}}


def _select_order_data(order: Shape, data: Sequence[str]) -> Shape:
    hidden = {field for name, field in ORDER_FIELDS.items() if name not in data}
    items = [{key: value for key, value in item.items() if key not in hidden} for item in order["orderItems"]]
    return {**{key: value for key, value in order.items() if key not in hidden}, "orderItems": items}


def _is_order_match(order: Shape, query: Query) -> bool:
    fulfillment = order["fulfillment"]
    return fulfillment["fulfillmentStatus"] in query.get(
        "fulfillmentStatuses", (fulfillment["fulfillmentStatus"],)
    ) and fulfillment["fulfilledBy"] in query.get("fulfilledBy", (fulfillment["fulfilledBy"],))
