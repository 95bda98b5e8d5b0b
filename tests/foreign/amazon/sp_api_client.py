"""python-amazon-sp-api, run by an interpreter of its own: reads, writes and fails, and prints what it got as JSON.

Argument: the account, as JSON.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from sp_api.api import Feeds, Inventories, ListingsItemsV20210801, OrdersV20260101
from sp_api.auth import AccessTokenClient
from sp_api.auth.exceptions import AuthorizationError
from sp_api.base import SellingApiException
from sp_api.util import load_all_pages, throttle_retry

ACCOUNT = json.loads(sys.argv[1])
STORE, SELLER = ACCOUNT["store"], ACCOUNT["seller"]


class Login(AccessTokenClient):  # type: ignore[misc]
    """Login with Amazon at the sandbox."""

    scheme = "http://"
    host = ACCOUNT["address"].removeprefix("http://")


def build_client(kind: Any, **credentials: str) -> Any:
    """Build a client of an API for the sandbox."""
    marketplace = SimpleNamespace(endpoint=ACCOUNT["address"], marketplace_id=STORE, region="eu-west-1")
    known = {
        "lwa_app_id": ACCOUNT["client_id"],
        "lwa_client_secret": ACCOUNT["client_secret"],
        "refresh_token": ACCOUNT["refresh_token"],
    }
    return kind(marketplace, credentials={**known, **credentials}, auth_token_client_class=Login)


def list_all(load: Callable[..., Any], token: str, field: str, **query: Any) -> list[Any]:
    """List the items of all pages."""
    pages = load_all_pages(throttle_by_seconds=0.25, next_token_param=token)(load)(**query)
    return [item for page in pages for item in page.payload[field]]


def read_everything() -> dict[str, Any]:
    """Read listings, orders and FBA stock to the end."""
    listings, orders, stock = (build_client(kind) for kind in (ListingsItemsV20210801, OrdersV20260101, Inventories))
    items = list_all(
        lambda **query: listings.search_listings_items(SELLER, **query),
        *("pageToken", "items"),
        marketplaceIds=[STORE],
        includedData=["summaries", "offers"],
        pageSize=20,
    )
    found = list_all(orders.search_orders, "paginationToken", "orders", createdAfter=ACCOUNT["since"])
    summaries = list_all(
        stock.get_inventory_summary_marketplace,
        *("nextToken", "inventorySummaries"),
        details=True,
        marketplaceIds=[STORE],
        granularityType="Marketplace",
        granularityId=STORE,
    )
    one = orders.get_order(found[0]["orderId"], includedData=["PROCEEDS"])
    return {
        "listings": [item["sku"] for item in items],
        "orders": [order["orderId"] for order in found],
        "stock": [summary["sellerSku"] for summary in summaries],
        "order": one.payload["order"]["orderId"],
    }


def write() -> dict[str, Any]:
    """Preview and send a quantity, and confirm a shipment with a feed."""
    listings, feeds = build_client(ListingsItemsV20210801), build_client(Feeds)
    patched = [
        listings.patch_listings_item(SELLER, ACCOUNT["sku"], marketplaceIds=[STORE], body=ACCOUNT["patch"], **mode)
        for mode in ({"mode": "VALIDATION_PREVIEW"}, {})
    ]
    document, feed = feeds.submit_feed(
        "POST_ORDER_FULFILLMENT_DATA", io.BytesIO(ACCOUNT["feed"].encode()), content_type="text/xml; charset=UTF-8"
    )
    done = feeds.get_feed(feed.payload["feedId"]).payload
    return {
        "patches": [answer.payload["status"] for answer in patched],
        "document": document.payload["feedDocumentId"],
        "feed": done["processingStatus"],
        "report": feeds.get_feed_result_document(done["resultFeedDocumentId"]),
    }


def list_errors() -> dict[str, str]:
    """List the classes of the errors of wrong requests."""
    listings, orders = build_client(ListingsItemsV20210801), build_client(OrdersV20260101)
    wrong: dict[str, Callable[[], Any]] = {
        "invalid": lambda: listings.search_listings_items(SELLER, marketplaceIds=[STORE], pageSize=21),
        "missing": lambda: orders.get_order("202-0000000-9999999"),
        "denied": lambda: listings.search_listings_items("A2OTHER", marketplaceIds=[STORE]),
        "login": lambda: build_client(OrdersV20260101, refresh_token="Atzr|other").get_order("1"),
    }
    return {name: find_error(request) for name, request in wrong.items()}


def find_error(request: Callable[[], Any]) -> str:
    """Return the class of the error of a request."""
    try:
        request()
    except (SellingApiException, AuthorizationError) as error:
        return type(error).__name__
    return "no error"


def retry_throttled() -> dict[str, Any]:
    """Send more requests than the rate allows; the library repeats those that are throttled."""
    listings = build_client(ListingsItemsV20210801)

    @throttle_retry(tries=10, delay=0.1, rate=1.5)  # type: ignore[untyped-decorator]
    def fetch_once() -> Any:
        return listings.get_listings_item(SELLER, ACCOUNT["sku"], marketplaceIds=[STORE]).payload["sku"]

    return {"answers": [fetch_once() for _ in range(ACCOUNT["requests"])]}


STEPS: dict[str, Callable[[], Any]] = {
    "read": read_everything,
    "write": write,
    "errors": list_errors,
    "throttle": retry_throttled,
}
print(json.dumps(STEPS[ACCOUNT["step"]]()))
