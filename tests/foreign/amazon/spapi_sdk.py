"""Amazon's own SDK for Python, run by an interpreter of its own: reads, writes, fails, and prints what it got as JSON.

Argument: the account, as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import requests
from spapi import (
    ApiException,
    FbaInventoryApi,
    FeedsApi,
    GetOrderApi,
    ListingsApi,
    SearchOrdersApi,
    SPAPIClient,
    SPAPIConfig,
)

ACCOUNT = json.loads(sys.argv[1])
STORE, SELLER = ACCOUNT["store"], ACCOUNT["seller"]
XML = "text/xml; charset=UTF-8"


def build_client() -> Any:
    """Log in at the sandbox, and return the client for its APIs."""
    config = SPAPIConfig(ACCOUNT["client_id"], ACCOUNT["client_secret"], ACCOUNT["refresh_token"], region="EU")
    login = f"{ACCOUNT['address']}/auth/o2/token"
    return SPAPIClient(config, oauth_endpoint=login, endpoint=ACCOUNT["address"]).api_client


def list_all(load: Callable[..., Any], token: str, get_items: Callable[[Any], list[Any]], **query: Any) -> list[Any]:
    """List the items of all pages."""
    page = load(**query)
    items = list(get_items(page))
    while page.pagination is not None and page.pagination.next_token:
        page = load(**query, **{token: page.pagination.next_token})
        items += get_items(page)
    return items


def read_everything() -> dict[str, Any]:
    """Read listings, orders and FBA stock to the end."""
    client = build_client()
    items = list_all(
        lambda **query: ListingsApi(client).search_listings_items(SELLER, [STORE], **query),
        *("page_token", lambda page: page.items),
        included_data=["summaries", "offers"],
        page_size=20,
    )
    orders = list_all(
        SearchOrdersApi(client).search_orders,
        *("pagination_token", lambda page: page.orders),
        created_after=ACCOUNT["since"],
        included_data=["PROCEEDS", "FULFILLMENT"],
    )
    stock = list_all(
        lambda **query: FbaInventoryApi(client).get_inventory_summaries("Marketplace", STORE, [STORE], **query),
        *("next_token", lambda page: page.payload.inventory_summaries),
        details=True,
    )
    order = GetOrderApi(client).get_order(orders[0].order_id).order
    return {
        "listings": [item.sku for item in items],
        "orders": [order.order_id for order in orders],
        "stock": [summary.seller_sku for summary in stock],
        "order": order.order_id,
    }


def write() -> dict[str, Any]:
    """Preview and send a quantity, and confirm a shipment with a feed."""
    client = build_client()
    listings, feeds = ListingsApi(client), FeedsApi(client)
    patched = [
        listings.patch_listings_item(SELLER, ACCOUNT["sku"], [STORE], ACCOUNT["patch"], **mode)
        for mode in ({"mode": "VALIDATION_PREVIEW"}, {})
    ]
    document = feeds.create_feed_document({"contentType": XML})
    requests.put(document.url, ACCOUNT["feed"].encode(), headers={"Content-Type": XML}, timeout=10).raise_for_status()
    specification = {
        "feedType": "POST_ORDER_FULFILLMENT_DATA",
        "marketplaceIds": [STORE],
        "inputFeedDocumentId": document.feed_document_id,
    }
    done = feeds.get_feed(feeds.create_feed(specification).feed_id)
    report = requests.get(feeds.get_feed_document(done.result_feed_document_id).url, timeout=10)
    return {
        "patches": [answer.status for answer in patched],
        "document": document.feed_document_id,
        "feed": done.processing_status,
        "report": report.text,
    }


def list_errors() -> dict[str, str]:
    """List the statuses and codes of the errors of wrong requests."""
    client = build_client()
    listings, orders = ListingsApi(client), GetOrderApi(client)
    wrong: dict[str, Callable[[], Any]] = {
        "invalid": lambda: listings.search_listings_items(SELLER, ["other"]),
        "missing": lambda: orders.get_order("202-0000000-9999999"),
        "denied": lambda: listings.search_listings_items("A2OTHER", [STORE]),
    }
    return {name: find_error(request) for name, request in wrong.items()}


def find_error(request: Callable[[], Any]) -> str:
    """Return the status and the code of the error of a request."""
    try:
        request()
    except ApiException as error:
        return f"{error.status} {json.loads(error.body)['errors'][0]['code']}"
    return "no error"


def count_throttled() -> dict[str, Any]:
    """Send more requests than the rate allows. This SDK repeats none of them."""
    listings = ListingsApi(build_client())
    outcomes = [
        find_error(lambda: listings.get_listings_item(SELLER, ACCOUNT["sku"], [STORE]))
        for _ in range(ACCOUNT["requests"])
    ]
    return {"answers": outcomes}


STEPS: dict[str, Callable[[], Any]] = {
    "read": read_everything,
    "write": write,
    "errors": list_errors,
    "throttle": count_throttled,
}
print(json.dumps(STEPS[ACCOUNT["step"]]()))
