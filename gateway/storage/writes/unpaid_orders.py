"""Unpaid orders by who holds their units (rule U3). An order has client keys only while it waits for its payment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.sql.bulk import BulkSelect
from gateway.storage.tables import listings, orders, reservations
from gateway.storage.writes.reservations import StockCounterKey, is_open
from gateway.storage.writes.shortages import GATEWAY_CHANNEL


@dataclass(frozen=True, slots=True)
class UnpaidUnits:
    """Units that wait for a payment. `until`: when the earliest of their orders falls due."""

    units: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """The keys by which an order is counted. None: it is not counted by this key."""

    client: str | None
    network: str | None


@dataclass(frozen=True, slots=True)
class UnpaidRow:
    """An unpaid order, or units of a variant in one."""

    keys: ClientKeys
    pay_by: datetime | None
    variant_id: str = ""
    units: int = 1


_of_order = sa.and_(
    reservations.c.order_channel == GATEWAY_CHANNEL,
    reservations.c.order_ref == orders.c.id,
    reservations.c.quantity > 0,
    is_open,
)
_units = sa.cast(sa.func.sum(reservations.c.quantity), sa.BigInteger)
_is_counted = sa.or_(
    orders.c.client_key == sa.bindparam("client_key"), orders.c.network_key == sa.bindparam("network_key")
)
_counted = sa.select(orders.c.client_key, orders.c.network_key, orders.c.pay_by).where(_is_counted)
_counted_units = BulkSelect(
    lambda among: (
        sa.select(
            orders.c.client_key, orders.c.network_key, orders.c.pay_by, listings.c.variant_id, reservations.c.quantity
        )
        .select_from(orders)
        .join(reservations, _of_order)
        .join(listings, listings.c.id == reservations.c.listing_id)
        .where(_is_counted, among)
    ),
    listings.c.variant_id,
)
_counter_sums = BulkSelect(
    lambda among: (
        sa.select(reservations.c.item, _units.label("units"), sa.func.min(orders.c.pay_by).label("until"))
        .select_from(reservations)
        .join(orders, _of_order)
        .where(
            reservations.c.channel == sa.bindparam("channel"),
            reservations.c.place == sa.bindparam("place"),
            orders.c.network_key.is_not(None),
            among,
        )
        .group_by(reservations.c.item)
    ),
    reservations.c.item,
)
_tracked = (
    sa.select(listings.c.id)
    .where(listings.c.variant_id == sa.bindparam("variant"), listings.c.current, ~listings.c.gone, listings.c.tracked)
    .limit(1)
)


def lock_keys(conn: Connection, keys: Collection[str]) -> None:
    """Lock client keys until the end of the transaction. SQLite has one writer at a time anyway."""
    if is_sqlite(conn):
        return
    for number in sorted(int(key[:15], 16) for key in keys):
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


def find_orders(conn: Connection, keys: ClientKeys) -> list[UnpaidRow]:
    """Find the unpaid orders of a client, by either key."""
    values = {"client_key": keys.client, "network_key": keys.network}
    return [UnpaidRow(ClientKeys(row[0], row[1]), row[2]) for row in conn.execute(_counted, values)]


def find_units(conn: Connection, keys: ClientKeys, variant_ids: Iterable[str]) -> list[UnpaidRow]:
    """Find the units of these variants in unpaid orders of a client, by either key."""
    rows = _counted_units.select(conn, variant_ids, client_key=keys.client, network_key=keys.network)
    return [UnpaidRow(ClientKeys(row[0], row[1]), row[2], row.variant_id, row.quantity) for row in rows]


def is_tracked(conn: Connection, variant_id: str) -> bool:
    """Return whether any channel counts the variant, so that an order of it holds stock."""
    return conn.execute(_tracked, {"variant": variant_id}).first() is not None


def sum_unauthenticated(conn: Connection, counters: Iterable[StockCounterKey]) -> dict[StockCounterKey, UnpaidUnits]:
    """Sum the units of these counters in unpaid orders of unauthenticated clients."""
    items: dict[tuple[str, str], list[str]] = defaultdict(list)
    for channel, item, external_location in counters:
        items[channel, external_location].append(item)
    return {
        (channel, row.item, external_location): UnpaidUnits(row.units, row.until)
        for (channel, external_location), item_ids in sorted(items.items())
        for row in _counter_sums.select(conn, item_ids, channel=channel, place=external_location)
    }
