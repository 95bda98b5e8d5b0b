"""What a database says of the world, without ids, generations and reviews: two that say the same are equal."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage import tables

State = dict[str, Any]

KEPT = {"alembic_version", "counters", "log_head"}


def state(conn: Connection) -> State:
    """Partitions and values."""
    live = conn.execute(
        sa.select(tables.listings).where(tables.listings.c.current, tables.listings.c.gone.is_(False))
    ).all()
    return {
        "listings": {
            (row.channel, row.external_id): (row.sku, row.gtin, row.title, row.price, row.status, row.matched_by)
            for row in live
        },
        "variants": partition((row.variant_id, (row.channel, row.external_id)) for row in live),
        "products": partition((row.product_id, (row.channel, row.external_id)) for row in live),
        "titles": values(conn, _columns(tables.products, "title").where(tables.products.c.visible)),
        "offers": values(conn, _offers()),
        "stock": values(
            conn, _columns(tables.stock, "channel", "item", "place", "on_hand").where(tables.stock.c.known)
        ),
        "orders": values(conn, _columns(tables.orders, "external_id", "total", "customer")),
        "customers": values(conn, _columns(tables.customers, "display_name").where(tables.customers.c.visible)),
        "rejects": values(conn, _columns(tables.rejects, "channel", "external_id")),
        "dirty": conn.scalar(sa.select(sa.func.count()).where(tables.sources.c.dirty_at.is_not(None))),
    }


def values(conn: Connection, statement: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """The rows, in an order of their own."""
    return sorted((tuple(row) for row in conn.execute(statement)), key=repr)


def _columns(table: sa.Table, *names: str) -> sa.Select[Any]:
    return sa.select(*(table.c[name] for name in names))


def _offers() -> sa.Select[Any]:
    offers, products = tables.offers, tables.products
    return sa.select(products.c.title, offers.c.channel, offers.c.price_min, offers.c.price_max).join_from(
        products, offers, offers.c.product_id == products.c.id
    )


def partition(members: Any) -> set[frozenset[Any]]:
    """Who belongs together."""
    groups: dict[Any, set[Any]] = defaultdict(set)
    for group, member in members:
        groups[group].add(member)
    return {frozenset(group) for group in groups.values()}


def empty(conn: Connection) -> None:
    """Forget everything."""
    for table in reversed(tables.metadata.sorted_tables):  # rows, since there are few; TRUNCATE makes new files
        if table.name not in KEPT:
            conn.execute(sa.delete(table))
