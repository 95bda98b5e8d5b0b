"""Columns with prices in other currencies, and with what a unit contains."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from gateway.sdk import (
    CurrencyPrice,
    InvalidValueError,
    Measure,
    Money,
    RecordWarning,
    parse_measure,
    read_informative,
)
from gateway_sqlpos.config import SqlPosConfig


def list_columns(config: SqlPosConfig) -> list[str]:
    """List the columns to read."""
    return sorted({*config.prices.values(), *filter(None, [config.net_content])})


def read_pricing(
    texts: Mapping[str, str], config: SqlPosConfig
) -> tuple[list[CurrencyPrice], Measure | None, list[RecordWarning]]:
    """Read the prices and what a unit contains from texts by column. What cannot be read is left out with a warning."""

    def read_price(currency: str) -> CurrencyPrice:
        return _read_price(texts[config.prices[currency]], currency)

    priced = [currency for currency, column in config.prices.items() if column in texts]
    prices, warnings = read_informative(priced, read_price, "prices")
    content = texts.get(config.net_content or "")
    contents, unread = read_informative([] if content is None else [content], parse_measure, "netContent")
    return prices, next(iter(contents), None), [*warnings, *unread]


def _read_price(text: str, currency: str) -> CurrencyPrice:
    try:
        exact = round(Decimal(text), 6)
    except InvalidOperation as error:
        raise InvalidValueError("prices", f"{text[:40]!r} is not a number") from error
    return CurrencyPrice(price=Money.rounded(exact, currency), exact_price=exact)
