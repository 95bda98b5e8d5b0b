"""Attributes of products and variants, as the configuration declares them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum

from gateway.model import record_validation, validation
from gateway.model.content import list_fallbacks
from gateway.model.media import Image
from gateway.model.money import Money
from gateway.model.validation import InvalidValueError

MAX_TEXT = 2_000
"""Maximum number of characters of a value that is not HTML."""

MAX_VALUES = 50
"""Maximum number of values of an attribute."""

MICROS = 1_000_000
"""Numbers are compared in millionths."""

_MAX_NUMBER = Decimal(10**12)
_MEASURE = re.compile(r"(-?[\d.]+(?:[eE][+-]?\d{1,2})?)\s*(\S{0,20})")
_COLOR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")
_FLAGS: Mapping[str, str] = {"true": "true", "1": "true", "yes": "true", "false": "false", "0": "false", "no": "false"}
_UNITS: Mapping[str, tuple[str, Decimal]] = {
    "mm": ("length", Decimal(1)),
    "cm": ("length", Decimal(10)),
    "m": ("length", Decimal(1000)),
    "in": ("length", Decimal("25.4")),
    "ft": ("length", Decimal("304.8")),
    "g": ("mass", Decimal(1)),
    "kg": ("mass", Decimal(1000)),
    "oz": ("mass", Decimal("28.349523125")),
    "lb": ("mass", Decimal("453.59237")),
    "ml": ("volume", Decimal(1)),
    "cl": ("volume", Decimal(10)),
    "l": ("volume", Decimal(1000)),
}
_UNIT_NAMES: Mapping[str, str] = {
    "millimeters": "mm",
    "centimeters": "cm",
    "meters": "m",
    "inches": "in",
    "feet": "ft",
    "grams": "g",
    "kilograms": "kg",
    "ounces": "oz",
    "pounds": "lb",
    "milliliters": "ml",
    "centiliters": "cl",
    "liters": "l",
}


class AttributeType(Enum):
    """Type of the values of an attribute."""

    TEXT = "TEXT"
    HTML = "HTML"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATE = "DATE"
    MONEY = "MONEY"
    MEASURE = "MEASURE"
    COLOR = "COLOR"
    URL = "URL"
    IMAGE = "IMAGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Swatch:
    """How a value looks. `color`: ``#1e90ff``; None: there is none."""

    color: str | None = None
    image: Image | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredValue:
    """How a value is shown. `labels`: by locale."""

    labels: Mapping[str, str] = field(default_factory=dict)
    swatch: Swatch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeDefinition:
    """An attribute that the configuration declares.

    Attributes:
        labels: Display names by locale, the default first; may be empty.
        unit: Unit of a measure; None: it is no measure.
        list: Whether it may have several values.
        facet: Whether products can be filtered by its values, and counted by them.
        range: Whether products can be filtered by a range of its numbers.
        sources: Its name in each channel that has it.
        values: How values are shown, by value.
    """

    key: str
    type: AttributeType
    labels: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    list: bool = False
    facet: bool = False
    range: bool = False
    sources: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, DeclaredValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeValue:
    """A value of an attribute. `value`: its canonical text; the others are None where its type has none."""

    value: str
    declared: DeclaredValue | None = None
    number: Decimal | None = None
    boolean: bool | None = None
    date: date | None = None
    money: Money | None = None
    swatch: Swatch | None = None
    image: Image | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute of a product or variant, with its values."""

    definition: AttributeDefinition
    values: tuple[AttributeValue, ...]

    @property
    def key(self) -> str:
        """Key of the attribute."""
        return self.definition.key

    @property
    def type(self) -> AttributeType:
        """Type of the values."""
        return self.definition.type

    @property
    def unit(self) -> str | None:
        """Unit of the numbers; None: they have none."""
        return self.definition.unit


def select_label(labels: Mapping[str, str], locale: str | None, default: str) -> str:
    """Select the label in a locale or what it falls back to, else the first one, else the default."""
    for fallback in () if locale is None else list_fallbacks(locale):
        if fallback in labels:
            return labels[fallback]
    return next(iter(labels.values()), default)


def normalize_value(definition: AttributeDefinition, text: str) -> str:
    """Normalize a value as a channel writes it to its canonical text. HTML is not sanitized here.

    Raises:
        InvalidValueError: It is no value of this type.
    """
    name = f"attributes.{definition.key}"
    if definition.type is AttributeType.HTML:
        return text
    value = validation.check_text(name, text, MAX_TEXT).strip()
    if definition.type is AttributeType.BOOLEAN:
        if value.lower() not in _FLAGS:
            raise InvalidValueError(name, "is not true or false")
        return _FLAGS[value.lower()]
    if definition.type is AttributeType.MEASURE:
        return _normalize_measure(name, value, definition.unit or "")
    return _normalize_simple(definition.type, name, value)


def _normalize_simple(type: AttributeType, name: str, value: str) -> str:
    if type is AttributeType.NUMBER:
        return _format_number(_parse_number(name, value))
    if type is AttributeType.DATE:
        return _parse_date(name, value).isoformat()
    if type is AttributeType.MONEY:
        amount, _, currency = value.partition(" ")
        money = Money.of(amount, currency)
        return f"{money.amount} {money.currency_code}"
    if type is AttributeType.COLOR:
        if not _COLOR.fullmatch(value.lower()):
            raise InvalidValueError(name, "is not a color such as #1e90ff")
        return value.lower()
    if type in (AttributeType.URL, AttributeType.IMAGE):
        return record_validation.check_url(value) or ""
    return value


def _normalize_measure(name: str, value: str, unit: str) -> str:
    """Normalize a number with a unit to the unit of the attribute. Without one it is in that unit."""
    match = _MEASURE.fullmatch(value)
    if match is None:
        raise InvalidValueError(name, f"is not a number with a unit such as 10 {unit}")
    number, given = _parse_number(name, match[1]), match[2].lower().rstrip(".")
    given = _UNIT_NAMES.get(given, given)
    if given in ("", unit.lower()):
        return _format_number(number)
    source, target = _UNITS.get(given), _UNITS.get(unit.lower())
    if source is None or target is None or source[0] != target[0]:
        raise InvalidValueError(name, f"is in {given}, which cannot be converted to {unit}")
    return _format_number(round(number * source[1] / target[1], 6))


def _parse_number(name: str, value: str) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise InvalidValueError(name, "is not a number") from error
    if not number.is_finite() or abs(number) > _MAX_NUMBER:
        raise InvalidValueError(name, f"is not a number up to {_MAX_NUMBER}")
    return round(number, 6)


def _format_number(number: Decimal) -> str:
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _parse_date(name: str, value: str) -> date:
    try:
        return date.fromisoformat(value[:10])
    except ValueError as error:
        raise InvalidValueError(name, "is not a date such as 2026-01-31") from error


def compute_micros(definition: AttributeDefinition, value: str) -> int | None:
    """Compute the number of a canonical value in millionths; None: it has none."""
    if definition.type not in (AttributeType.NUMBER, AttributeType.MEASURE):
        return None
    return int(Decimal(value) * MICROS)


def clamp_micros(micros: int) -> int:
    """Return a number in millionths, or the largest that the database can compare."""
    return max(-(2**63) + 1, min(micros, 2**63 - 1))


def read_value(definition: AttributeDefinition, value: str) -> AttributeValue:
    """Read a canonical value."""
    declared, type = definition.values.get(value), definition.type
    swatch = declared.swatch if declared is not None else None
    if type is AttributeType.COLOR and swatch is None:
        swatch = Swatch(color=value)
    amount, _, currency = value.partition(" ")
    return AttributeValue(
        value=value,
        declared=declared,
        number=Decimal(value) if type in (AttributeType.NUMBER, AttributeType.MEASURE) else None,
        boolean=value == "true" if type is AttributeType.BOOLEAN else None,
        date=date.fromisoformat(value) if type is AttributeType.DATE else None,
        money=Money.of(amount, currency) if type is AttributeType.MONEY else None,
        swatch=swatch,
        image=Image(url=value) if type is AttributeType.IMAGE else None,
    )
