"""The state of a database without ids, generations and reviews: two databases with equal states are equivalent."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage import tables

State = dict[str, Any]

PRESERVED_TABLES = {"alembic_version", "counters", "log_head"}


def select_state(conn: Connection) -> State:
    """Select the state as partitions and values."""
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
        "titles": select_values(conn, _select_columns(tables.products, "title").where(tables.products.c.visible)),
        "offers": select_values(conn, _select_offers()),
        "stock": select_values(
            conn, _select_columns(tables.stock, "channel", "item", "place", "on_hand").where(tables.stock.c.known)
        ),
        "orders": select_values(conn, _select_columns(tables.orders, "external_id", "total", "customer")),
        "customers": select_values(
            conn, _select_columns(tables.customers, "display_name").where(tables.customers.c.visible)
        ),
        "rejects": select_values(conn, _select_columns(tables.rejects, "channel", "external_id")),
        "dirty": conn.scalar(sa.select(sa.func.count()).where(tables.sources.c.dirty_at.is_not(None))),
    }


def select_values(conn: Connection, statement: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """Select the rows, sorted."""
    return sorted((tuple(row) for row in conn.execute(statement)), key=repr)


def _select_columns(table: sa.Table, *names: str) -> sa.Select[Any]:
    return sa.select(*(table.c[name] for name in names))


def _select_offers() -> sa.Select[Any]:
    offers, products = tables.offers, tables.products
    return sa.select(products.c.title, offers.c.channel, offers.c.price_min, offers.c.price_max).join_from(
        products, offers, offers.c.product_id == products.c.id
    )


def partition(members: Any) -> set[frozenset[Any]]:
    """Partition the members by group."""
    groups: dict[Any, set[Any]] = defaultdict(set)
    for group, member in members:
        groups[group].add(member)
    return {frozenset(group) for group in groups.values()}


def clear_database(conn: Connection) -> None:
    """Delete all data."""
    for table in reversed(
        tables.metadata.sorted_tables
    ):  # DELETE, since there are few rows; TRUNCATE creates new files
        if table.name not in PRESERVED_TABLES:
            conn.execute(sa.delete(table))
