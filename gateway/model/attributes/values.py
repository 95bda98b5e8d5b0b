"""Values of attributes: the canonical texts that are stored, and what they say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from gateway.model import record_validation, validation
from gateway.model.attributes.definitions import AttributeDefinition, AttributeType, AttributeValue, Swatch
from gateway.model.measures import convert_amount, normalize_unit
from gateway.model.media import Image
from gateway.model.money import Money
from gateway.model.validation import InvalidValueError

MAX_TEXT = 2_000
"""Maximum number of characters of a value that is not HTML."""

MAX_VALUES = 50
"""Maximum number of values of an attribute."""

MICROS = 1_000_000
"""Numbers are compared in millionths."""

_MAX_DIGITS = 12
_MAX_NUMBER = Decimal(10**_MAX_DIGITS)
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ].*)?")
_MEASURE = re.compile(r"(-?[\d.]+(?:[eE][+-]?\d{1,2})?)\s*(\S{0,20})")
_COLOR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")
_FLAGS: Mapping[str, str] = {"true": "true", "1": "true", "yes": "true", "false": "false", "0": "false", "no": "false"}


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
    number, given = _parse_number(name, match[1]), normalize_unit(match[2] or unit)
    converted = convert_amount(number, given, normalize_unit(unit))
    if converted is None:
        raise InvalidValueError(name, f"is in {given}, which cannot be converted to {unit}")
    return _format_number(_round_number(name, converted))


def _parse_number(name: str, value: str) -> Decimal:
    try:
        return _round_number(name, Decimal(value))
    except InvalidOperation as error:
        raise InvalidValueError(name, "is not a number") from error


def _round_number(name: str, number: Decimal) -> Decimal:
    # The digits are looked at first: arithmetic with 1e99999999 overflows.
    if not number.is_finite() or number.adjusted() > _MAX_DIGITS or abs(number) > _MAX_NUMBER:
        raise InvalidValueError(name, f"is not a number up to {_MAX_NUMBER}")
    return round(number, 6)


def _format_number(number: Decimal) -> str:
    """Format a number without exponent, trailing zeros or a negative zero."""
    if not number:
        return "0"
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _parse_date(name: str, value: str) -> date:
    """Parse a date, with or without a time of day."""
    match = _DATE.fullmatch(value)
    try:
        return date.fromisoformat("" if match is None else match[1])
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


def check_swatch(swatch: Swatch | None) -> Swatch | None:
    """Check and normalize an optional swatch. None: it shows nothing.

    Raises:
        InvalidValueError: It is none.
    """
    if swatch is None:
        return None
    record_validation.check_type("swatch", swatch, Swatch)
    color, image = swatch.color, record_validation.check_image(swatch.image)
    if color is not None:
        color = validation.check_text("swatch.color", color, MAX_TEXT).lower()
        if not _COLOR.fullmatch(color):
            raise InvalidValueError("swatch.color", "is not a color such as #1e90ff")
    return None if color is None and image is None else Swatch(color=color, image=image)


def read_values(definition: AttributeDefinition, values: Sequence[str]) -> tuple[AttributeValue, ...]:
    """Read canonical values. Those of a type that was declared before are left out until they are synced again."""
    return tuple(_read_value(definition, value) for value in values if is_canonical(definition, value))


def is_canonical(definition: AttributeDefinition, value: str) -> bool:
    """Return whether a stored value is one of the declared type."""
    if definition.type in (AttributeType.TEXT, AttributeType.HTML):
        return True
    try:
        return normalize_value(definition, value) == value
    except InvalidValueError:
        return False


def build_reference(channel: str, id: str) -> str:
    """Build the value that refers to a product of a channel."""
    return f"{channel}:{id.strip()}"


def _read_reference(value: str) -> tuple[str, str] | None:
    """Read the channel and the product; None: the value was stored with another type."""
    channel, _, id = value.partition(":")
    return (channel, id) if id else None


def _read_value(definition: AttributeDefinition, value: str) -> AttributeValue:
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
        reference=_read_reference(value) if type is AttributeType.PRODUCT else None,
    )
