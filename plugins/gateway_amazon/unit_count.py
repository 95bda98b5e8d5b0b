"""Mapping of what a unit contains, for its price per measure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from gateway.sdk import Measure
from gateway.sdk.json_access import Shape, get_optional_text
from gateway_amazon.listing_values import get_attribute

ATTRIBUTE = "unit_count"
NAMES: Mapping[str, str] = MappingProxyType({"count": "each", "foot": "ft", "inch": "in", "inche": "in", "feet": "ft"})
"""Units whose names have another plural."""


def get_net_content(item: Shape, store: str) -> Measure | None:
    """Return the attribute `unit_count`, such as 500 milliliters; None: there is none, or it is no positive number."""
    for entry in get_attribute(item, ATTRIBUTE, store):
        value, unit = entry.get("value"), get_optional_text(entry, "type", "value")
        if unit is not None and isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value > 0:
            name = unit.lower().removesuffix("s")
            return Measure(value=Decimal(str(value)), unit=NAMES.get(name, f"{name}s"))
    return None
