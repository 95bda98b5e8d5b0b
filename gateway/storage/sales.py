"""Orders and their lines as commerce writes them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.rows import as_row, delete_in, select_in, update
from gateway.storage.tables import listings, order_lines, orders


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """A row of `orders`: JSON columns as text."""

    id: str
    version: int
    channel: str
    external_id: str
    number: str
    client_reference: str | None
    place: str | None
    customer: str | None
    reverses: str | None
    status: str
    fulfillment_status: str
    payment_status: str
    return_status: str
    currency: str | None
    subtotal: int | None
    discount_total: int | None
    tax_total: int | None
    tax_included: bool | None
    tax_lines: str
    shipping_total: int | None
    total: int | None
    refunded_total: int | None
    contact: str | None
    shipping_address: str | None
    billing_address: str | None
    stock_posted: bool | None
    placed_at: datetime
    cancelled_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineRow:
    """A row of `order_lines`."""

    id: str
    order_id: str
    external_id: str
    position: int
    channel: str
    variant: str | None
    generation: int
    title: str
    sku: str | None
    sku_key: str | None
    quantity: int
    unit_price: int | None
    total: int | None
    currency: str | None
    fulfilled_quantity: int
    returned_quantity: int


_order_columns = tuple(orders.c[field.name] for field in fields(OrderRow))
_line_columns = tuple(order_lines.c[field.name] for field in fields(OrderLineRow))


def orders_by_id(conn: Connection, ids: Collection[str]) -> dict[str, OrderRow]:
    """Orders, by id, locked in order of their ids."""
    statement = sa.select(*_order_columns).order_by(orders.c.id).with_for_update()
    return {row.id: OrderRow(**row._mapping) for row in select_in(conn, statement, orders.c.id, ids)}


def lines_of(conn: Connection, order_ids: Collection[str]) -> dict[tuple[str, str], OrderLineRow]:
    """Lines of orders, by the order's id and the line's id in the channel."""
    rows = select_in(conn, sa.select(*_line_columns), order_lines.c.order_id, order_ids)
    return {(row.order_id, row.external_id): OrderLineRow(**row._mapping) for row in rows}


def generations(conn: Connection, channel: str, external_ids: Collection[str]) -> dict[str, int]:
    """Which thing now stands under these variant ids of a channel."""
    statement = sa.select(listings.c.external_id, listings.c.generation).where(
        listings.c.channel == channel, listings.c.current
    )
    rows = select_in(conn, statement, listings.c.external_id, external_ids)
    return {row.external_id: row.generation for row in rows}


def store(conn: Connection, rows: Sequence[OrderRow], known: Collection[str]) -> None:
    """Insert these orders, or set those that are known."""
    new = [as_row(row) for row in rows if row.id not in known]
    if new:
        conn.execute(sa.insert(orders), new)
    update(conn, orders, [as_row(row) for row in rows if row.id in known])


def store_lines(
    conn: Connection, rows: Sequence[OrderLineRow], known: Collection[str], dropped: Collection[str]
) -> None:
    """Insert these lines, or set those whose ids are known; drop others."""
    delete_in(conn, order_lines, order_lines.c.id, dropped)
    new = [as_row(row) for row in rows if row.id not in known]
    if new:
        conn.execute(sa.insert(order_lines), new)
    update(conn, order_lines, [as_row(row) for row in rows if row.id in known])
