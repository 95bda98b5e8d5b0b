"""Products that are bought together, by channel and over all channels, counted in recent orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import build_delete, build_insert_new, slice_items
from gateway.storage.tables import bought_together, listings, order_lines, orders
from gateway.storage.writes.sold_units import ALL_CHANNELS, is_sale, is_sold_as

MAX_ORDERS = 100_000
"""Latest orders that are counted."""

MAX_PRODUCTS = 20
"""Products of an order that is counted: who buys more, buys for a stock or for many."""

MIN_ORDERS = 2
"""Orders that two products are in at least: one order alone would show what one customer has bought."""

MAX_OTHERS = 24
"""Products that are stored for each product and channel."""

PARTS = "0123456789abcdef"
"""Last digits of the ids of products: the count is made in as many parts, so that none takes long."""


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


def compare_bought_together(conn: Connection, since: datetime, part: str) -> list[Slice]:
    """Count the orders since then that products with this last digit share with others, and return what has changed, in
    slices to store.
    """
    counted = {TogetherRow(*row) for row in conn.execute(_select_ranked(since, part))}
    stored = {TogetherRow(*row) for row in conn.execute(_select_stored(part))}
    changed = sorted(stored ^ counted)
    return [
        ([row for row in rows if row in stored], [row for row in rows if row in counted])
        for rows in slice_items(changed)
    ]


def store_bought_together(conn: Connection, changed: Slice) -> None:
    """Store a slice of what has changed."""
    _delete.run(conn, changed[0])
    _insert.run(conn, changed[1])


def _select_stored(part: str) -> sa.Select[Any]:
    columns = (bought_together.c[name] for name in TogetherRow._fields)
    return sa.select(*columns).where(_has_last_digit(bought_together.c.product_id, part))


def _has_last_digit(id_: sa.ColumnElement[Any], part: str) -> sa.ColumnElement[bool]:
    return sa.func.substr(id_, 32, 1) == part


def _select_ranked(since: datetime, part: str) -> sa.Select[Any]:
    """Select for each product and channel, and for all channels, the products that are in most orders with it."""
    by_channel = _select_pairs(since, part).subquery("by_channel")
    total = sa.func.sum(by_channel.c.orders)
    over_all = sa.select(
        by_channel.c.product_id, sa.literal(ALL_CHANNELS), by_channel.c.other_id, sa.cast(total, sa.Integer)
    ).group_by(by_channel.c.product_id, by_channel.c.other_id)
    counted = sa.union_all(sa.select(by_channel), over_all).subquery("counted")
    best = (counted.c.orders.desc(), counted.c.other_id)
    rank = sa.func.row_number().over(partition_by=(counted.c.product_id, counted.c.channel), order_by=best)
    is_frequent = counted.c.orders >= MIN_ORDERS
    ranked = sa.select(counted, rank.label("rank")).where(is_frequent).subquery("ranked")
    columns = (ranked.c[name] for name in TogetherRow._fields)
    return sa.select(*columns).where(ranked.c.rank <= MAX_OTHERS)


def _select_pairs(since: datetime, part: str) -> sa.Select[Any]:
    items = _select_items(since).cte("items")
    first, second = items.alias("first"), items.alias("second")
    joined = sa.and_(second.c.order_id == first.c.order_id, second.c.product_id != first.c.product_id)
    columns = (first.c.product_id, first.c.channel, second.c.product_id.label("other_id"))
    return (
        sa.select(*columns, sa.func.count().label("orders"))
        .join_from(first, second, joined)
        .where(_has_last_digit(first.c.product_id, part))
        .group_by(*columns)
    )


def _select_items(since: datetime) -> sa.Select[Any]:
    """Select the products of the latest orders, each once."""
    latest = (
        sa.select(orders.c.id, orders.c.channel)
        .where(orders.c.placed_at >= since, *is_sale())
        .order_by(orders.c.placed_at.desc(), orders.c.id)
        .limit(MAX_ORDERS)
        .subquery("latest")
    )
    lines = (
        sa.select(latest.c.id.label("order_id"), latest.c.channel, listings.c.product_id)
        .distinct()
        .select_from(latest)
        .join(order_lines, sa.and_(order_lines.c.order_id == latest.c.id, order_lines.c.quantity > 0))
        .join(listings, is_sold_as())
        .subquery("lines")
    )
    number = sa.func.count().over(partition_by=lines.c.order_id).label("number")
    counted = sa.select(lines, number).subquery("numbered")
    columns = (counted.c.order_id, counted.c.channel, counted.c.product_id)
    return sa.select(*columns).where(counted.c.number.between(2, MAX_PRODUCTS))
