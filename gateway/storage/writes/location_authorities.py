"""The accepted authority of each location: which channel counts it, under which external location (rule G2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.locations import Authority
from gateway.storage.sql.bulk import insert_new_rows, upsert_rows
from gateway.storage.tables import channel_orders, fulfillments, location_authorities, pushes, reservations, stock
from gateway.storage.writes.reservations import is_open


def has_table(conn: Connection) -> bool:
    """Return whether the database is of a version that stores authorities."""
    return sa.inspect(conn).has_table(location_authorities.name)


def find_authorities(conn: Connection) -> dict[str, Authority]:
    """Find the accepted authorities, by location."""
    rows = conn.execute(sa.select(location_authorities).order_by(location_authorities.c.location))
    return {row.location: Authority(row.channel, row.external_location) for row in rows}


def find_uncounted(conn: Connection) -> set[str]:
    """Find the locations of which the accepted authority has no counts, not even earlier ones."""
    columns = location_authorities.c
    same = sa.and_(stock.c.channel == columns.channel, stock.c.place == columns.external_location)
    counted = sa.select(stock.c.id).where(same).correlate(location_authorities).exists()
    return set(conn.scalars(sa.select(columns.location).where(~counted)))


def has_counts(conn: Connection, authority: Authority) -> bool:
    """Return whether a channel has counted an external location, now or earlier."""
    counted = sa.and_(stock.c.channel == authority.channel, stock.c.place == authority.external_id)
    return conn.execute(sa.select(stock.c.id).where(counted).limit(1)).first() is not None


def insert_authorities(conn: Connection, authorities: Mapping[str, Authority], now: datetime) -> None:
    """Accept the authorities of locations that have none yet."""
    insert_new_rows(conn, location_authorities, [_build_row(*item, now) for item in authorities.items()])


def store_authority(conn: Connection, location: str, authority: Authority, now: datetime) -> None:
    """Accept the authority of a location."""
    upsert_rows(conn, location_authorities, [_build_row(location, authority, now)], ["location"])


def rename_location(conn: Connection, former: str, location: str) -> None:
    """Carry what is stored under the former key of a location over to its key, so that no sale is posted again."""
    for table in (reservations, channel_orders, fulfillments, pushes):
        conn.execute(sa.update(table).where(table.c.location == former).values(location=location))
    delete_authority(conn, former)


def sum_reserved(conn: Connection, authority: Authority) -> int:
    """Sum the units that are reserved in the counts of a location by its authority."""
    units = sa.cast(sa.func.sum(reservations.c.quantity), sa.BigInteger)
    at_location = sa.and_(reservations.c.channel == authority.channel, reservations.c.place == authority.external_id)
    return conn.scalar(sa.select(units).where(at_location, reservations.c.quantity > 0, is_open)) or 0


def delete_authority(conn: Connection, location: str) -> None:
    """Forget who counted a location."""
    conn.execute(sa.delete(location_authorities).where(location_authorities.c.location == location))


def _build_row(location: str, authority: Authority, now: datetime) -> dict[str, object]:
    return {
        "location": location,
        "channel": authority.channel,
        "external_location": authority.external_id,
        "accepted_at": now,
    }
