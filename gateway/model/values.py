"""Checks of single values: what may stand in a field of the model.

Each check returns the value it was given (or its normal form) and raises `InvalidValueError`, naming the field. They
also check types, because the values come from channels and nothing has looked at them before.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

MAX_QUANTITY = 2**31 - 1
"""The largest quantity, in the variant's smallest unit: what GraphQL's Int holds."""

MAX_AMOUNT = 2**53 - 1
"""The largest number otherwise, amounts in their smallest unit among them: what JavaScript holds exactly."""

LONGEST_NUMBER = 15
"""Digits after the first one that a number can have to be any of these."""

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_COUNTRY = re.compile(r"[A-Z]{2}")


class InvalidValueError(ValueError):
    """A value that the model cannot hold. `field` names where it stood, `reason` says what was expected."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def text(field: str, value: object, longest: int = 500, *, empty: bool = False) -> str:
    """A string of at most `longest` characters that both databases and JSON can hold."""
    if not isinstance(value, str):
        raise InvalidValueError(field, f"expected text, found {type(value).__name__}")
    if len(value) > longest:
        raise InvalidValueError(field, f"{len(value)} characters, at most {longest} are allowed")
    if _UNFIT.search(value):
        raise InvalidValueError(field, "contains a NUL or half of a surrogate pair")
    if not empty and not value.strip():
        raise InvalidValueError(field, "is empty")
    return value


def optional_text(field: str, value: object, longest: int = 500) -> str | None:
    """As `text`, or None."""
    return None if value is None else text(field, value, longest, empty=True)


def whole(field: str, value: object, *, least: int = -MAX_QUANTITY, most: int = MAX_QUANTITY) -> int:
    """An integer from `least` to `most`. A float is refused, even a whole one: quantities are exact."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValueError(field, f"expected a whole number, found {type(value).__name__}")
    if not least <= value <= most:
        raise InvalidValueError(field, f"is not between {least} and {most}")
    return value


def pieces(field: str, value: float | Decimal | str) -> int:
    """The whole number that a channel's float or decimal stands for.

    Raises:
        InvalidValueError: it has a fraction (0.5 pieces), or is not a number.
    """
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else str(value))
        if exact.is_finite() and exact.adjusted() > LONGEST_NUMBER:  # written out, 1e999999999 fills the memory
            raise InvalidValueError(field, f"is not between {-MAX_QUANTITY} and {MAX_QUANTITY}")
        if exact != exact.to_integral_value():
            raise InvalidValueError(field, f"{value} is not a whole number of the variant's smallest unit")
        return whole(field, int(exact))
    except (InvalidOperation, OverflowError, ValueError) as error:
        if isinstance(error, InvalidValueError):
            raise
        raise InvalidValueError(field, f"{value!r} is not a number") from error


def instant(field: str, value: object) -> datetime:
    """An aware instant between 1970 and 2200, in UTC."""
    if not isinstance(value, datetime):
        raise InvalidValueError(field, f"expected a date and time, found {type(value).__name__}")
    if value.tzinfo is None:
        raise InvalidValueError(field, "has no time zone")
    try:
        moment = value.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise InvalidValueError(field, f"the year {value.year} is out of range") from error
    if not _EARLIEST <= moment < _LATEST:
        raise InvalidValueError(field, f"the year {value.year} is not between 1970 and 2199")
    return moment


def optional_instant(field: str, value: object) -> datetime | None:
    """As `instant`, or None."""
    return None if value is None else instant(field, value)


def country(field: str, value: object) -> str | None:
    """An ISO 3166-1 alpha-2 code, or None."""
    if value is None:
        return None
    code = text(field, value, 2)
    if not _COUNTRY.fullmatch(code):
        raise InvalidValueError(field, f"{code!r} is not a two-letter country code")
    return code


def flag(field: str, value: object) -> bool:
    """A bool."""
    if not isinstance(value, bool):
        raise InvalidValueError(field, f"expected true or false, found {type(value).__name__}")
    return value


def gtin(field: str, value: object) -> str | None:
    """A GTIN-8, -12, -13 or -14 with a right check digit, as 14 digits; None for None.

    Source: GS1 General Specifications, section 7.9.


    Raises:
        InvalidValueError: other length, other characters, or a wrong check digit.
    """
    if value is None:
        return None
    digits = text(field, value, 20).strip()
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in (8, 12, 13, 14):
        raise InvalidValueError(field, f"{digits!r} is not 8, 12, 13 or 14 digits")
    code = digits.zfill(14)
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(code))
    if total % 10:
        raise InvalidValueError(field, f"{digits} has a wrong check digit")
    return code


def gtin_or_none(value: str | None) -> str | None:
    """The GTIN that a code is; None, where it is none: channels also tell codes of their own making."""
    try:
        return gtin("gtin", value)
    except InvalidValueError:
        return None


def folded(value: str) -> str:
    """The form in which texts are sorted and searched: case-folded, accents dropped, spaces collapsed.

    Stored beside the text, so that every database sorts and finds alike.
    """
    if value.isascii():
        return " ".join(value.lower().split())
    return " ".join(_plain(_plain(value).casefold()).split())


def _plain(value: str) -> str:
    decomposed = unicodedata.normalize("NFKD", value)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def words(value: str) -> list[str]:
    """The words of a text for search: folded, split at everything but letters and digits."""
    return re.findall(r"[^\W_]+", folded(value))


def sku_key(sku: str) -> str:
    """The form in which SKUs of different channels are compared: trimmed and case-folded."""
    return sku.strip().casefold()
