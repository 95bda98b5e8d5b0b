"""Search of listings: filters and sort order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from gateway_amazon_sandbox.errors import make_invalid_input
from gateway_amazon_sandbox.parameters import Query, parse_instant
from gateway_amazon_sandbox.state import Shape

EXCLUSIVE = ("identifiers", "variationParentSku", "packageHierarchySku")
CODE_TYPES = {"EAN": ("ean",), "JAN": ("ean",), "UPC": ("upc",), "ISBN": ("isbn",), "MINSAN": ("minsan",)}
"""Types of external identifiers by `identifiersType`; a GTIN may be filed as any of `GTIN_TYPES`."""

GTIN_TYPES = ("ean", "gtin", "isbn", "upc")


def check_search(query: Query) -> None:
    """Raise `RejectedRequestError` for parameters that exclude or require each other."""
    if ("identifiers" in query) != ("identifiersType" in query):
        raise make_invalid_input("identifiers and identifiersType must be given together")
    if len(given := [name for name in EXCLUSIVE if name in query]) > 1:
        raise make_invalid_input(f"{' and '.join(given)} cannot be given together")


def is_match(item: Shape, query: Query) -> bool:
    """Whether a listing passes all filters of the search."""
    return all(FILTERS[name](item, value, query) for name, value in query.values.items() if name in FILTERS)


def has_identifier(item: Shape, identifiers: Any, query: Query) -> bool:
    """Whether a listing has one of the identifiers."""
    summary, type_ = item["summaries"][0], query.get("identifiersType")
    own = {"SKU": item["sku"], "ASIN": summary.get("asin"), "FNSKU": summary.get("fnSku")}
    if type_ in own:
        return own[type_] in identifiers
    types = CODE_TYPES.get(type_, GTIN_TYPES)
    filed = item.get("attributes", {}).get("externally_assigned_product_identifier", ())
    return any(code.get("type") in types and code.get("value") in identifiers for code in filed)


def has_status(item: Shape, statuses: Any, query: Query) -> bool:
    """Whether a listing has one of the statuses."""
    return not set(statuses).isdisjoint(item["summaries"][0].get("status", ()))


def has_issue(item: Shape, severities: Any, query: Query) -> bool:
    """Whether a listing has an issue of one of the severities."""
    return any(issue["severity"] in severities for issue in item.get("issues", ()))


def _build_relation_filter(type_: str, *sides: str) -> Filter:
    def is_related(item: Shape, sku: Any, query: Query) -> bool:
        links = (link for family in item.get("relationships", ()) for link in family["relationships"])
        return any(link["type"] == type_ and any(sku in link.get(side, ()) for side in sides) for link in links)

    return is_related


def _build_date_filter(field: str, is_permitted: Callable[[datetime, datetime], bool]) -> Filter:
    def is_in_range(item: Shape, bound: Any, query: Query) -> bool:
        return is_permitted(parse_instant(item["summaries"][0][field]), bound)

    return is_in_range


Filter = Callable[[Shape, Any, Query], bool]
FILTERS: Mapping[str, Filter] = {
    "identifiers": has_identifier,
    "withStatus": has_status,
    "withoutStatus": lambda item, statuses, query: not has_status(item, statuses, query),
    "withIssueSeverity": has_issue,
    "variationParentSku": _build_relation_filter("VARIATION", "parentSkus"),
    "packageHierarchySku": _build_relation_filter("PACKAGE_HIERARCHY", "parentSkus", "childSkus"),
    "createdAfter": _build_date_filter("createdDate", lambda date, bound: date >= bound),
    "createdBefore": _build_date_filter("createdDate", lambda date, bound: date <= bound),
    "lastUpdatedAfter": _build_date_filter("lastUpdatedDate", lambda date, bound: date >= bound),
    "lastUpdatedBefore": _build_date_filter("lastUpdatedDate", lambda date, bound: date <= bound),
}
"""By parameter: whether a listing passes, given the listing, the value of the parameter, and the query."""


def sort_listings(items: list[Shape], query: Query) -> list[Shape]:
    """Sort listings as requested; by default the latest change comes first."""
    by, backwards = query.get("sortBy", "lastUpdatedDate"), query.get("sortOrder", "DESC") == "DESC"
    return sorted(items, key=lambda item: (str(item["summaries"][0].get(by, "")), item["sku"]), reverse=backwards)
