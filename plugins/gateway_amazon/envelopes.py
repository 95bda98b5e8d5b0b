"""The XML of a feed that tells shipments, and of the report about it."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import datetime
from xml.etree import ElementTree

from gateway.sdk import ContractError
from gateway_amazon.parcels import Parcel
from gateway_amazon.partner import CODE
from gateway_amazon.shapes import stamp

ANY_CARRIER = "Other"


def envelope(parcels: Sequence[Parcel], seller: str, at: datetime) -> bytes:
    """The feed: one message for each parcel, numbered from 1."""
    header = _tag("Header", _leaf("DocumentVersion", "1.01") + _leaf("MerchantIdentifier", seller))
    messages = "".join(_message(number, parcel, at) for number, parcel in enumerate(parcels, 1))
    schema = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="amzn-envelope.xsd"'
    content = header + _leaf("MessageType", "OrderFulfillment") + messages
    return f'<?xml version="1.0" encoding="UTF-8"?><AmazonEnvelope {schema}>{content}</AmazonEnvelope>'.encode()


def _message(number: int, parcel: Parcel, at: datetime) -> str:
    told = parcel.command
    items = "".join(
        _tag("Item", _leaf("AmazonOrderItemCode", id) + _leaf("Quantity", str(units)))
        for id, units in parcel.lines.items()
    )
    order = _leaf("AmazonOrderID", told.subject.id) + _leaf("FulfillmentDate", stamp(at))
    tracking = ""
    if told.carrier or told.tracking_number:
        named = _leaf("CarrierName", told.carrier or ANY_CARRIER)
        number_of_it = _leaf("ShipperTrackingNumber", told.tracking_number) if told.tracking_number else ""
        tracking = _tag("FulfillmentData", named + number_of_it)
    return _tag("Message", _leaf("MessageID", str(number)) + _tag("OrderFulfillment", order + tracking + items))


def _tag(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"


def _leaf(name: str, value: str) -> str:
    """Of what no XML may hold nothing is told."""
    return _tag(name, html.escape("".join(character for character in value if character.isprintable())))


def errors_of(report: bytes) -> Mapping[int, str]:
    """By message the code of why it was not carried out. Of their texts nothing is passed on."""
    if b"<!DOCTYPE" in report or b"\0" in report:  # without a document type there are no entities, so no bombs
        raise ContractError("the report of a feed has a document type, or is in no encoding that was agreed on")
    try:
        results = list(ElementTree.fromstring(report).iter("Result"))  # noqa: S314 see above
        errors = [one for one in results if one.findtext("ResultCode") == "Error"]
        return {int(one.findtext("MessageID") or ""): _code(one.findtext("ResultMessageCode")) for one in errors}
    except (ElementTree.ParseError, ValueError) as error:
        raise ContractError("the report of a feed cannot be read") from error


def _code(said: str | None) -> str:
    return said if said and CODE.fullmatch(said) else "ERROR"
