"""Orders and their lines as commerce writes them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.rows import Keyed, delete_in, inserting, updating
from gateway.storage.tables import channel_orders, listings, order_lines, orders


@dataclass(slots=True)
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
    customer_channel: str | None
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
    attached_to: str | None
    followed: bool | None
    unplaced: bool | None
    words: str
    placed_at: datetime
    cancelled_at: datetime | None
    updated_at: datetime


@dataclass(slots=True)
class OrderLineRow:
    """A row of `order_lines`."""

    id: str
    order_id: str
    external_id: str
    position: int
    channel: str
    place: str | None
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
_orders = Keyed(sa.select(*_order_columns), orders.c.id, locked_by=orders.c.id)
_order_of_part = (
    sa.select(*_order_columns)
    .where(
        orders.c.id
        == sa.select(channel_orders.c.order_id).where(channel_orders.c.id == sa.bindparam("part")).scalar_subquery()
    )
    .with_for_update(of=orders)
)
_lines = Keyed(sa.select(*_line_columns), order_lines.c.order_id)
_generations = Keyed(
    sa.select(listings.c.external_id, listings.c.generation).where(
        listings.c.channel == sa.bindparam("channel"), listings.c.current
    ),
    listings.c.external_id,
)
_new_order, _set_order = (many(orders, [f.name for f in fields(OrderRow)]) for many in (inserting, updating))
_new_line, _set_line = (many(order_lines, [f.name for f in fields(OrderLineRow)]) for many in (inserting, updating))


def orders_by_id(conn: Connection, ids: Collection[str]) -> dict[str, OrderRow]:
    """Orders, by id, locked in order of their ids."""
    return {row.id: OrderRow(*row) for row in _orders.all(conn, ids)}


def order_of_part(conn: Connection, part_id: str) -> OrderRow | None:
    """The order that a channel order belongs to, locked."""
    row = conn.execute(_order_of_part, {"part": part_id}).first()
    return None if row is None else OrderRow(*row)


def lines_of(conn: Connection, order_ids: Collection[str]) -> dict[tuple[str, str], OrderLineRow]:
    """Lines of orders, by the order's id and the line's id in the channel."""
    rows = _lines.all(conn, order_ids)
    return {(row.order_id, row.external_id): OrderLineRow(*row) for row in rows}


def generations(conn: Connection, channel: str, external_ids: Collection[str]) -> dict[str, int]:
    """Which thing now stands under these variant ids of a channel."""
    return {row.external_id: row.generation for row in _generations.all(conn, external_ids, channel=channel)}


def store(conn: Connection, rows: Sequence[OrderRow], known: Collection[str]) -> None:
    """Insert these orders, or set those that are known."""
    _new_order.run(conn, [row for row in rows if row.id not in known])
    _set_order.run(conn, [row for row in rows if row.id in known])


def store_lines(
    conn: Connection, rows: Sequence[OrderLineRow], known: Collection[str], dropped: Collection[str]
) -> None:
    """Insert these lines, or set those whose ids are known; drop others."""
    delete_in(conn, order_lines.c.id, dropped)
    _new_line.run(conn, [row for row in rows if row.id not in known])
    _set_line.run(conn, [row for row in rows if row.id in known])


@dataclass(frozen=True, slots=True)
class SoldAs:
    """What a line was sold as: the variant that it is by now, and the units of stock in one of its quantity."""

    variant_id: str
    units: int


_sold_as = Keyed(
    sa.select(listings.c.external_id, listings.c.generation, listings.c.variant_id, listings.c.units_per_listing).where(
        listings.c.channel == sa.bindparam("channel")
    ),
    listings.c.external_id,
)


def sold_as(conn: Connection, lines: Sequence[OrderLineRow]) -> dict[str, SoldAs]:
    """What these lines of one channel's orders were sold as, by line; not what the catalogue does not know."""
    wanted = {line.variant for line in lines if line.variant is not None}
    rows = _sold_as.all(conn, wanted, channel=lines[0].channel if lines else "")
    known = {(row.external_id, row.generation): SoldAs(row.variant_id, row.units_per_listing) for row in rows}
    found = {line.id: known.get((line.variant or "", line.generation)) for line in lines}
    return {line: sold for line, sold in found.items() if sold is not None}


def unplaced(conn: Connection, channel: str, most: int) -> list[str]:
    """Orders of a channel of which it is not known yet what they take from where."""
    waiting = sa.select(orders.c.id).where(orders.c.channel == channel, orders.c.unplaced)
    return list(conn.scalars(waiting.order_by(orders.c.placed_at, orders.c.id).limit(most)))


def originals(conn: Connection, channel: str, references: Collection[str]) -> dict[str, OrderRow]:
    """Orders of other channels that these references name, by their ids or numbers there."""
    if not references:
        return {}
    named = sa.or_(orders.c.external_id.in_(sorted(references)), orders.c.number.in_(sorted(references)))
    statement = sa.select(*_order_columns).where(named, orders.c.channel != channel, orders.c.followed)
    found: dict[str, OrderRow] = {}
    for row in conn.execute(statement.order_by(orders.c.id)):
        order = OrderRow(*row)
        found |= {name: order for name in (order.number, order.external_id) if name in references}
    return found
