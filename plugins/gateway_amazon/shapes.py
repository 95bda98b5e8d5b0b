"""What is Amazon's own way of writing things, read and written."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

from gateway.sdk import CursorExpiredError, InvalidValueError, Money
from gateway.sdk.shapes import Shape, several, text, whole, within

FBA_PLACE = "fba"
"""The place of all that Amazon keeps."""


def objects(shape: object, *path: str) -> list[Shape]:
    """A list of objects; what is absent is empty."""
    return [] if within(shape, *path) is None else several(shape, *path)


def count(shape: object, *path: str) -> int | None:
    """A whole number, not negative; None where it is absent."""
    found = None if within(shape, *path) is None else whole(shape, *path)
    if found is not None and found < 0:
        raise InvalidValueError(".".join(path), f"{found} is negative")
    return found


def money(shape: object, *path: str) -> Money | None:
    """An amount: its decimal number is a text, so that nothing is lost."""
    if within(shape, *path) is None:
        return None
    return Money.of(text(shape, *path, "amount"), text(shape, *path, "currencyCode"))


def stamp(moment: datetime) -> str:
    """A moment as Amazon writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def segment(id: str) -> str:
    """An id as one segment of a path: no slash ends it, and no dots lead out of it."""
    return quote(id, safe="").replace(".", "%2E")


def packed(*parts: str | int | bool | None) -> str:
    """A page token of our own, of these parts."""
    return json.dumps(parts)


def unpacked(token: str, size: int) -> list[Any]:
    """The parts of a page token of our own."""
    parts = json.loads(token) if token.startswith("[") else []
    if len(parts) != size:
        raise CursorExpiredError("the page token is none of this feed")
    return list(parts)


def total(amounts: list[Money]) -> Money | None:
    """The sum; None of none.

    Raises:
        InvalidValueError: they are in several currencies.
    """
    if len({amount.currency_code for amount in amounts}) > 1:
        raise InvalidValueError("currency", "one record has amounts in several currencies")
    return Money(sum(amount.minor for amount in amounts), amounts[0].currency_code) if amounts else None
