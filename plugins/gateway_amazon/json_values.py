"""Values in Amazon's JSON: reading and formatting."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

from gateway.sdk import CursorExpiredError, InvalidValueError, Money
from gateway.sdk.json_access import Shape, get_objects, get_text, get_value, get_whole

FBA_LOCATION = "fba"
"""External location ID of FBA stock."""


def get_optional_objects(shape: object, *path: str) -> list[Shape]:
    """Return a list of objects; empty if absent."""
    return [] if get_value(shape, *path) is None else get_objects(shape, *path)


def get_optional_count(shape: object, *path: str) -> int | None:
    """Return a non-negative integer; None if absent."""
    value = None if get_value(shape, *path) is None else get_whole(shape, *path)
    if value is not None and value < 0:
        raise InvalidValueError(".".join(path), f"{value} is negative")
    return value


def get_optional_money(shape: object, *path: str) -> Money | None:
    """Return an amount; None if absent. Its decimal number is a string, so no precision is lost."""
    if get_value(shape, *path) is None:
        return None
    return Money.of(get_text(shape, *path, "amount"), get_text(shape, *path, "currencyCode"))


def format_instant(moment: datetime) -> str:
    """Format an instant as Amazon does: UTC, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def quote_segment(id: str) -> str:
    """Encode an ID as one path segment, including slashes and dots."""
    return quote(id, safe="").replace(".", "%2E")


def pack_token(*parts: str | int | bool | None) -> str:
    """Build a page token of this plugin from its parts."""
    return json.dumps(parts)


def unpack_token(token: str, size: int) -> list[Any]:
    """Return the parts of a page token of this plugin."""
    parts = json.loads(token) if token.startswith("[") else []
    if len(parts) != size:
        raise CursorExpiredError("the page token belongs to another feed")
    return list(parts)


def sum_amounts(amounts: list[Money]) -> Money | None:
    """Return the sum; None if there are no amounts.

    Raises:
        InvalidValueError: The amounts have different currencies.
    """
    if len({amount.currency_code for amount in amounts}) > 1:
        raise InvalidValueError("currency", "expected amounts in one currency, found several")
    return Money(sum(amount.minor for amount in amounts), amounts[0].currency_code) if amounts else None
