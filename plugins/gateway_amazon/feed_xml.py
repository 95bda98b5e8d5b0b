"""XML of order fulfillment feeds and of their processing reports."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import datetime
from xml.etree import ElementTree

from gateway.sdk import ContractError
from gateway_amazon.client import ERROR_CODE
from gateway_amazon.json_values import format_instant
from gateway_amazon.shipment_mapping import Parcel

OTHER_CARRIER = "Other"


def build_envelope(parcels: Sequence[Parcel], seller: str, at: datetime) -> bytes:
    """Build the feed: one message for each parcel, numbered from 1."""
    header = _build_element(
        "Header", _build_leaf("DocumentVersion", "1.01") + _build_leaf("MerchantIdentifier", seller)
    )
    messages = "".join(_build_message(number, parcel, at) for number, parcel in enumerate(parcels, 1))
    schema = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="amzn-envelope.xsd"'
    content = header + _build_leaf("MessageType", "OrderFulfillment") + messages
    return f'<?xml version="1.0" encoding="UTF-8"?><AmazonEnvelope {schema}>{content}</AmazonEnvelope>'.encode()


def _build_message(number: int, parcel: Parcel, at: datetime) -> str:
    command = parcel.command
    items = "".join(
        _build_element("Item", _build_leaf("AmazonOrderItemCode", id) + _build_leaf("Quantity", str(units)))
        for id, units in parcel.lines.items()
    )
    order = _build_leaf("AmazonOrderID", command.subject.id) + _build_leaf("FulfillmentDate", format_instant(at))
    tracking = ""
    if command.carrier or command.tracking_number:
        carrier = _build_leaf("CarrierName", command.carrier or OTHER_CARRIER)
        tracking_number = (
            _build_leaf("ShipperTrackingNumber", command.tracking_number) if command.tracking_number else ""
        )
        tracking = _build_element("FulfillmentData", carrier + tracking_number)
    return _build_element(
        "Message", _build_leaf("MessageID", str(number)) + _build_element("OrderFulfillment", order + tracking + items)
    )


def _build_element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"


def _build_leaf(name: str, value: str) -> str:
    """Omits characters that XML cannot contain."""
    return _build_element(name, html.escape("".join(character for character in value if character.isprintable())))


def parse_errors(report: bytes) -> Mapping[int, str]:
    """Return the error codes of a processing report by message number. Amazon's texts are not passed on."""
    if (
        b"<!DOCTYPE" in report or b"\0" in report
    ):  # without a document type there are no entities, so no entity expansion attacks
        raise ContractError("the processing report has a document type or an unexpected encoding")
    try:
        results = list(ElementTree.fromstring(report).iter("Result"))  # noqa: S314 see above
        errors = [result for result in results if result.findtext("ResultCode") == "Error"]
        return {
            int(result.findtext("MessageID") or ""): _clean_code(result.findtext("ResultMessageCode"))
            for result in errors
        }
    except (ElementTree.ParseError, ValueError) as error:
        raise ContractError("the processing report cannot be parsed") from error


def _clean_code(code: str | None) -> str:
    return code if code and ERROR_CODE.fullmatch(code) else "ERROR"
