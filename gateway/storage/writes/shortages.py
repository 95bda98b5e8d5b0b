"""Shortages: counters with more units claimed than on hand, and the orders affected (rule K8)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import cache

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.orders import OrderAttention, OrderFulfillmentStatus, OrderStatus
from gateway.model.stock import ReservationState
from gateway.storage.sql.bulk import BulkSelect
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.tables import order_tasks, orders, reservations, stock
from gateway.storage.writes.orders import OrderRow
from gateway.storage.writes.reservations import StockCounterKey

GATEWAY_CHANNEL = "gateway"
"""The channel of a movement that the gateway sold; channel keys cannot collide with it, because such an order is
referenced by its id.
"""


@dataclass(frozen=True, slots=True)
class ShortageClaim:
    """Units of a counter that an order bought and has not received. `line`: the `line_ref` of its movements."""

    order: OrderRow
    line: str
    units: int

    @property
    def is_gateway_order(self) -> bool:
        """Whether the order was placed through the gateway."""
        return self.order.external_id.startswith(f"{GATEWAY_CHANNEL}:")


_short = sa.and_(stock.c.known, stock.c.on_hand < stock.c.held + stock.c.committed)


_short_counters = BulkSelect(
    sa.select(stock.c.channel, stock.c.item, stock.c.place).where(_short).order_by(stock.c.id), stock.c.id
)


def find_short_counters(conn: Connection, stock_ids: Collection[str]) -> list[StockCounterKey]:
    """Return those of these counters with more units claimed than on hand."""
    return [(row[0], row[1], row[2]) for row in _short_counters.select(conn, stock_ids)]


def find_claims(conn: Connection, counter: StockCounterKey) -> list[ShortageClaim]:
    """Find the orders that wait for units of this counter."""
    channel, item, external_location = counter
    of_counter = sa.and_(
        reservations.c.channel == channel, reservations.c.item == item, reservations.c.place == external_location
    )
    is_movement = reservations.c.state.in_([ReservationState.COMMITTED.value, ReservationState.SETTLED.value])
    units = sa.cast(sa.func.sum(reservations.c.quantity), sa.BigInteger).label("units")
    is_unfulfilled = sa.and_(
        orders.c.status.in_([OrderStatus.PENDING.value, OrderStatus.OPEN.value]),
        orders.c.fulfillment_status != OrderFulfillmentStatus.FULFILLED.value,
    )
    summed = (
        sa.select(orders.c.id.label("id"), reservations.c.line_ref.label("line"), units)
        .join(orders, _is_sold())
        .where(of_counter, is_movement, is_unfulfilled)
        .group_by(orders.c.id, reservations.c.line_ref)
        .having(sa.func.sum(reservations.c.quantity) > 0)
        .subquery()
    )
    columns = [orders.c[field.name] for field in fields(OrderRow)]
    rows = conn.execute(sa.select(*columns, summed.c.line, summed.c.units).join(summed, summed.c.id == orders.c.id))
    return [ShortageClaim(OrderRow(*row[:-2]), row[-2], row[-1]) for row in rows]


def _is_sold() -> sa.ColumnElement[bool]:
    ours = sa.and_(reservations.c.order_channel == GATEWAY_CHANNEL, orders.c.id == reservations.c.order_ref)
    theirs = sa.and_(orders.c.channel == reservations.c.order_channel, orders.c.external_id == reservations.c.order_ref)
    return sa.or_(ours, theirs)


# ------------------------------------------------------------------------------------------------ tasks


def find_resolved_orders(conn: Connection) -> list[str]:
    """Find the orders with a shortage task whose counters all have enough stock again."""
    return [row.id for row in _select_resolved_orders().fetch(conn, {})]


@cache
def _select_resolved_orders() -> DriverSelect:
    lacking = (
        sa.select(stock.c.id)
        .join(
            reservations,
            sa.and_(
                stock.c.channel == reservations.c.channel,
                stock.c.item == reservations.c.item,
                stock.c.place == reservations.c.place,
            ),
        )
        .where(_short, _is_sold())
    )
    counted = sa.and_(order_tasks.c.kind == OrderAttention.STOCK_SHORT.value, order_tasks.c.due_at.is_not(None))
    same_order = sa.and_(orders.c.id == skip_index(order_tasks.c.order_id), counted)  # the few tasks are read first
    statement = sa.select(orders.c.id).join(order_tasks, same_order)
    return DriverSelect(statement.where(~lacking.correlate(orders).exists()).order_by(order_tasks.c.order_id))
