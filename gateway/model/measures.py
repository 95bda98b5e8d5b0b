"""Measures: amounts with a unit of length, mass or volume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

_UNITS: Mapping[str, tuple[str, Decimal]] = {
    "mm": ("m", Decimal(1)),
    "cm": ("m", Decimal(10)),
    "m": ("m", Decimal(1000)),
    "in": ("m", Decimal("25.4")),
    "ft": ("m", Decimal("304.8")),
    "mg": ("kg", Decimal("0.001")),
    "g": ("kg", Decimal(1)),
    "kg": ("kg", Decimal(1000)),
    "oz": ("kg", Decimal("28.349523125")),
    "lb": ("kg", Decimal("453.59237")),
    "ml": ("l", Decimal(1)),
    "cl": ("l", Decimal(10)),
    "dl": ("l", Decimal(100)),
    "l": ("l", Decimal(1000)),
}
"""The unit of reference of each unit, and its size in the smallest unit of the same kind."""

_NAMES: Mapping[str, str] = {
    "millimeters": "mm",
    "centimeters": "cm",
    "meters": "m",
    "inches": "in",
    "feet": "ft",
    "milligrams": "mg",
    "grams": "g",
    "kilograms": "kg",
    "ounces": "oz",
    "pounds": "lb",
    "milliliters": "ml",
    "centiliters": "cl",
    "deciliters": "dl",
    "liters": "l",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """An amount with a unit: 0.5 ``l``. Units are codes of UCUM: ``kg``, ``l``, ``m``, ``m2``; ``each`` for pieces."""

    value: Decimal
    unit: str


def normalize_unit(unit: str) -> str:
    """Normalize a unit as channels write it to its code: ``Kilograms`` to ``kg``. Unknown units stay, in lower case."""
    lower = unit.strip().lower().rstrip(".")
    return _NAMES.get(lower, lower)


def convert_amount(amount: Decimal, unit: str, target: str) -> Decimal | None:
    """Convert an amount to another unit. None: they are not of the same kind."""
    if unit == target:
        return amount
    source, wanted = _UNITS.get(unit), _UNITS.get(target)
    if source is None or wanted is None or source[0] != wanted[0]:
        return None
    return amount * source[1] / wanted[1]


def get_reference(unit: str) -> Measure:
    """Return the measure per which prices are compared: 1 kg, 1 l or 1 m, and for other units 1 of the unit."""
    return Measure(value=Decimal(1), unit=_UNITS[unit][0] if unit in _UNITS else unit)
