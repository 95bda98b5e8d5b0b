"""Scalars: how dates, decimal numbers, currencies and countries are represented."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NewType

import strawberry
from strawberry.schema.config import StrawberryConfig

from gateway.model import content, money, validation

CurrencyCode = NewType("CurrencyCode", str)
CountryCode = NewType("CountryCode", str)
Locale = NewType("Locale", str)

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,16}(\.\d{1,16})?", re.ASCII)


def write_instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_instant(value: Any) -> datetime:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("expected a date and time such as 2026-01-31T09:30:00Z")
    try:
        instant = datetime.fromisoformat(value.upper())
    except ValueError as error:  # the message of fromisoformat is about Python
        raise ValueError("is not an existing date and time") from error
    return validation.check_instant("DateTime", instant)


def read_decimal(value: Any) -> Decimal:
    if not isinstance(value, str | int) or isinstance(value, bool) or not _DECIMAL.fullmatch(str(value)):
        raise ValueError('expected a decimal number as a string, such as "12.50"')
    try:
        return Decimal(value)
    except InvalidOperation as error:
        raise ValueError("is not a decimal number") from error


def read_date(value: Any) -> date:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("expected a date such as 2026-01-31")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("is not an existing date") from error


def read_currency(value: Any) -> str:
    return money.check_known_currency("CurrencyCode", value)


def read_locale(value: Any) -> str:
    return content.normalize_locale("Locale", value)


def read_country(value: Any) -> str | None:
    return validation.check_country("CountryCode", value)


CONFIG = StrawberryConfig(
    scalar_map={
        datetime: strawberry.scalar(
            name="DateTime",
            description="Date and time from 1970 to 2199, RFC 3339. Results are in UTC: `2026-01-31T09:30:00Z`.",
            serialize=write_instant,
            parse_value=read_instant,
        ),
        date: strawberry.scalar(
            name="Date",
            description="Date without a time zone: `2026-01-31`.",
            serialize=date.isoformat,
            parse_value=read_date,
        ),
        Decimal: strawberry.scalar(
            name="Decimal",
            description='Exact decimal number as a string, such as `"12.50"`. Do not parse it as floating point.',
            serialize=str,
            parse_value=read_decimal,
        ),
        CurrencyCode: strawberry.scalar(
            name="CurrencyCode",
            description="ISO 4217 currency code, such as `GBP`.",
            serialize=str,
            parse_value=read_currency,
        ),
        Locale: strawberry.scalar(
            name="Locale",
            description="BCP 47 language tag, such as `de-CH`. `und`: not known.",
            serialize=str,
            parse_value=read_locale,
        ),
        CountryCode: strawberry.scalar(
            name="CountryCode",
            description="ISO 3166-1 alpha-2 country code, such as `GB`.",
            serialize=str,
            parse_value=read_country,
        ),
    }
)
