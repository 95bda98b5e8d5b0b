"""History of prices (rule H4): writes of former prices, and of the currencies of channels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import BulkSelect, build_delete, build_insert_new, insert_new_rows, upsert_rows
from gateway.storage.tables import MICROSECOND, Count, channel_currencies, listings, price_history

BEFORE_REDUCTION = timedelta(days=30)
"""How long before a reduction prices are compared with it."""


class PriceSpan(NamedTuple):
    """A row of `price_history`: a price of a listing, from the first time to the last that it was seen."""

    listing_id: str
    currency: str
    seen_from: datetime
    seen_until: datetime
    price: int
    compare_at_price: int | None

    @property
    def is_reduced(self) -> bool:
        """Whether it is lower than the price before."""
        return self.compare_at_price is not None and self.compare_at_price > self.price


_insert = build_insert_new(price_history, PriceSpan._fields)
_beginnings = BulkSelect(
    sa.select(price_history.c.listing_id, price_history.c.currency, price_history.c.seen_from),
    price_history.c.listing_id,
)
_present = BulkSelect(
    sa.select(listings.c.id.label("listing_id"), listings.c.currency, listings.c.price_since.label("seen_from")).where(
        listings.c.price_since.is_not(None), listings.c.currency.is_not(None)
    ),
    listings.c.id,
)
_delete = build_delete(price_history, [column.name for column in price_history.primary_key])


def add_spans(conn: Connection, spans: Iterable[PriceSpan]) -> None:
    """Add former prices."""
    _insert.run(conn, spans)


def import_spans(conn: Connection, spans: Iterable[PriceSpan]) -> None:
    """Add former prices, or replace those that begin at the same time."""
    upsert_rows(conn, price_history, [span._asdict() for span in spans], ["listing_id", "currency", "seen_from"])


def _count_microseconds(table: sa.FromClause) -> sa.ColumnElement[int]:
    """Return when the price was last seen, as a number that can be computed with."""
    return sa.type_coerce(table.c.seen_until, Count)


def find_beginnings(
    conn: Connection, named: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str], tuple[str, Mapping[str, Sequence[datetime]]]]:
    """Find the row ID of these listings, and when their prices began, by currency; the present one included."""
    ids = {id_: name for name in named for id_ in conn.scalars(_select_current(name))}
    times: dict[str, dict[str, list[datetime]]] = {id_: {} for id_ in ids}
    for row in [*_beginnings.select(conn, ids), *_present.select(conn, ids)]:
        times[row.listing_id].setdefault(row.currency, []).append(row.seen_from)
    return {name: (id_, times[id_]) for id_, name in ids.items()}


def _select_current(name: tuple[str, str]) -> sa.Select[Any]:
    channel, external_id = name
    of_variant = sa.and_(listings.c.channel == channel, listings.c.external_id == external_id)
    return sa.select(listings.c.id).where(of_variant, listings.c.current)


def add_currencies(conn: Connection, channel: str, currencies: Iterable[str]) -> None:
    """Add currencies in which a channel has prices."""
    insert_new_rows(
        conn, channel_currencies, [{"channel": channel, "currency": currency} for currency in sorted(currencies)]
    )


def prune_spans(conn: Connection, before: datetime, most: int) -> int:
    """Delete at most so many prices that were last seen before this time, except those that running reductions are
    compared with. Returns how many.
    """
    expired = sa.select(*price_history.primary_key).where(price_history.c.seen_until < before, ~_is_needed())
    keys = conn.execute(expired.limit(most)).all()
    _delete.run(conn, keys)
    return len(keys)


def _is_needed() -> sa.ColumnElement[bool]:
    """Build the condition that the listing may be reduced now, and that no later price that was not reduced ended 30
    days after this one: the reduction began after such a price.
    """
    later = price_history.alias("later")
    ends_reduction = sa.select(later.c.listing_id).where(
        later.c.listing_id == price_history.c.listing_id,
        later.c.currency == price_history.c.currency,
        sa.or_(later.c.compare_at_price.is_(None), later.c.compare_at_price <= later.c.price),
        _count_microseconds(later) - _count_microseconds(price_history) > BEFORE_REDUCTION // MICROSECOND,
    )
    reduced = sa.select(listings.c.id).where(
        listings.c.id == price_history.c.listing_id,
        listings.c.current,
        sa.or_(listings.c.compare_at_price > listings.c.price, listings.c.prices.is_not(None)),
    )
    return sa.and_(reduced.correlate(price_history).exists(), ~ends_reduction.correlate(price_history).exists())
