"""Mapping of the attributes of a listing that the configuration declares."""

from __future__ import annotations

from collections.abc import Collection

from gateway.sdk import InvalidValueError, RecordWarning, read_informative
from gateway.sdk.json_access import Shape
from gateway_amazon.listing_values import get_attribute


def map_attributes(
    item: Shape, store: str, names: Collection[str]
) -> tuple[list[tuple[str, tuple[str, ...]]], list[RecordWarning]]:
    """Map the attributes with these names of Amazon to texts."""

    def map_attribute(name: str) -> tuple[str, tuple[str, ...]]:
        return name, tuple(_format_value(name, value) for value in get_attribute(item, name, store))

    return read_informative(sorted(names), map_attribute, "attributes")


def _format_value(name: str, value: Shape) -> str:
    """Format a value, with its unit or currency if it has one."""
    content = value.get("value")
    if isinstance(content, bool):
        return "true" if content else "false"
    if not isinstance(content, str | int | float):
        raise InvalidValueError(name, "has no simple value")
    unit = value.get("unit") or value.get("currency")
    return f"{content} {unit}" if isinstance(unit, str) else str(content)
