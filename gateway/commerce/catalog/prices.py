"""Prices of listings over time: since when the present ones are known, and what they were before (rule H4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from gateway.commerce.ingest_batch import IngestBatch
from gateway.model.catalog import ListingStatus
from gateway.sdk.records import ProductRecord
from gateway.storage.database import Connection
from gateway.storage.reads.freshness import find_pass_time
from gateway.storage.sql.price_json import StoredPrice, dump_prices, load_prices
from gateway.storage.writes import price_history
from gateway.storage.writes.listings import ListingRow
from gateway.storage.writes.price_history import PriceSpan


def track_prices(
    conn: Connection,
    rows: Iterable[ListingRow],
    former: Mapping[str, ListingRow],
    batch: IngestBatch[ProductRecord],
) -> None:
    """Set since when the prices of listings are known, and store the prices that they had before."""
    ended: list[tuple[ListingRow, StoredPrice]] = []
    currencies: set[str] = set()
    for row in rows:
        before = former.get(row.id)
        known = {} if before is None else _list_prices(before)
        present = _set_times(row, known, batch.now)
        currencies |= present.keys()
        if before is not None:
            ended += [(before, price) for key, price in known.items() if present.get(key) != price]
    price_history.add_spans(conn, _build_spans(conn, ended, batch))
    price_history.add_currencies(conn, batch.channel, currencies)


def _list_prices(row: ListingRow) -> dict[str, StoredPrice]:
    """List the prices at which a listing is offered, by currency."""
    if not row.is_live or row.status != ListingStatus.ACTIVE.value:
        return {}
    prices = dict(load_prices(row.prices))
    if row.price is not None and row.currency is not None:
        own = StoredPrice(row.currency, row.price, row.price_micros, row.compare_at_price, row.price_since)
        prices[row.currency] = own
    return prices


def _set_times(row: ListingRow, known: Mapping[str, StoredPrice], now: datetime) -> dict[str, StoredPrice]:
    """Set since when the prices are known: unchanged ones since they were before."""
    present = {key: _continue_price(price, known.get(key), now) for key, price in _list_prices(row).items()}
    own = present.get(row.currency or "")
    row.price_since = None if own is None else own.since
    others = [price for key, price in present.items() if key != row.currency]
    row.prices = dump_prices(others) if present else row.prices
    return present


def _continue_price(price: StoredPrice, before: StoredPrice | None, now: datetime) -> StoredPrice:
    is_same = before is not None and before[:4] == price[:4]
    return price._replace(since=before.since if is_same and before is not None else now)


def _build_spans(
    conn: Connection, ended: Iterable[tuple[ListingRow, StoredPrice]], batch: IngestBatch[ProductRecord]
) -> list[PriceSpan]:
    """Build the spans of prices that have ended: each was last seen when its record was last confirmed."""
    known = [(row, price, price.since) for row, price in ended if price.since is not None]
    passed = find_pass_time(conn, batch.channel, batch.feed) if known else None
    return [
        PriceSpan(
            listing_id=row.id,
            currency=price.currency,
            seen_from=since,
            seen_until=max(filter(None, (since, passed, batch.seen.get(row.channel_product_id)))),
            price=price.price,
            compare_at_price=price.compare_at_price,
        )
        for row, price, since in known
    ]
