"""Money: an exact amount in the smallest unit of its currency."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import Enum
from functools import lru_cache

from gateway.model.currency_table import CODES_BY_DIGITS
from gateway.model.validation import MAX_AMOUNT, InvalidValueError, check_whole

EXPONENTS = {code: digits for digits, codes in CODES_BY_DIGITS.items() for code in codes.split()}
"""Number of decimal digits, by currency code (ISO 4217, in use or withdrawn)."""

UNKNOWN_EXPONENT = 2
"""Number of decimal digits of a currency that the table does not know: that of nearly all."""

_CODE = re.compile(r"[A-Z]{3}")


def check_currency(field: str, value: object) -> str:
    """Return a code that has the form of ISO 4217: three capital letters. Amounts in unknown currencies are kept.

    Raises:
        InvalidValueError: The value is no such code.
    """
    if not isinstance(value, str) or not is_currency_code(value):
        raise InvalidValueError(field, f"{value!r} is not a currency code of ISO 4217")
    return value


def is_currency_code(text: str) -> bool:
    """Return whether a text has the form of a code of ISO 4217."""
    return _CODE.fullmatch(text) is not None


def check_known_currency(field: str, value: object) -> str:
    """Return the code of a currency of ISO 4217, in use or withdrawn.

    Raises:
        InvalidValueError: The code is unknown.
    """
    if not isinstance(value, str) or value not in EXPONENTS:
        raise InvalidValueError(field, f"{value!r} is not a currency code of ISO 4217")
    return value


def get_exponent(currency_code: str) -> int:
    """Return the number of decimal digits of a currency."""
    return EXPONENTS.get(currency_code, UNKNOWN_EXPONENT)


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount of money.

    Attributes:
        minor: Amount in the smallest unit of the currency: 1250 for GBP 12.50. Negative for refunds.
        currency_code: code of the form of ISO 4217. Amounts in unknown currencies are shown, and sold in by no channel.

    Raises:
        InvalidValueError: The amount is out of range or the currency is unknown.
    """

    minor: int
    currency_code: str

    def __post_init__(self) -> None:
        check_whole("amount", self.minor, least=-MAX_AMOUNT, most=MAX_AMOUNT)
        check_currency("currency", self.currency_code)

    @property
    def amount(self) -> str:
        """The amount as a decimal string with the digits of its currency: ``12.50``, ``-3.00``, ``1200`` for JPY."""
        return format_minor(self.minor, self.currency_code)

    @classmethod
    def of(cls, amount: str | int | Decimal, currency_code: str) -> Money:
        """Create money from an exact amount of major units.

        Raises:
            InvalidValueError: The amount is no number or has more digits than the currency, or the currency is unknown.
        """
        exact = _parse_decimal(amount).scaleb(get_exponent(check_currency("currency", currency_code)))
        if exact != exact.to_integral_value():
            raise InvalidValueError("amount", f"{amount} has more digits than the currency {currency_code}")
        return cls(int(exact), currency_code)

    @classmethod
    def rounded(cls, amount: str | int | float | Decimal, currency_code: str) -> Money:
        """Create money from an amount of major units, rounded half up (away from zero) to the digits of the currency.

        For channels that store prices with more digits or as floating-point numbers.

        Raises:
            InvalidValueError: The amount is no number or out of range, or the currency is unknown.
        """
        shift = get_exponent(check_currency("currency", currency_code))
        exact = _parse_decimal(repr(amount) if isinstance(amount, float) else amount).scaleb(shift)
        return cls(round_half_up(exact), currency_code)


def build_money(minor: int, currency_code: str) -> Money | None:
    """Build an amount that was computed; None: it is out of the range of `Money`, as a sum of amounts can be."""
    return Money(minor, currency_code) if abs(minor) <= MAX_AMOUNT else None


def clamp_money(minor: int, currency_code: str) -> Money:
    """Build an amount that was computed, or the largest that `Money` can hold."""
    return Money(max(-MAX_AMOUNT, min(minor, MAX_AMOUNT)), currency_code)


@lru_cache(10_000)
def format_minor(minor: int, currency_code: str) -> str:
    """Format an amount in the smallest unit as a decimal string with the digits of its currency."""
    exponent = get_exponent(currency_code)
    if exponent == 0:
        return str(minor)
    digits = str(abs(minor)).zfill(exponent + 1)
    return f"{'-' if minor < 0 else ''}{digits[:-exponent]}.{digits[-exponent:]}"


def _parse_decimal(amount: str | int | Decimal) -> Decimal:
    try:
        exact = Decimal(amount)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise InvalidValueError("amount", f"{amount!r} is not a number") from error
    if not exact.is_finite() or exact.adjusted() > 15 or (exact.adjusted() < -15 and exact):
        raise InvalidValueError("amount", f"{amount} is out of range")
    return exact


class Rounding(Enum):
    """What a channel rounds to the smallest unit of the currency, where tax is added to net prices (rule P1)."""

    UNIT = "unit"
    LINE = "line"
    RECEIPT = "receipt"


def round_half_up(exact: Decimal) -> int:
    """Round to a whole number, halves away from zero."""
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def to_micros(exact: Decimal) -> int:
    """Convert an amount of major units to millionths, rounded half up: how exact prices are stored."""
    return round_half_up(exact.scaleb(6))


def to_exact_minor(micros: int | None, minor: int, currency_code: str) -> Decimal:
    """Return an exact amount in the smallest unit of its currency, from its millionths; None: `minor` is exact."""
    if micros is None:
        return Decimal(minor)
    return Decimal(micros).scaleb(get_exponent(currency_code) - 6)


@dataclass(frozen=True, slots=True)
class MoneyRange:
    """The lowest and the highest of several amounts in one currency."""

    min: Money
    max: Money


def build_range(amounts: Iterable[Money]) -> MoneyRange | None:
    """Build the range of these amounts; None: there is none, or the currencies differ."""
    given = list(amounts)
    if len({amount.currency_code for amount in given}) != 1:
        return None
    return MoneyRange(min(given), max(given))
