"""Loyalty numbers as recognition compares them, with their check digit if they have one (rule C2)."""

from __future__ import annotations

from enum import Enum

from gateway.model.validation import parse_gtin


class CheckDigit(Enum):
    """How the last digit of a number is computed from the others."""

    NONE = "none"
    LUHN = "luhn"
    GTIN = "gtin"


def read_loyalty_number(text: str, check_digit: CheckDigit = CheckDigit.NONE) -> str | None:
    """Read a loyalty number: without separators, in upper case. None: it is none, or its check digit is wrong."""
    number = "".join(character for character in text.upper() if character.isalnum())
    if not any(character.isdigit() for character in number) or len(set(number)) < 2:  # as 0000000
        return None
    if check_digit is CheckDigit.LUHN:
        return number if has_luhn_digit(number) else None
    if check_digit is CheckDigit.GTIN:
        return number if parse_gtin(number) is not None else None
    return number


def has_luhn_digit(number: str) -> bool:
    """Report whether the last digit of a number is its check digit by the algorithm of Luhn (ISO/IEC 7812-1)."""
    if not (number.isascii() and number.isdigit()):
        return False
    doubled = [int(digit) * 2 for digit in number[-2::-2]]
    return (sum(int(digit) for digit in number[::-2]) + sum(sum(divmod(digit, 10)) for digit in doubled)) % 10 == 0
