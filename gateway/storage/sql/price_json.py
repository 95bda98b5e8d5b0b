"""Prices of a listing in other currencies than its own, and its net content, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from gateway.model.measures import Measure
from gateway.model.offers import NetContent, build_net_content
from gateway.storage.sql.bulk import dump_json, load_json
from gateway.storage.sql.decoded_texts import decode_once
from gateway.storage.tables import EPOCH, MICROSECOND, convert_to_microseconds


class StoredPrice(NamedTuple):
    """A price in minor units.

    Attributes:
        micros: the exact price in millionths, if it has more digits than the currency.
        since: since when it is known; None: not known.
    """

    currency: str
    price: int
    micros: int | None
    compare_at_price: int | None
    since: datetime | None = None


def dump_prices(prices: Iterable[StoredPrice]) -> str | None:
    """Encode prices, sorted by currency; None: there are none."""
    rows = [[*price[:4], convert_to_microseconds(price.since)] for price in sorted(prices, key=lambda it: it.currency)]
    return dump_json(rows) if rows else None


def load_prices(text: str | None) -> Mapping[str, StoredPrice]:
    """Decode prices, by currency."""
    rows = load_json(text) or ()
    return {row[0]: _read_price(*row) for row in rows}


def _read_price(
    currency: str, price: int, micros: int | None, compare_at_price: int | None, since: int | None
) -> StoredPrice:
    return StoredPrice(
        currency, price, micros, compare_at_price, None if since is None else EPOCH + since * MICROSECOND
    )


def dump_net_content(content: Measure | None, per: Measure | None) -> str | None:
    """Encode what a unit contains, and the measure of its price; None: it is not known."""
    if content is None:
        return None
    net = build_net_content(content, per)
    return dump_json([f"{net.content.value:f}", net.content.unit, f"{net.per.value:f}", net.per.unit])


@decode_once
def load_net_content(text: str) -> NetContent:
    """Decode what a unit contains."""
    value, unit, per_value, per_unit = load_json(text)
    content, per = Measure(value=Decimal(value), unit=unit), Measure(value=Decimal(per_value), unit=per_unit)
    return NetContent(content=content, per=per)
