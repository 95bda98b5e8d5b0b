"""Measures: amounts with a unit of length, mass or volume."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from gateway.model.validation import InvalidValueError

_MEASURE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([^\s0-9]\S{0,19}(?: \S{1,10})?)")
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
    "floz": ("l", Decimal("29.5735295625")),
    "pt": ("l", Decimal("473.176473")),
    "qt": ("l", Decimal("946.352946")),
    "gal": ("l", Decimal("3785.411784")),
    "l": ("l", Decimal(1000)),
}
"""The unit of reference of each unit, and its size in the smallest unit of the same kind. Ounces, pints, quarts and
gallons are those of the United States.
"""

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
    "fluid ounces": "floz",
    "centiliters": "cl",
    "deciliters": "dl",
    "liters": "l",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """An amount with a unit: 0.5 ``l``. Units are codes of UCUM: ``kg``, ``l``, ``m``, ``m2``; ``each`` for pieces."""

    value: Decimal
    unit: str


def parse_measure(text: str) -> Measure:
    """Parse a measure such as ``0.5 l``.

    Raises:
        InvalidValueError: The text is no number with a unit.
    """
    match = _MEASURE.fullmatch(text.strip())
    if match is None:
        raise InvalidValueError("measure", f"{text[:40]!r} is not a number with a unit, such as 0.5 l")
    return Measure(value=Decimal(match[1]), unit=normalize_unit(match[2]))


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
