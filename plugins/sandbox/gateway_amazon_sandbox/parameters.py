"""Query parameters of the operations, as in Amazon's models: an invalid one is rejected, and none of them is ignored.

Parameters that a model does not have are ignored, because clients send them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from gateway_amazon_sandbox.errors import make_invalid_input

LISTING_DATA = (
    *("summaries", "attributes", "issues", "offers", "fulfillmentAvailability", "procurement", "relationships"),
    "productTypes",
)
ORDER_DATA = (
    *("BUYER", "RECIPIENT", "PROCEEDS", "EXPENSE", "PROMOTION", "CANCELLATION", "FULFILLMENT", "PACKAGES", "TAX"),
    *("PAYMENT", "FULFILLMENT_ORDERS"),
)
ORDER_STATUSES = (
    *("PENDING_AVAILABILITY", "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED", "UNFULFILLABLE"),
)
LISTING_STATUSES, ISSUE_SEVERITIES = ("BUYABLE", "DISCOVERABLE"), ("WARNING", "ERROR")
IDENTIFIER_TYPES = ("ASIN", "EAN", "FNSKU", "GTIN", "ISBN", "JAN", "MINSAN", "SKU", "UPC")
FEED_STATUSES = ("CANCELLED", "DONE", "FATAL", "IN_PROGRESS", "IN_QUEUE")
LOCALE = re.compile("[a-z]{2}_[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter.

    Attributes:
        type: Type of its value; a list is comma-separated or repeated.
        values: The permitted values; empty: any.
        most: Maximum of a number, or of the values of a list.
    """

    type: Literal["text", "list", "instant", "number", "boolean"] = "text"
    values: tuple[str, ...] = ()
    most: int | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """The query of a request: its text by name, and the values of its parameters."""

    raw: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a parameter."""
        return self.values.get(name, default)


TEXT, INSTANT = Parameter(), Parameter("instant")
_MARKETPLACES = Parameter("list", required=True)
_INCLUDED_LISTING_DATA, _INCLUDED_ORDER_DATA = Parameter("list", LISTING_DATA), Parameter("list", ORDER_DATA)

PARAMETERS: Mapping[str, Mapping[str, Parameter]] = {
    "searchListingsItems": {
        "marketplaceIds": _MARKETPLACES,
        "issueLocale": TEXT,
        "includedData": _INCLUDED_LISTING_DATA,
        "identifiers": Parameter("list", most=20),
        "identifiersType": Parameter(values=IDENTIFIER_TYPES),
        "variationParentSku": TEXT,
        "packageHierarchySku": TEXT,
        **dict.fromkeys(("createdAfter", "createdBefore", "lastUpdatedAfter", "lastUpdatedBefore"), INSTANT),
        "withIssueSeverity": Parameter("list", ISSUE_SEVERITIES),
        "withStatus": Parameter("list", LISTING_STATUSES),
        "withoutStatus": Parameter("list", LISTING_STATUSES),
        "sortBy": Parameter(values=("sku", "createdDate", "lastUpdatedDate")),
        "sortOrder": Parameter(values=("ASC", "DESC")),
        "pageSize": Parameter("number", most=20),
        "pageToken": TEXT,
    },
    "getListingsItem": {
        "marketplaceIds": _MARKETPLACES,
        "issueLocale": TEXT,
        "includedData": _INCLUDED_LISTING_DATA,
    },
    "patchListingsItem": {
        "marketplaceIds": _MARKETPLACES,
        "includedData": Parameter("list", ("identifiers", "issues")),
        "mode": Parameter(values=("VALIDATION_PREVIEW",)),
        "issueLocale": TEXT,
    },
    "getInventorySummaries": {
        "details": Parameter("boolean"),
        "granularityType": Parameter(values=("Marketplace",), required=True),
        "granularityId": Parameter(required=True),
        "startDateTime": INSTANT,
        "sellerSkus": Parameter("list", most=50),
        "sellerSku": TEXT,
        "nextToken": TEXT,
        "marketplaceIds": Parameter("list", most=1, required=True),
    },
    "searchOrders": {
        **dict.fromkeys(("createdAfter", "createdBefore", "lastUpdatedAfter", "lastUpdatedBefore"), INSTANT),
        "fulfillmentStatuses": Parameter("list", ORDER_STATUSES),
        "marketplaceIds": Parameter("list", most=50),
        "fulfilledBy": Parameter("list", ("MERCHANT", "AMAZON")),
        "maxResultsPerPage": Parameter("number", most=100),
        "paginationToken": TEXT,
        "includedData": _INCLUDED_ORDER_DATA,
    },
    "getOrder": {"includedData": _INCLUDED_ORDER_DATA},
    "getFeeds": {
        "feedTypes": Parameter("list", most=10),
        "marketplaceIds": Parameter("list", most=10),
        "pageSize": Parameter("number", most=100),
        "processingStatuses": Parameter("list", FEED_STATUSES),
        "createdSince": INSTANT,
        "createdUntil": INSTANT,
        "nextToken": TEXT,
    },
    "getFeed": {},
    "createFeed": {},
    "createFeedDocument": {},
    "getFeedDocument": {"enableContentEncodingUrlHeader": Parameter("boolean")},
}
"""By operation. Source: Amazon's models of these operations, 2026-08."""


