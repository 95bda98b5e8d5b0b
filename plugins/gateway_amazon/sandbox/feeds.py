"""Feeds that tell shipments: documents are uploaded, processed when it is their turn, and reported on."""

from __future__ import annotations

import html
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from gateway.sdk.testing.sandbox import SandboxError
from gateway_amazon.sandbox.account import Account, Shape
from gateway_amazon.sandbox.refusals import RefusalError, invalid
from gateway_amazon.sandbox.shapes import stamp

TYPE = "POST_ORDER_FULFILLMENT_DATA"
Query = Mapping[str, str]


@dataclass(slots=True)
class Feeds:
    """The feeds of one account, and their documents.

    Attributes:
        address: where documents are up- and downloaded.
        lag: after so many seconds a feed is processed.
        fate: how the next feed ends: DONE, CANCELLED, FATAL before anything was carried out or HALF of it was.
    """

    account: Account
    seller: str
    now: Callable[[], datetime]
    address: Callable[[], str]
    lag: float = 0.0
    fate: str = "DONE"
    documents: dict[str, bytes] = field(default_factory=dict)
    feeds: dict[str, Shape] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def create_document(self, query: Query, path: Mapping[str, str], body: Shape) -> Shape:
        if not body.get("contentType"):
            raise invalid("contentType is needed")
        return self._document(f"document-{next(self._numbers)}")

    def get_document(self, query: Query, path: Mapping[str, str]) -> Shape:
        if path["document"] not in self.documents:
            raise _not_found("document")
        return self._document(path["document"])

    def create_feed(self, query: Query, path: Mapping[str, str], body: Shape) -> Shape:
        if body.get("feedType") != TYPE or not body.get("marketplaceIds"):
            raise invalid(f"feedType is {TYPE}, and marketplaceIds are needed")
        if body.get("inputFeedDocumentId") not in self.documents:
            raise invalid("the feed document was not uploaded")
        id = f"{next(self._numbers) + 50_000_000_000}"
        created = {"feedId": id, "feedType": TYPE, "marketplaceIds": body["marketplaceIds"]}
        self.feeds[id] = {**created, "createdTime": stamp(self.now()), "processingStatus": "IN_QUEUE"}
        fate, self.fate = self.fate, "DONE"
        self.account.later(self.lag, lambda: self._process(id, self.documents[body["inputFeedDocumentId"]], fate))
        return {"feedId": id}

    def get_feed(self, query: Query, path: Mapping[str, str]) -> Shape:
        self.account.catch_up()
        if path["feed"] not in self.feeds:
            raise _not_found("feed")
        return self.feeds[path["feed"]]

    def get_feeds(self, query: Query, path: Mapping[str, str]) -> Shape:
        self.account.catch_up()
        statuses, since = query.get("processingStatuses"), query.get("createdSince", "")
        if query.get("feedTypes") != TYPE:
            raise invalid("feedTypes or nextToken is needed")
        wanted = [
            feed
            for feed in self.feeds.values()
            if (statuses is None or feed["processingStatus"] in statuses.split(",")) and feed["createdTime"] >= since
        ]
        return {"feeds": wanted[: int(query.get("pageSize", "10"))]}

    def _document(self, id: str) -> Shape:
        return {"feedDocumentId": id, "url": f"{self.address()}/documents/{id}?X-Amz-Signature=abc%2Fdef%3D"}

    def _process(self, id: str, document: bytes, fate: str) -> None:
        feed = self.feeds[id]
        feed |= {"processingStartTime": stamp(self.now()), "processingEndTime": stamp(self.now())}
        feed["processingStatus"] = fate if fate in ("DONE", "CANCELLED") else "FATAL"
        messages = ElementTree.fromstring(document).findall("Message")  # noqa: S314 the gateway's own
        told = {"DONE": messages, "HALF": messages[: len(messages) // 2]}.get(fate, [])
        errors = {_text(one, "MessageID"): problem for one in told if (problem := self._ship(one)) is not None}
        if fate == "DONE":
            report = f"report-{id}"
            self.documents[report] = _report(id, len(messages), errors)
            feed["resultFeedDocumentId"] = report

    def _ship(self, message: Element) -> str | None:
        """Have units leave; or the code of why they do not."""
        told = message.find("OrderFulfillment")
        if told is None:
            return "5000"
        try:
            order = self.account.one("orders", _text(told, "AmazonOrderID"))
        except SandboxError:
            return "13014"
        units = {_text(one, "AmazonOrderItemCode"): int(_text(one, "Quantity")) for one in told.findall("Item")}
        items = {item["orderItemId"]: item["fulfillment"] for item in order["orderItems"]}
        by_merchant = order["fulfillment"]["fulfilledBy"] == "MERCHANT"
        if not by_merchant or order["fulfillment"]["fulfillmentStatus"] not in ("UNSHIPPED", "PARTIALLY_SHIPPED"):
            return "18028"
        if any(id not in items or items[id]["quantityUnfulfilled"] < some for id, some in units.items()):
            return "18050"
        for id, some in units.items():
            items[id]["quantityFulfilled"] += some
            items[id]["quantityUnfulfilled"] -= some
        self._sent(order, units, told)
        return None

    def _sent(self, order: Shape, units: Mapping[str, int], told: Element) -> None:
        parcels = order.setdefault("packages", [])
        parcel: Shape = {
            "packageReferenceId": str(len(parcels) + 1),
            "packageStatus": {"status": "SHIPPED"},
            "packageItems": [{"orderItemId": id, "quantity": some} for id, some in units.items()],
        }
        names = {"carrier": "FulfillmentData/CarrierName", "trackingNumber": "FulfillmentData/ShipperTrackingNumber"}
        parcel |= {name: found for name, path in names.items() if (found := told.findtext(path))}
        parcels.append(parcel)
        left = any(item["fulfillment"]["quantityUnfulfilled"] for item in order["orderItems"])
        order["fulfillment"]["fulfillmentStatus"] = "PARTIALLY_SHIPPED" if left else "SHIPPED"
        self.account.put("orders", order["orderId"], {**order, "lastUpdatedTime": stamp(self.now())})


def _text(element: Element, name: str) -> str:
    return element.findtext(name) or ""


def _not_found(what: str) -> RefusalError:
    return RefusalError(404, "NotFound", f"there is no such {what}")


def _report(feed: str, messages: int, errors: Mapping[str, str]) -> bytes:
    """What became of each message that is worth telling."""
    counts = {"Processed": messages, "Successful": messages - len(errors), "WithError": len(errors), "WithWarning": 0}
    summary = "".join(f"<Messages{name}>{count}</Messages{name}>" for name, count in counts.items())
    results = "".join(
        f"<Result><MessageID>{html.escape(id)}</MessageID><ResultCode>Error</ResultCode>"
        f"<ResultMessageCode>{code}</ResultMessageCode><ResultDescription>Not taken.</ResultDescription></Result>"
        for id, code in errors.items()
    )
    told = f"<DocumentTransactionID>{feed}</DocumentTransactionID><StatusCode>Complete</StatusCode>"
    report = f"<ProcessingReport>{told}<ProcessingSummary>{summary}</ProcessingSummary>{results}</ProcessingReport>"
    message = f"<MessageType>ProcessingReport</MessageType><Message><MessageID>1</MessageID>{report}</Message>"
    header = "<Header><DocumentVersion>1.02</DocumentVersion></Header>"
    return f'<?xml version="1.0" encoding="UTF-8"?><AmazonEnvelope>{header}{message}</AmazonEnvelope>'.encode()
