"""Mapping of ratings, which apps for reviews store in the standard metafields `reviews.rating` and `rating_count`."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from gateway.sdk import InvalidValueError, Rating, RecordWarning, json_access, read_informative
from gateway_shopify.graphql_values import Node

MAX_DIGITS = 6
"""Digits of the numbers of a scale before the decimal point, less one."""


def map_rating(node: Node) -> tuple[Rating | None, list[RecordWarning]]:
    """Map the rating of a product. One that cannot be read is left out with a warning."""
    ratings, warnings = read_informative([node], _map_rating, "rating")
    return next(iter(ratings), None), warnings


def _map_rating(node: Node) -> Rating | None:
    value = _get_value(node, "rating")
    count = _get_value(node, "ratingCount")
    if value is None or count is None:
        return None
    scale = _parse_scale(value)
    if not count.isascii() or not count.isdecimal():
        raise InvalidValueError("rating", f"{count[:40]!r} is not a number of ratings")
    return Rating(average=_convert_to_stars(*scale), count=int(count[:18]))


def _get_value(node: Node, field: str) -> str | None:
    metafield = json_access.get_optional_object(node, field)
    return None if metafield is None else json_access.get_text(metafield, "value")


def _parse_scale(text: str) -> tuple[Decimal, Decimal, Decimal]:
    """Parse a rating with the ends of its scale."""
    try:
        found: Any = json.loads(text)
        value, least, most = (Decimal(str(found[name])) for name in ("value", "scale_min", "scale_max"))
    except (ValueError, RecursionError, LookupError, TypeError, InvalidOperation) as error:
        raise InvalidValueError("rating", f"{text[:80]!r} is not a rating") from error
    if any(not number.is_finite() or number.adjusted() > MAX_DIGITS for number in (value, least, most)):
        raise InvalidValueError("rating", f"{text[:80]!r} is not a rating")
    if not least <= value <= most or least == most:
        raise InvalidValueError("rating", f"{value} is not between {least} and {most}")
    return value, least, most


def _convert_to_stars(value: Decimal, least: Decimal, most: Decimal) -> int:
    """Convert a rating to hundredths of 1 to 5 stars."""
    return int((100 + 400 * (value - least) / (most - least)).quantize(Decimal(1), ROUND_HALF_UP))
