"""Scalars: how single values are written."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NewType

import strawberry
from strawberry.schema.config import StrawberryConfig

from gateway.model import money, values

CurrencyCode = NewType("CurrencyCode", str)
CountryCode = NewType("CountryCode", str)

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,16}(\.\d{1,16})?", re.ASCII)


def write_instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_instant(value: Any) -> datetime:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("expected an instant such as 2026-01-31T09:30:00Z")
    try:
        found = datetime.fromisoformat(value.upper())
    except ValueError as error:  # its own text is about Python
        raise ValueError("is not an instant that there is") from error
    return values.instant("DateTime", found)


def read_decimal(value: Any) -> Decimal:
    if not isinstance(value, str | int) or isinstance(value, bool) or not _DECIMAL.fullmatch(str(value)):
        raise ValueError('expected a decimal number as a string, such as "12.50"')
    try:
        return Decimal(value)
    except InvalidOperation as error:
        raise ValueError("is not a decimal number") from error


def read_currency(value: Any) -> str:
    return money.currency("CurrencyCode", value)


def read_country(value: Any) -> str | None:
    return values.country("CountryCode", value)


CONFIG = StrawberryConfig(
    scalar_map={
        datetime: strawberry.scalar(
            name="DateTime",
            description="An instant from 1970 to 2199, RFC 3339, always UTC in answers: `2026-01-31T09:30:00Z`.",
            serialize=write_instant,
            parse_value=read_instant,
        ),
        Decimal: strawberry.scalar(
            name="Decimal",
            description='An exact decimal number as a string: `"12.50"`. Never read it into a float.',
            serialize=str,
            parse_value=read_decimal,
        ),
        CurrencyCode: strawberry.scalar(
            name="CurrencyCode",
            description="A currency, ISO 4217: `GBP`.",
            serialize=str,
            parse_value=read_currency,
        ),
        CountryCode: strawberry.scalar(
            name="CountryCode",
            description="A country, ISO 3166-1 alpha-2: `GB`.",
            serialize=str,
            parse_value=read_country,
        ),
    }
)
