"""Validation of single values of the model.

Each function returns the value, or its normalized form, and raises `InvalidValueError` with the name of the field.
The functions also check types: values come from channels and have not been validated before.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

MAX_QUANTITY = 2**31 - 1
"""The largest quantity, in the smallest unit of a variant: the maximum of a GraphQL Int."""

MAX_AMOUNT = 2**53 - 1
"""The largest amount in the smallest unit of a currency, and the largest of other numbers: exact in JavaScript."""

MAX_KEY_LENGTH = 600
"""Characters of an indexed text: PostgreSQL takes 2,704 bytes, and normalizing can lengthen a text."""

MAX_MESSAGE_LENGTH = 500
"""Maximum number of characters of a message that a channel or a plugin causes."""

MAX_NUMBER_DIGITS = 15
"""Maximum number of digits, after the first one, of any of these numbers."""

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SEPARATORS = re.compile("[ \u2010-\u2015-]")
_COUNTRY = re.compile(r"[A-Z]{2}")


class InvalidValueError(ValueError):
    """A value that the model cannot hold. `field`: the name of the field; `reason`: what was expected."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def sanitize_message(message: object) -> str:
    """Make a message printable and limit its length, so that databases and logs can store it."""
    readable = str(message).encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    return readable if len(readable) <= MAX_MESSAGE_LENGTH else readable[: MAX_MESSAGE_LENGTH - 1] + "…"


def clamp_quantity(units: int) -> int:
    """Return a sum of quantities, or the largest quantity that clients can read."""
    return max(-MAX_QUANTITY, min(units, MAX_QUANTITY))


def check_text(field: str, value: object, longest: int = 500, *, empty: bool = False) -> str:
    """Check a text of at most `longest` characters that the databases and JSON can store."""
    if not isinstance(value, str):
        raise InvalidValueError(field, f"expected text, found {type(value).__name__}")
    if len(value) > longest:
        raise InvalidValueError(field, f"has {len(value)} characters; at most {longest} are allowed")
    if _UNSTORABLE.search(value):
        raise InvalidValueError(field, "contains a NUL character or an unpaired surrogate")
    if not empty and not value.strip():
        raise InvalidValueError(field, "is empty")
    return value


def check_optional_text(field: str, value: object, longest: int = 500) -> str | None:
    """Check an optional text; it may be empty."""
    return None if value is None else check_text(field, value, longest, empty=True)


