"""Values of a listing for one marketplace."""

from __future__ import annotations

from gateway.sdk.json_access import Shape, get_optional_text
from gateway_amazon.json_values import get_optional_objects


def get_summary(item: Shape, store: str) -> Shape:
    """Return the summary of the marketplace; empty if the product is not listed there."""
    return next(
        (summary for summary in get_optional_objects(item, "summaries") if summary.get("marketplaceId") == store), {}
    )


def get_attribute(item: Shape, name: str, store: str) -> list[Shape]:
    """Return the values of an attribute for the marketplace."""
    return [
        value for value in get_optional_objects(item, "attributes", name) if value.get("marketplace_id", store) == store
    ]


def get_attribute_text(item: Shape, name: str, store: str) -> str | None:
    """Return the first value of an attribute."""
    return next((get_optional_text(value, "value") for value in get_attribute(item, name, store)), None)
