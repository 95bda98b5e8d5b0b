"""Which media type a client wants, and which it sends."""

from __future__ import annotations

from collections.abc import Iterable

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"


def accepted(header: str | None) -> list[tuple[str, float]]:
    """The media ranges of an Accept header with their weights, the preferred ones first."""
    found = [_weighed(part) for part in (header or "*/*").split(",") if part.strip()]
    return sorted(found, key=lambda item: -item[1])


def _weighed(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = next((piece[2:].strip() for piece in parameters if piece.startswith("q=")), "1")
    try:
        return name, float(weight)
    except ValueError:
        return name, 0.0


def response_type(header: str | None) -> str | None:
    """What to answer with: the one of our two types that is wanted most; None where neither is."""
    ranges = [(name, weight) for name, weight in accepted(header) if weight > 0]
    named = [(weight, name) for name, weight in ranges if name in (GRAPHQL, JSON)]
    if named:
        best = max(weight for weight, _ in named)
        return GRAPHQL if (best, GRAPHQL) in named else JSON
    return JSON if _has_any(name for name, _ in ranges) else None


def _has_any(names: Iterable[str]) -> bool:
    return any(name in ("*/*", "application/*") for name in names)


def wants_page(header: str | None) -> bool:
    """Whether a browser asks: HTML, and neither of our own types."""
    names = [name for name, weight in accepted(header) if weight > 0]
    return HTML in names and GRAPHQL not in names and JSON not in names


def is_json(content_type: str | None) -> bool:
    """Whether a body of this type is JSON in UTF-8."""
    name, *parameters = (piece.strip().lower() for piece in (content_type or "").split(";"))
    charsets = [piece[8:].strip('"') for piece in parameters if piece.startswith("charset=")]
    return name == JSON and all(charset in ("utf-8", "utf8") for charset in charsets)