def parse_query(operation: str, pairs: Iterable[tuple[str, str]]) -> Query:
    """Parse the query of a request. Raises `RejectedRequestError` for a parameter that is invalid."""
    known, raw = PARAMETERS[operation], dict[str, str]()
    for name, text in pairs:
        if name not in known:
            continue
        if name in raw and known[name].type != "list":
            raise make_invalid_input(f"{name} must be given once")
        raw[name] = f"{raw[name]},{text}" if name in raw else text
    for name, parameter in known.items():
        if parameter.required and name not in raw:
            raise make_invalid_input(f"{name} is required")
    return Query(raw, {name: _parse_value(name, known[name], text) for name, text in raw.items()})


def _parse_value(name: str, parameter: Parameter, text: str) -> Any:
    match parameter.type:
        case "list":
            return _parse_list(name, parameter, text)
        case "number":
            return _parse_number(name, parameter.most or 0, text)
        case "instant":
            return _parse_instant_parameter(name, text)
        case "boolean":
            return _check_value(name, ("true", "false"), text.lower()) == "true"
    if name == "issueLocale" and not LOCALE.fullmatch(text):
        raise make_invalid_input(f"{name} must be a locale, such as en_US")
    return _check_value(name, parameter.values, text)


def _parse_list(name: str, parameter: Parameter, text: str) -> tuple[str, ...]:
    values = tuple(value for value in text.split(",") if value)
    if not values or (parameter.most is not None and len(values) > parameter.most):
        raise make_invalid_input(f"{name} must have 1 to {parameter.most or 'any number of'} values")
    for value in values:
        _check_value(name, parameter.values, value)
    return values


def _check_value(name: str, permitted: tuple[str, ...], value: str) -> str:
    if not value or (permitted and value not in permitted):
        raise make_invalid_input(f"{name} must be one of {', '.join(permitted)}" if permitted else f"{name} is empty")
    return value


def _parse_number(name: str, most: int, text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or not 1 <= int(text) <= most:
        raise make_invalid_input(f"{name} must be a number from 1 to {most}")
    return int(text)


def _parse_instant_parameter(name: str, text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise make_invalid_input(f"{name} must be a date and time of ISO 8601") from error


def parse_instant(text: str) -> datetime:
    """Parse a date and time of ISO 8601. Raises `ValueError`."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not 1900 <= moment.year <= 9000:
        raise ValueError("no time zone, or out of range")
    return moment.astimezone(UTC)
