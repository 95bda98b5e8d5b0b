"""Which media type a client wants, and which it sends."""

from __future__ import annotations

from collections.abc import Mapping

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"

MOST_RANGES = 50
"""What is named after these is not looked at."""


def accepted(header: str | None) -> list[tuple[str, float]]:
    """The media ranges of an Accept header with their weights, the preferred ones first."""
    found = [_weighed(part) for part in (header or "*/*").split(",", MOST_RANGES)[:MOST_RANGES] if part.strip()]
    return sorted(found, key=lambda item: -item[1])


def _weighed(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = next((piece[2:].strip() for piece in parameters if piece.startswith("q=")), "1")
    try:
        number = float(weight)
    except ValueError:
        return name, 0.0
    return name, number if 0 <= number <= 1 else 0.0


def response_type(header: str | None) -> str | None:
    """What to answer with: the one of our two types that is wanted more; None where neither is.

    Of equal ones the newer type, if it is named: who only takes whatever there is may never have heard of it.
    """
    ranges = dict(reversed(accepted(header)))
    newer, older = _weight(GRAPHQL, ranges), _weight(JSON, ranges)
    if max(newer, older) == 0:
        return None
    return GRAPHQL if newer > older or (newer == older and GRAPHQL in ranges) else JSON


def _weight(name: str, ranges: Mapping[str, float]) -> float:
    """By the range that says most about the type."""
    return next((ranges[one] for one in (name, "application/*", "*/*") if one in ranges), 0.0)


def wants_page(header: str | None) -> bool:
    """Whether a browser asks: HTML, and neither of our own types."""
    names = [name for name, weight in accepted(header) if weight > 0]
    return HTML in names and GRAPHQL not in names and JSON not in names


def is_json(content_type: str | None) -> bool:
    """Whether a body of this type is JSON in UTF-8."""
    name, *parameters = (piece.strip().lower() for piece in (content_type or "").split(";"))
    charsets = [piece[8:].strip('"') for piece in parameters if piece.startswith("charset=")]
    return name == JSON and all(charset in ("utf-8", "utf8") for charset in charsets)
