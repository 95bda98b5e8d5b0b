"""Codes that a channel stores as numbers: SKUs, barcodes and IDs in columns of integers, decimals or floats."""

from __future__ import annotations

from decimal import Decimal

from gateway.model.validation import InvalidValueError, parse_gtin

MAX_FLOAT_CODE = 10**15
"""Floats are exact up to here: a larger one is no longer the code that was stored."""

UPC_DIGITS = 12
LOST_ZEROS = 2
"""A UPC begins with a zero, some with two. Shorter numbers are more likely codes of the retailer's own."""


def format_number_code(field: str, value: float | Decimal) -> str:
    """Format a code that is stored as a number, without a fraction or an exponent: 5012345678900.0 is
    ``5012345678900``.

    Raises:
        InvalidValueError: The number has a fraction, or is a float that cannot be exact.
    """
    number = Decimal(value)
    if not number.is_finite() or number != number.to_integral_value():
        raise InvalidValueError(field, f"expected a code, found the number {value}")
    if isinstance(value, float) and abs(number) >= MAX_FLOAT_CODE:
        raise InvalidValueError(field, f"the number {value} is too large to be exact")
    return str(int(number))


def parse_number_gtin(value: float | Decimal) -> str | None:
    """Return a code that is stored as a number as a GTIN, or None if it is none; see `parse_gtin`.

    A number has no leading zeros, so those of a UPC are restored: 36000291452 is 00036000291452.
    """
    try:
        digits = format_number_code("gtin", value)
    except InvalidValueError:
        return None
    lost = UPC_DIGITS - len(digits)
    return parse_gtin(digits.zfill(UPC_DIGITS) if 0 < lost <= LOST_ZEROS else digits)
