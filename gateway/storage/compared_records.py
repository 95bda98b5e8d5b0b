"""What is stored of single records, to compare it with what their channel reports now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk.records import Ref
from gateway.storage.sql.keyset import is_among
from gateway.storage.tables import EPOCH, Instant, channel_products, listings, orders, sources


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as the gateway has read it. `is_waiting`: it is to be read again, so a difference is expected."""

    id: str
    ref: Ref
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class StoredListing:
    """A listing. `price`: in minor units."""

    product_id: str
    price: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order. `total`: in minor units."""

    status: str
    total: int | None


def list_latest_records(conn: Connection, channel: str, feed: str, limit: int) -> list[StoredRecord]:
    """List the records of a feed that are shown, the latest ones first."""
    is_shown = sa.and_(sources.c.channel == channel, sources.c.feed == feed, ~sources.c.gone, ~sources.c.rejected)
    columns = (sources.c.id, sources.c.external_id, sources.c.note, sources.c.dirty_at)
    # ids of records that are no products sort by time
    seen = sa.func.coalesce(channel_products.c.first_seen_at, sa.literal(EPOCH, Instant()))
    statement = sa.select(*columns).join(channel_products, channel_products.c.id == sources.c.id, isouter=True)
    rows = conn.execute(statement.where(is_shown).order_by(seen.desc(), sources.c.id.desc()).limit(limit))
    return [StoredRecord(row.id, Ref(row.external_id, row.note), row.dirty_at is not None) for row in rows]


def find_product_titles(conn: Connection, ids: Collection[str]) -> Mapping[str, str]:
    """Find the titles of channel products, by their source's id."""
    columns = (channel_products.c.id, channel_products.c.title)
    statement = sa.select(*columns).where(is_among(conn, channel_products.c.id, sorted(ids)))
    return {row.id: row.title for row in conn.execute(statement)}


def find_stored_listings(conn: Connection, channel: str, ids: Collection[str]) -> Mapping[str, StoredListing]:
    """Find the current listings with these ids in the channel."""
    columns = (listings.c.external_id, listings.c.channel_product_id, listings.c.price, listings.c.currency)
    is_current = sa.and_(listings.c.channel == channel, listings.c.current, ~listings.c.gone)
    statement = sa.select(*columns).where(is_current, is_among(conn, listings.c.external_id, sorted(ids)))
    return {row[0]: StoredListing(row[1], row[2], row[3]) for row in conn.execute(statement)}


def find_stored_orders(conn: Connection, ids: Collection[str]) -> Mapping[str, StoredOrder]:
    """Find orders by their source's id."""
    columns = (orders.c.id, orders.c.status, orders.c.total)
    rows = conn.execute(sa.select(*columns).where(is_among(conn, orders.c.id, sorted(ids))))
    return {row.id: StoredOrder(row.status, row.total) for row in rows}
