"""Products that are bought together, by channel and over all channels, counted in recent orders."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import build_delete, build_insert_new, slice_items
from gateway.storage.tables import bought_together, listings, order_lines, orders
from gateway.storage.writes.sold_units import is_sale, is_sold_as

MAX_ORDERS = 50_000
"""Latest orders that are counted."""

MAX_PRODUCTS = 20
"""Products of an order that is counted: who buys more, buys for a stock or for many."""

PARTS = "0123456789abcdef"
"""Last digits of the ids of products: the count is made in as many parts, so that none takes long."""

Basket = tuple[str, tuple[str, ...]]
"""The channel of an order, and its products."""


class TogetherRow(NamedTuple):
    """A row of `bought_together`."""

    product_id: str
    channel: str
    other_id: str
    orders: int


Slice = tuple[Sequence[TogetherRow], Sequence[TogetherRow]]
"""Rows to delete, and rows to insert."""

_delete = build_delete(bought_together, ("product_id", "channel", "other_id"))
_insert = build_insert_new(bought_together, TogetherRow._fields)


def find_baskets(conn: Connection, since: datetime) -> Sequence[Basket]:
    """Find the baskets of the latest orders since then that have several products."""
    latest = (
        sa.select(orders.c.id, orders.c.channel)
        .where(orders.c.placed_at >= since, *is_sale())
        .order_by(orders.c.placed_at.desc(), orders.c.id)
        .limit(MAX_ORDERS)
        .subquery("latest")
    )
    lines = (
        sa.select(latest.c.id, latest.c.channel, listings.c.product_id)
        .select_from(latest)
        .join(order_lines, sa.and_(order_lines.c.order_id == latest.c.id, order_lines.c.quantity > 0))
        .join(listings, is_sold_as())
        .order_by(latest.c.id)
    )
    by_order = groupby(conn.execute(lines).all(), key=lambda row: row.id)
    baskets = (list(rows) for _, rows in by_order)
    found = ((rows[0].channel, tuple({row.product_id for row in rows})) for rows in baskets)
    return [basket for basket in found if 1 < len(basket[1]) <= MAX_PRODUCTS]


def compare_bought_together(conn: Connection, counted: Collection[TogetherRow], part: str) -> list[Slice]:
    """Return what has changed of the products with this last digit, in slices to store."""
    columns = (bought_together.c[name] for name in TogetherRow._fields)
    has_last_digit = sa.func.substr(bought_together.c.product_id, 32, 1) == part
    stored = {TogetherRow(*row) for row in conn.execute(sa.select(*columns).where(has_last_digit))}
    return [
        ([row for row in rows if row in stored], [row for row in rows if row in counted])
        for rows in slice_items(sorted(stored.symmetric_difference(counted)))
    ]


def store_bought_together(conn: Connection, changed: Slice) -> None:
    """Store a slice of what has changed."""
    _delete.run(conn, changed[0])
    _insert.run(conn, changed[1])
