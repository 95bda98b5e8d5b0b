"""Mapping of what a variant contains, for its price per measure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.sdk import Measure, json_access
from gateway_shopify import graphql_values
from gateway_shopify.graphql_values import Node

UNITS: Mapping[str, str] = MappingProxyType(
    {
        **{unit.upper(): unit for unit in ("mm", "cm", "m", "ft", "in", "mg", "g", "kg", "oz", "lb", "ml", "cl", "l")},
        "M2": "m2",
        "FT2": "ft2",
        "M3": "m3",
        "YD": "yd",
        "FLOZ": "floz",
        "PT": "pt",
        "QT": "qt",
        "GAL": "gal",
        "ITEM": "each",
    }
)


def map_net_content(variant: Node) -> tuple[Measure | None, Measure | None]:
    """Map what a variant contains, and the measure that its price is compared by. None: the shop has not stated it."""
    measurement = json_access.get_optional_object(variant, "unitPriceMeasurement")
    if measurement is None:
        return None, None
    return _map_measure(measurement, "quantity"), _map_measure(measurement, "reference")


def _map_measure(measurement: Node, kind: str) -> Measure | None:
    unit = UNITS.get(json_access.get_optional_text(measurement, f"{kind}Unit") or "")
    value = graphql_values.get_rate(measurement, f"{kind}Value")
    return None if unit is None or value <= 0 else Measure(value=value, unit=unit)
