"""What stands where in an answer. Nothing has looked at it before: every step and every type is checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from gateway.sdk import CursorExpiredError, InvalidValueError, Money

Shape = Mapping[str, Any]

EARLIEST = 1970

FBA_PLACE = "fba"
"""The place of all that Amazon keeps."""


def within(shape: object, *path: str) -> Any:
    """What stands at the end of this path; None where a step of it is absent.

    Raises:
        InvalidValueError: a step is no object. So do the others here, for what has another type than theirs.
    """
    for depth, step in enumerate(path):
        if shape is None:
            return None
        if not isinstance(shape, dict):
            raise wrong(path[:depth], "an object", shape)
        shape = shape.get(step)
    return shape


def wrong(path: tuple[str, ...], expected: str, found: object) -> InvalidValueError:
    """That something else stands at a path."""
    return InvalidValueError(".".join(path) or "answer", f"expected {expected}, found {type(found).__name__}")


def objects(shape: object, *path: str) -> list[Shape]:
    """A list of objects; what is absent is empty."""
    found = within(shape, *path)
    if found is None:
        return []
    if not isinstance(found, list):
        raise wrong(path, "a list", found)
    for item in found:
        if not isinstance(item, dict):
            raise wrong(path, "objects", item)
    return found


def text(shape: object, *path: str) -> str | None:
    """A text."""
    found = within(shape, *path)
    if found is not None and not isinstance(found, str):
        raise wrong(path, "text", found)
    return found


def needed(shape: object, *path: str) -> str:
    """A text that must be there."""
    found = text(shape, *path)
    if not found:
        raise InvalidValueError(".".join(path), "is missing")
    return found


def count(shape: object, *path: str) -> int | None:
    """A whole number, not negative."""
    found = within(shape, *path)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int):
        raise wrong(path, "a whole number", found)
    if found < 0:
        raise InvalidValueError(".".join(path), f"{found} is negative")
    return found


def instant(shape: object, *path: str) -> datetime | None:
    """A date and time with its zone."""
    found = text(shape, *path)
    if not found:
        return None
    try:
        moment = datetime.fromisoformat(found)
        if moment.tzinfo is None or moment.year < EARLIEST:
            reason = "has no time zone" if moment.tzinfo is None else "is before all orders"
            raise InvalidValueError(".".join(path), reason)
        return moment.astimezone(UTC)
    except InvalidValueError:
        raise
    except (ValueError, OverflowError) as error:
        raise InvalidValueError(".".join(path), "is not a date and time") from error


def money(shape: object, *path: str) -> Money | None:
    """An amount: its decimal number is a text, so that nothing is lost."""
    if within(shape, *path) is None:
        return None
    return Money.of(needed(shape, *path, "amount"), needed(shape, *path, "currencyCode"))


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
