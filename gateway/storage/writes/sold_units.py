"""Units that products have sold, by channel and over all channels, for the order of best sellers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.orders import OrderStatus
from gateway.storage.sql.bulk import build_delete, build_insert_new, slice_items
from gateway.storage.tables import Count, listings, order_lines, orders, sold_units

ALL_CHANNELS = ""
"""Stands for all channels together; no channel key equals it."""


class SoldRow(NamedTuple):
    """A row of `sold_units`."""

    product_id: str
    channel: str
    units: int


Slice = tuple[Sequence[SoldRow], Sequence[SoldRow]]
"""Rows to delete, and rows to insert."""

_delete = build_delete(sold_units, ("product_id", "channel"))
_insert = build_insert_new(sold_units, SoldRow._fields)


def compare_sold_units(conn: Connection, since: datetime) -> list[Slice]:
    """Count the units of orders that were placed since, and return what has changed, in slices to store."""
    counted, stored = {*_count_units(conn, since)}, {SoldRow(*row) for row in conn.execute(sa.select(sold_units))}
    changed = sorted((stored - counted) | (counted - stored))
    return [
        ([row for row in rows if row in stored], [row for row in rows if row in counted])
        for rows in slice_items(changed)
    ]


def store_sold_units(conn: Connection, changed: Slice) -> None:
    """Store a slice of what has changed."""
    _delete.run(conn, changed[0])
    _insert.run(conn, changed[1])


def _count_units(conn: Connection, since: datetime) -> list[SoldRow]:
    units = sa.cast(sa.func.sum(order_lines.c.quantity * listings.c.units_per_listing), Count)
    statement = (
        sa.select(listings.c.product_id, orders.c.channel, units)
        .select_from(orders)
        .join(order_lines, order_lines.c.order_id == orders.c.id)
        .join(listings, is_sold_as())
        .where(orders.c.placed_at >= since, *is_sale(), order_lines.c.quantity > 0)
        .group_by(listings.c.product_id, orders.c.channel)
    )
    return _add_totals([SoldRow(*row) for row in conn.execute(statement)])


def is_sold_as() -> sa.ColumnElement[bool]:
    """Build the condition for the listing as which an order line was sold."""
    return sa.and_(
        listings.c.channel == order_lines.c.channel,
        listings.c.external_id == order_lines.c.variant,
        listings.c.generation == order_lines.c.generation,
    )


def is_sale() -> list[sa.ColumnElement[bool]]:
    """Build the conditions for orders that are sales."""
    return [
        orders.c.status != OrderStatus.CANCELLED.value,
        orders.c.attached_to.is_(None),
        orders.c.reverses.is_(None),
        sa.func.coalesce(orders.c.test, sa.false()).is_(sa.false()),
    ]


def _add_totals(rows: Sequence[SoldRow]) -> list[SoldRow]:
    totals: dict[str, int] = {}
    for row in rows:
        totals[row.product_id] = totals.get(row.product_id, 0) + row.units
    return [*rows, *(SoldRow(id_, ALL_CHANNELS, units) for id_, units in totals.items())]