def check_whole(field: str, value: object, *, least: int = -MAX_QUANTITY, most: int = MAX_QUANTITY) -> int:
    """Check an integer from `least` to `most`. A float is refused, even without a fraction: quantities are exact."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValueError(field, f"expected a whole number, found {type(value).__name__}")
    if not least <= value <= most:
        raise InvalidValueError(field, f"is not between {least} and {most}")
    return value


def parse_pieces(field: str, value: float | Decimal | str) -> int:
    """Convert a number of a channel, such as a float or a decimal, to a whole number.

    Raises:
        InvalidValueError: The number has a fraction (0.5 pieces), or the value is no number.
    """
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else str(value))
        if (
            exact.is_finite() and exact.adjusted() > MAX_NUMBER_DIGITS
        ):  # written out, 1e999999999 would exhaust the memory
            raise InvalidValueError(field, f"is not between {-MAX_QUANTITY} and {MAX_QUANTITY}")
        if exact != exact.to_integral_value():
            raise InvalidValueError(field, f"{value} is not a whole number of the variant's smallest unit")
        return check_whole(field, int(exact))
    except (InvalidOperation, OverflowError, ValueError) as error:
        if isinstance(error, InvalidValueError):
            raise
        raise InvalidValueError(field, f"{value!r} is not a number") from error


def check_instant(field: str, value: object) -> datetime:
    """Check a date and time between 1970 and 2199 with a time zone, and convert it to UTC."""
    if not isinstance(value, datetime):
        raise InvalidValueError(field, f"expected a date and time, found {type(value).__name__}")
    if value.tzinfo is None:
        raise InvalidValueError(field, "has no time zone")
    try:
        instant = value.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise InvalidValueError(field, f"the year {value.year} is out of range") from error
    if not _EARLIEST <= instant < _LATEST:
        raise InvalidValueError(field, f"the year {value.year} is not between 1970 and 2199")
    return instant


def check_optional_instant(field: str, value: object) -> datetime | None:
    """Check an optional date and time; see `check_instant`."""
    return None if value is None else check_instant(field, value)


def check_country(field: str, value: object) -> str | None:
    """Check an optional ISO 3166-1 alpha-2 country code."""
    if value is None:
        return None
    code = check_text(field, value, 2)
    if not _COUNTRY.fullmatch(code):
        raise InvalidValueError(field, f"{code!r} is not a two-letter country code")
    return code


def check_flag(field: str, value: object) -> bool:
    """Check a boolean."""
    if not isinstance(value, bool):
        raise InvalidValueError(field, f"expected true or false, found {type(value).__name__}")
    return value


def check_gtin(field: str, value: object) -> str | None:
    """Check an optional GTIN-8, -12, -13 or -14 with a valid check digit, and pad it to 14 digits.

    Spaces and hyphens between digits are ignored.

    Source: GS1 General Specifications, section 7.9.

    Raises:
        InvalidValueError: The length, a character or the check digit is invalid.
    """
    if value is None:
        return None
    digits = _SEPARATORS.sub("", normalize_code(check_text(field, value, 40)))
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in (8, 12, 13, 14):
        raise InvalidValueError(field, f"{digits!r} does not have 8, 12, 13 or 14 digits")
    code = digits.zfill(14)
    total = sum(int(digit) * (3 if index % 2 == 0 else 1) for index, digit in enumerate(code))
    if total % 10:
        raise InvalidValueError(field, f"{digits} has an invalid check digit")
    return code


def list_gtins(text: str) -> tuple[str, ...]:
    """List the GTINs that a typed code can stand for: 8 digits can be a GTIN-8 and a UPC-E, which is expanded."""
    codes = (parse_gtin(text), parse_gtin(_expand_upc_e(_SEPARATORS.sub("", normalize_code(text)))))
    return tuple(dict.fromkeys(code for code in codes if code is not None))


def _expand_upc_e(digits: str) -> str | None:
    """Expand a UPC-E to a UPC-A (GTIN-12). Source: GS1 General Specifications, section 5.2.2.4.2."""
    if len(digits) != 8 or not (digits.isascii() and digits.isdigit()) or digits[0] not in "01":
        return None
    system, short, last, check = digits[0], digits[1:6], digits[6], digits[7]
    if last in "012":
        return f"{system}{short[:2]}{last}0000{short[2:]}{check}"
    if last == "3":
        return f"{system}{short[:3]}00000{short[3:]}{check}"
    if last == "4":
        return f"{system}{short[:4]}00000{short[4:]}{check}"
    return f"{system}{short}0000{last}{check}"


def parse_gtin(value: str | None) -> str | None:
    """Return a code as a GTIN, or None if it is none: channels also use the field for codes of their own."""
    try:
        return check_gtin("gtin", value)
    except InvalidValueError:
        return None


def fold(value: str) -> str:
    """Fold a text for sorting and searching: fold case, remove accents, collapse spaces.

    The folded text is stored with the text, so that all databases sort and search equally.
    """
    if value.isascii():
        return " ".join(value.lower().split())
    return " ".join(_strip_accents(_strip_accents(value).casefold()).split())


def _strip_accents(value: str) -> str:
    decomposed = unicodedata.normalize("NFKD", value)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def normalize_code(value: str) -> str:
    """Normalize a code as it is compared: characters that look alike are one, those that cannot be seen are removed.

    Full-width characters become ordinary ones (NFKC), format characters (a byte order mark, zero-width spaces,
    directional marks) are removed, and spaces are collapsed.
    """
    if not value.isascii():
        composed = unicodedata.normalize("NFKC", value)
        value = "".join(character for character in composed if unicodedata.category(character) != "Cf")
    return " ".join(value.split())


def normalize_sku(sku: str) -> str:
    """Normalize a SKU for comparison between channels, without regard to case."""
    code = normalize_code(sku).casefold()
    return code if code.isascii() else unicodedata.normalize("NFKC", code)[:MAX_KEY_LENGTH]
