"""Order fulfillment feeds: documents are uploaded, processed after a delay, and reported on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from xml.etree.ElementTree import Element

from gateway.sdk.testing.sandbox import SandboxError
from gateway_amazon_sandbox.errors import RejectedRequestError, make_invalid_input
from gateway_amazon_sandbox.factories import format_instant
from gateway_amazon_sandbox.feed_documents import (
    InvalidDocumentError,
    InvalidMessageError,
    build_report,
    get_text,
    parse_envelope,
    parse_units,
)
from gateway_amazon_sandbox.pagination import PageToken, build_page, make_token_error
from gateway_amazon_sandbox.parameters import Query, parse_instant, parse_query
from gateway_amazon_sandbox.state import Account, Shape

FEED_TYPE = "POST_ORDER_FULFILLMENT_DATA"
MAX_MARKETPLACES = 25
REPORT_CONTENT_TYPE = "text/xml"
SIGNATURE = "X-Amz-Signature=abc%2Fdef%3D"


@dataclass(slots=True)
class StoredDocument:
    """A document of the document store. `content`: None until it is uploaded."""

    content_type: str
    content: bytes | None = None


@dataclass(slots=True)
class FeedQueue:
    """The feeds of an account, and their documents.

    Attributes:
        address: Returns the base URL of documents.
        lag: Seconds until a feed is processed.
        next_result: How the next feed ends: DONE, CANCELLED, FATAL (nothing was processed) or HALF (half of it was).
    """

    account: Account
    seller: str
    store: str
    now: Callable[[], datetime]
    address: Callable[[], str]
    lag: float = 0.0
    next_result: str = "DONE"
    documents: dict[str, StoredDocument] = field(default_factory=dict)
    feeds: dict[str, Shape] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def create_document(self, query: Query, path: Mapping[str, str], body: Shape) -> Shape:
        content_type = body.get("contentType")
        if not isinstance(content_type, str) or not content_type:
            raise make_invalid_input("contentType is required")
        id = f"document-{next(self._numbers)}"
        self.documents[id] = StoredDocument(content_type)
        return self._describe_document(id)

    def get_document(self, query: Query, path: Mapping[str, str]) -> Shape:
        if path["document"] not in self.documents:
            raise _make_not_found("document")
        return self._describe_document(path["document"])

    def create_feed(self, query: Query, path: Mapping[str, str], body: Shape) -> Shape:
        document = self._check_feed(body)
        id = f"{next(self._numbers) + 50_000_000_000}"
        created = {"feedId": id, "feedType": FEED_TYPE, "marketplaceIds": body["marketplaceIds"]}
        self.feeds[id] = {**created, "createdTime": format_instant(self.now()), "processingStatus": "IN_QUEUE"}
        result, self.next_result = self.next_result, "DONE"
        self.account.schedule(self.lag, lambda: self._process_feed(id, document, result))
        return {"feedId": id}

    def _check_feed(self, body: Shape) -> bytes:
        """Return the document of a valid request. Other feed types are not simulated."""
        marketplaces, document = body.get("marketplaceIds"), body.get("inputFeedDocumentId")
        if body.get("feedType") != FEED_TYPE:
            raise make_invalid_input(f"feedType must be {FEED_TYPE}")
        if not isinstance(marketplaces, list) or not 1 <= len(marketplaces) <= MAX_MARKETPLACES:
            raise make_invalid_input(f"marketplaceIds must have 1 to {MAX_MARKETPLACES} values")
        if marketplaces != [id for id in marketplaces if isinstance(id, str)] or self.store not in marketplaces:
            raise make_invalid_input("marketplaceIds contains no marketplace of this account")
        stored = self.documents.get(document) if isinstance(document, str) else None
        if stored is None or stored.content is None:
            raise make_invalid_input("the feed document was not uploaded")
        return stored.content

    def get_feed(self, query: Query, path: Mapping[str, str]) -> Shape:
        self.account.run_due()
        if path["feed"] not in self.feeds:
            raise _make_not_found("feed")
        return self.feeds[path["feed"]]

    def get_feeds(self, query: Query, path: Mapping[str, str]) -> Shape:
        """List feeds, the newest first. A page token is given alone."""
        self.account.run_due()
        first = PageToken("getFeeds", 0, self.account.ticks(), query.raw)
        if "nextToken" in query:
            if len(query.raw) > 1:
                raise make_token_error("cannot be given with other parameters")
            first = PageToken.parse(query.get("nextToken"), "getFeeds", self.account.ticks())
            query = parse_query("getFeeds", [(name, str(text)) for name, text in first.parameters.items()])
        if "feedTypes" not in query:
            raise make_invalid_input("feedTypes or nextToken is required")
        found = sorted(
            (feed for feed in self.feeds.values() if _is_match(feed, query)),
            key=lambda feed: (str(feed["createdTime"]), int(feed["feedId"])),
            reverse=True,
        )
        page, token = build_page(replace(first, issued_at=self.account.ticks()), found, query.get("pageSize", 10))
        return {"feeds": list(page), **({"nextToken": token} if token else {})}

    def _describe_document(self, id: str) -> Shape:
        return {"feedDocumentId": id, "url": f"{self.address()}/documents/{id}?{SIGNATURE}"}

    def _process_feed(self, id: str, document: bytes, result: str) -> None:
        """Process a feed. A document that is not valid ends this feed, without a report."""
        feed = self.feeds.get(id, {})
        feed |= {"processingStartTime": format_instant(self.now()), "processingEndTime": format_instant(self.now())}
        feed["processingStatus"] = result if result in ("DONE", "CANCELLED") else "FATAL"
        try:
            messages = parse_envelope(document, self.seller)
        except InvalidDocumentError:
            feed["processingStatus"] = "FATAL"
            return
        processed = {"DONE": messages, "HALF": messages[: len(messages) // 2]}.get(result, [])
        errors = {
            get_text(message, "MessageID"): problem
            for message in processed
            if (problem := self._ship_units(message)) is not None
        }
        if result == "DONE":
            report = f"report-{id}"
            self.documents[report] = StoredDocument(REPORT_CONTENT_TYPE, build_report(id, len(messages), errors))
            feed["resultFeedDocumentId"] = report

    def _ship_units(self, message: Element) -> str | None:
        """Ship the units of a message; return an error code if that is not possible."""
        fulfillment = message.find("OrderFulfillment")
        if fulfillment is None:
            return "5000"
        try:
            order = self.account.get_current("orders", get_text(fulfillment, "AmazonOrderID"))
            items = {item["orderItemId"]: item["fulfillment"] for item in order["orderItems"]}
            units = parse_units(fulfillment, {id: state["quantityUnfulfilled"] for id, state in items.items()})
        except SandboxError:
            return "13014"
        except InvalidMessageError:
            return "5000"
        by_merchant = order["fulfillment"]["fulfilledBy"] == "MERCHANT"
        if not by_merchant or order["fulfillment"]["fulfillmentStatus"] not in ("UNSHIPPED", "PARTIALLY_SHIPPED"):
            return "18028"
        if any(id not in items or items[id]["quantityUnfulfilled"] < quantity for id, quantity in units.items()):
            return "18050"
        for id, quantity in units.items():
            items[id]["quantityFulfilled"] += quantity
            items[id]["quantityUnfulfilled"] -= quantity
        self._add_parcel(order, units, fulfillment)
        return None

    def _add_parcel(self, order: Shape, units: Mapping[str, int], fulfillment: Element) -> None:
        parcels = order.setdefault("packages", [])
        parcel: Shape = {
            "packageReferenceId": str(len(parcels) + 1),
            "packageStatus": {"status": "SHIPPED"},
            "packageItems": [{"orderItemId": id, "quantity": quantity} for id, quantity in units.items()],
        }
        names = {"carrier": "FulfillmentData/CarrierName", "trackingNumber": "FulfillmentData/ShipperTrackingNumber"}
        parcel |= {name: text for name, path in names.items() if (text := fulfillment.findtext(path))}
        parcels.append(parcel)
        left = any(item["fulfillment"]["quantityUnfulfilled"] for item in order["orderItems"])
        order["fulfillment"]["fulfillmentStatus"] = "PARTIALLY_SHIPPED" if left else "SHIPPED"
        self.account.save("orders", order["orderId"], {**order, "lastUpdatedTime": format_instant(self.now())})


def _is_match(feed: Shape, query: Query) -> bool:
    """Whether a feed passes all filters."""
    created = parse_instant(feed["createdTime"])
    return (
        feed["feedType"] in query.get("feedTypes")
        and feed["processingStatus"] in query.get("processingStatuses", (feed["processingStatus"],))
        and not set(feed["marketplaceIds"]).isdisjoint(query.get("marketplaceIds", feed["marketplaceIds"]))
        and query.get("createdSince", created) <= created <= query.get("createdUntil", created)
    )


def _make_not_found(what: str) -> RejectedRequestError:
    return RejectedRequestError(404, "NotFound", f"{what} not found")
