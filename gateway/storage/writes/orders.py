"""Writes of orders and their lines."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.orders import OrderAttention, OrderStatus
from gateway.storage.sql.bulk import BulkSelect, build_insert, build_update, delete_by_keys, dump_json, load_json
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.tables import Instant, channel_orders, listings, order_lines, order_tasks, orders


@dataclass(slots=True)
class OrderRow:
    """A row of `orders`; JSON columns as text."""

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
    pay_by: datetime | None = None
    expired_at: datetime | None = None
    withheld: bool | None = None
    client_key: str | None = None
    network_key: str | None = None
    test: bool | None = None
    other_charges: str | None = None


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
    unit_price_micros: int | None
    total: int | None
    currency: str | None
    fulfilled_quantity: int
    returned_quantity: int
    restocked_quantity: int | None = None
    locations: str | None = None
    restocked_locations: str | None = None
    discount: int | None = None

    @property
    def exact_unit_price(self) -> Decimal | None:
        """The exact price of a unit in major units, if it has more digits than the currency."""
        return None if self.unit_price_micros is None else Decimal(self.unit_price_micros).scaleb(-6)


def dump_locations(quantities: Mapping[str, int]) -> str | None:
    """Return the value of a column with quantities by external location."""
    return dump_json(list(quantities.items())) if quantities else None


def read_locations(column: str | None) -> dict[str, int]:
    """Read a column with quantities by external location."""
    return dict(load_json(column)) if column else {}


_order_columns = tuple(orders.c[field.name] for field in fields(OrderRow))
_line_columns = tuple(order_lines.c[field.name] for field in fields(OrderLineRow))
_orders = BulkSelect(sa.select(*_order_columns), orders.c.id, locked_by=orders.c.id)
_order_of_part = DriverSelect(
    sa.select(*_order_columns)
    .where(
        orders.c.id
        == sa.select(channel_orders.c.order_id).where(channel_orders.c.id == sa.bindparam("part")).scalar_subquery()
    )
    .with_for_update(of=orders)
)
_unplaced = DriverSelect(
    sa.select(orders.c.id)
    .where(orders.c.channel == sa.bindparam("channel"), orders.c.unplaced, orders.c.id > sa.bindparam("after"))
    .order_by(orders.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_is_due = sa.and_(
    orders.c.pay_by <= sa.bindparam("now", type_=Instant),
    orders.c.status.in_([OrderStatus.PENDING.value, OrderStatus.OPEN.value]),
)
_due_order = sa.select(*_order_columns).where(orders.c.id == sa.bindparam("id"), _is_due).with_for_update()
_lines = BulkSelect(sa.select(*_line_columns), order_lines.c.order_id)
_generations = BulkSelect(
    sa.select(listings.c.external_id, listings.c.generation, listings.c.unit_of_measure).where(
        listings.c.channel == sa.bindparam("channel")
    ),
    listings.c.external_id,
)
_order_insert, _order_update = (
    build(orders, [f.name for f in fields(OrderRow)]) for build in (build_insert, build_update)
)
_line_insert, _line_update = (
    build(order_lines, [f.name for f in fields(OrderLineRow)]) for build in (build_insert, build_update)
)


def lock_orders(conn: Connection, ids: Collection[str]) -> dict[str, OrderRow]:
    """Return orders, by id, locked in order of their ids."""
    return {row.id: OrderRow(*row) for row in _orders.select(conn, ids)}


def lock_order_of_channel_order(conn: Connection, part_id: str) -> OrderRow | None:
    """Return the order of a channel order, locked."""
    rows = _order_of_part.fetch(conn, {"part": part_id})
    return OrderRow(*rows[0]) if rows else None


def lock_due_order(conn: Connection, id_: str, now: datetime) -> OrderRow | None:
    """Return an order past its payment deadline, locked. None: it has been paid or canceled meanwhile."""
    row = conn.execute(_due_order, {"id": id_, "now": now}).first()
    return None if row is None else OrderRow(*row)


def find_due_orders(conn: Connection, now: datetime, limit: int) -> list[str]:
    """Find the orders past their payment deadline about which nothing is decided yet, the earliest first."""
    decided = sa.exists().where(
        order_tasks.c.order_id == orders.c.id, order_tasks.c.kind == OrderAttention.PAYMENT_OVERDUE.value
    )
    due = sa.select(orders.c.id).where(_is_due, ~decided).order_by(orders.c.pay_by, orders.c.id).limit(limit)
    return list(conn.scalars(due, {"now": now}))


def find_lines(conn: Connection, order_ids: Collection[str]) -> dict[tuple[str, str], OrderLineRow]:
    """Find the lines of orders, by the order's id and the line's id in the channel."""
    rows = _lines.select(conn, order_ids)
    return {(row.order_id, row.external_id): OrderLineRow(*row) for row in rows}


def find_generations(conn: Connection, channel: str, external_ids: Collection[str]) -> dict[str, dict[int, str]]:
    """Find the generations of these variant ids of a channel, with the unit of measure of each."""
    generations: dict[str, dict[int, str]] = {}
    for row in _generations.select(conn, external_ids, channel=channel):
        generations.setdefault(row.external_id, {})[row.generation] = row.unit_of_measure
    return generations


def store_orders(conn: Connection, rows: Sequence[OrderRow], known: Collection[str]) -> None:
    """Insert these orders, or update those that are known."""
    _order_insert.run(conn, [row for row in rows if row.id not in known])
    _order_update.run(conn, [row for row in rows if row.id in known])


def store_lines(
    conn: Connection, rows: Sequence[OrderLineRow], known: Collection[str], dropped: Collection[str]
) -> None:
    """Insert these lines, or update those whose ids are known; delete the dropped ones."""
    delete_by_keys(conn, order_lines.c.id, dropped)
    _line_insert.run(conn, [row for row in rows if row.id not in known])
    _line_update.run(conn, [row for row in rows if row.id in known])


@dataclass(frozen=True, slots=True)
class SoldVariant:
    """The variant that a line was sold as, resolved after merges, and the units of stock in one of its quantity."""

    variant_id: str
    units: int
    unit_of_measure: str = "each"


_sold_as = BulkSelect(
    sa.select(
        listings.c.external_id,
        listings.c.generation,
        listings.c.variant_id,
        listings.c.units_per_listing,
        listings.c.unit_of_measure,
    ).where(listings.c.channel == sa.bindparam("channel")),
    listings.c.external_id,
)


def find_sold_variants(conn: Connection, lines: Sequence[OrderLineRow]) -> dict[str, SoldVariant]:
    """Find the variants that these lines of one channel were sold as, by line; omit those unknown to the catalog."""
    external_ids = {line.variant for line in lines if line.variant is not None}
    rows = _sold_as.select(conn, external_ids, channel=lines[0].channel if lines else "")
    sold_by_listing = {
        (row.external_id, row.generation): SoldVariant(row.variant_id, row.units_per_listing, row.unit_of_measure)
        for row in rows
    }
    sold_by_line = {line.id: sold_by_listing.get((line.variant or "", line.generation)) for line in lines}
    return {line: sold for line, sold in sold_by_line.items() if sold is not None}


def find_unplaced(conn: Connection, channel: str, limit: int, after: str = "") -> list[str]:
    """Find a channel's orders with lines whose stock source is not yet known, sorted by ID, with IDs above `after`."""
    return [row.id for row in _unplaced.fetch(conn, {"channel": channel, "after": after, "most": limit})]


def find_originals(conn: Connection, channel: str, references: Collection[str]) -> dict[str, OrderRow]:
    """Find orders of other channels by these references: their ids or numbers there."""
    if not references:
        return {}
    named = sa.or_(orders.c.external_id.in_(sorted(references)), orders.c.number.in_(sorted(references)))
    statement = sa.select(*_order_columns).where(named, orders.c.channel != channel, orders.c.followed)
    originals: dict[str, OrderRow] = {}
    for row in conn.execute(statement.order_by(orders.c.id)):
        order = OrderRow(*row)
        originals |= {name: order for name in (order.number, order.external_id) if name in references}
    return originals
