"""XML of order fulfillment feeds and of their processing reports."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

MESSAGE_TYPE = "OrderFulfillment"


class InvalidDocumentError(ValueError):
    """A document is no order fulfillment feed of this seller."""


class InvalidMessageError(ValueError):
    """A message is not as in Amazon's schema."""


def parse_envelope(document: bytes, seller: str) -> list[Element]:
    """Return the messages of a feed. Raises `InvalidDocumentError`."""
    if b"<!DOCTYPE" in document or b"\0" in document:  # without a document type there are no entities to expand
        raise InvalidDocumentError("the document has a document type or an unexpected encoding")
    try:
        envelope = ElementTree.fromstring(document)  # noqa: S314 see above
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # the encoding may be unknown, too
        raise InvalidDocumentError("the document is not XML") from error
    if envelope.tag != "AmazonEnvelope" or get_text(envelope, "MessageType") != MESSAGE_TYPE:
        raise InvalidDocumentError("the document is no order fulfillment feed")
    if get_text(envelope, "Header/MerchantIdentifier") != seller:
        raise InvalidDocumentError("the document is that of another seller")
    return envelope.findall("Message")


def parse_units(fulfillment: Element, unshipped: Mapping[str, int]) -> dict[str, int]:
    """Return the shipped units by line; without lines, all unshipped units. Raises `InvalidMessageError`."""
    lines = fulfillment.findall("Item")
    units = {id: quantity for id, quantity in unshipped.items() if quantity and not lines}
    for line in lines:
        id, quantity = get_text(line, "AmazonOrderItemCode"), get_text(line, "Quantity")
        if not id or not re.fullmatch("[1-9][0-9]{0,8}", quantity):
            raise InvalidMessageError("an item needs AmazonOrderItemCode and Quantity")
        units[id] = units.get(id, 0) + int(quantity)
    return units


def get_text(element: Element, path: str) -> str:
    """Return the text of a descendant; empty if there is none."""
    return (element.findtext(path) or "").strip()


def build_report(feed: str, messages: int, errors: Mapping[str, str]) -> bytes:
    """Build the processing report, with the failed messages."""
    counts = {"Processed": messages, "Successful": messages - len(errors), "WithError": len(errors), "WithWarning": 0}
    summary = "".join(f"<Messages{name}>{count}</Messages{name}>" for name, count in counts.items())
    results = "".join(
        f"<Result><MessageID>{html.escape(id)}</MessageID><ResultCode>Error</ResultCode>"
        f"<ResultMessageCode>{code}</ResultMessageCode><ResultDescription>Not taken.</ResultDescription></Result>"
        for id, code in errors.items()
    )
    status = f"<DocumentTransactionID>{feed}</DocumentTransactionID><StatusCode>Complete</StatusCode>"
    report = f"<ProcessingReport>{status}<ProcessingSummary>{summary}</ProcessingSummary>{results}</ProcessingReport>"
    message = f"<MessageType>ProcessingReport</MessageType><Message><MessageID>1</MessageID>{report}</Message>"
    header = "<Header><DocumentVersion>1.02</DocumentVersion></Header>"
    return f'<?xml version="1.0" encoding="UTF-8"?><AmazonEnvelope>{header}{message}</AmazonEnvelope>'.encode()
