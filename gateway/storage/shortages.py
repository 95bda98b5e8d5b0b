"""Counters of which more is spoken for than there is, and who was promised what of them (rule K8)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.orders import OrderAttention, OrderFulfillmentStatus, OrderStatus
from gateway.model.stock import ReservationState
from gateway.storage.paging import among
from gateway.storage.reservations import Spot
from gateway.storage.sales import OrderRow
from gateway.storage.tables import order_tasks, orders, reservations, stock

SOLD_HERE = "gateway"
"""Stands where a movement names the channel that sold: no key of a channel has to be kept free for it. Their order is
named by its id."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Units of a counter that an order was promised and has not been given. `line`: its movements' `line_ref`."""

    order: OrderRow
    line: str
    units: int

    @property
    def is_ours(self) -> bool:
        """Whether it was sold through the gateway."""
        return self.order.external_id.startswith(f"{SOLD_HERE}:")


_short = sa.and_(stock.c.known, stock.c.on_hand < stock.c.held + stock.c.committed)


def short(conn: Connection, stock_ids: Collection[str]) -> list[Spot]:
    """Those of these counters of which more is spoken for than there is."""
    statement = sa.select(stock.c.channel, stock.c.item, stock.c.place).where(
        _short, among(conn, stock.c.id, stock_ids)
    )
    return [(row[0], row[1], row[2]) for row in conn.execute(statement.order_by(stock.c.id))]


def claims(conn: Connection, spot: Spot) -> list[Claim]:
    """Who waits for units of this counter."""
    channel, item, place = spot
    here = sa.and_(reservations.c.channel == channel, reservations.c.item == item, reservations.c.place == place)
    moved = reservations.c.state.in_([ReservationState.COMMITTED.value, ReservationState.SETTLED.value])
    units = sa.cast(sa.func.sum(reservations.c.quantity), sa.BigInteger).label("units")
    waits = sa.and_(
        orders.c.status.in_([OrderStatus.PENDING.value, OrderStatus.OPEN.value]),
        orders.c.fulfillment_status != OrderFulfillmentStatus.FULFILLED.value,
    )
    summed = (
        sa.select(orders.c.id.label("id"), reservations.c.line_ref.label("line"), units)
        .join(orders, _sold())
        .where(here, moved, waits)
        .group_by(orders.c.id, reservations.c.line_ref)
        .having(sa.func.sum(reservations.c.quantity) > 0)
        .subquery()
    )
    columns = [orders.c[field.name] for field in fields(OrderRow)]
    rows = conn.execute(sa.select(*columns, summed.c.line, summed.c.units).join(summed, summed.c.id == orders.c.id))
    return [Claim(OrderRow(*row[:-2]), row[-2], row[-1]) for row in rows]


def _sold() -> sa.ColumnElement[bool]:
    ours = sa.and_(reservations.c.order_channel == SOLD_HERE, orders.c.id == reservations.c.order_ref)
    theirs = sa.and_(orders.c.channel == reservations.c.order_channel, orders.c.external_id == reservations.c.order_ref)
    return sa.or_(ours, theirs)


# ------------------------------------------------------------------------------------------------ tasks


def mended(conn: Connection) -> list[str]:
    """Orders that a person has to see to because of counters, of which by now there is enough of everything."""
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
        .where(_short, _sold())
    )
    counted = sa.and_(order_tasks.c.kind == OrderAttention.STOCK_SHORT.value, order_tasks.c.due_at.is_not(None))
    statement = sa.select(orders.c.id).join(order_tasks, order_tasks.c.order_id == orders.c.id).where(counted)
    return list(conn.scalars(statement.where(~lacking.correlate(orders).exists()).order_by(orders.c.id)))
