"""Custom scalars: input values are checked, so that no resolver sees one that it cannot hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import urlsplit

from graphql import GraphQLError, GraphQLSchema, assert_scalar_type

_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?")


def parse_decimal(value: object) -> str:
    """Parse a decimal number."""
    text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if not _DECIMAL.fullmatch(text):
        raise GraphQLError("Decimal: expected a number")
    return text


def parse_date_time(value: object) -> datetime:
    """Parse an instant. One without a time zone is in UTC."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None:
            return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # reported as any other value that is none
    raise GraphQLError("DateTime: expected an ISO 8601 date and time")


def parse_url(value: object) -> str:
    """Parse a URL."""
    if not isinstance(value, str) or not is_web_url(value):
        raise GraphQLError("URL: expected an address that begins with http or https")
    return value


def is_web_url(value: str) -> bool:
    """Whether the value is an address of the web."""
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and value.isprintable()
    except ValueError:
        return False


PARSERS: Mapping[str, Callable[[object], object]] = MappingProxyType(
    {"Decimal": parse_decimal, "Money": parse_decimal, "DateTime": parse_date_time, "URL": parse_url}
)


def assign_parsers(schema: GraphQLSchema) -> GraphQLSchema:
    """Give the custom scalars of a schema their parsers."""
    for name, parse in PARSERS.items():
        assert_scalar_type(schema.type_map[name]).coerce_input_value = parse
    return schema
