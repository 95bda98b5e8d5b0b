"""Consistency checks: stock counters against their reservations and movements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.tables import order_tasks, orders, reservations, sources, stock
from gateway.storage.writes.reservations import StockCounterKey, is_open


@dataclass(frozen=True, slots=True)
class UnbalancedCounter:
    """A counter whose `held` differs from the sum of its reservations and open movements."""

    counter: StockCounterKey
    held: int
    claimed: int


@dataclass(frozen=True, slots=True)
class ShortCounter:
    """A counter with more units sold or reserved than it has."""

    counter: StockCounterKey
    on_hand: int
    promised: int


@dataclass(frozen=True, slots=True)
class CountedStock:
    """A counter as stored, and the record that reported it."""

    counter: StockCounterKey
    on_hand: int
    record: str
    feed: str


def find_unbalanced_counters(conn: Connection) -> list[UnbalancedCounter]:
    """Find counters whose `held` is wrong; a consistent database has none."""
    claimed = _sum_claims().subquery()
    same = sa.and_(
        claimed.c.channel == stock.c.channel, claimed.c.item == stock.c.item, claimed.c.place == stock.c.place
    )
    claimed_units = sa.func.coalesce(claimed.c.units, 0)
    statement = sa.select(stock.c.channel, stock.c.item, stock.c.place, stock.c.held, claimed_units).join(
        claimed, same, isouter=True
    )
    rows = conn.execute(statement.where(stock.c.held != claimed_units).order_by(stock.c.id))
    return [UnbalancedCounter((row[0], row[1], row[2]), row[3], row[4]) for row in rows]


def _sum_claims() -> sa.Select[tuple[object, ...]]:
    units = sa.func.sum(sa.case((reservations.c.quantity > 0, reservations.c.quantity), else_=0))
    return (
        sa.select(
            reservations.c.channel,
            reservations.c.item,
            reservations.c.place,
            sa.cast(units, sa.BigInteger).label("units"),
        )
        .where(is_open)
        .group_by(reservations.c.channel, reservations.c.item, reservations.c.place)
    )


def find_short_counter_ids(conn: Connection) -> list[str]:
    """Find the ids of all counters with more units claimed than on hand."""
    return list(
        conn.scalars(sa.select(stock.c.id).where(stock.c.known, stock.c.on_hand < stock.c.held + stock.c.committed))
    )


def find_short_counters(conn: Connection, external_locations: Sequence[tuple[str, str]]) -> list[ShortCounter]:
    """Find the counters at these external locations (channel, id) with more units sold or held than on hand."""
    claimed = stock.c.held + stock.c.committed
    statement = sa.select(stock.c.channel, stock.c.item, stock.c.place, stock.c.on_hand, claimed).where(
        stock.c.known,
        stock.c.on_hand < claimed,
        stock.c.held > 0,
        sa.or_(sa.false(), *(_is_at(*location) for location in external_locations)),
    )
    return [
        ShortCounter((row[0], row[1], row[2]), row[3], row[4]) for row in conn.execute(statement.order_by(stock.c.id))
    ]


def list_counts(conn: Connection, channel: str) -> list[CountedStock]:
    """List the stored counts of a channel."""
    statement = (
        sa.select(stock.c.item, stock.c.place, stock.c.on_hand, sources.c.external_id, sources.c.feed)
        .join(sources, sources.c.id == stock.c.id)
        .where(stock.c.channel == channel, stock.c.known)
        .order_by(stock.c.id)
    )
    return [CountedStock((channel, row[0], row[1]), row[2], row[3], row[4]) for row in conn.execute(statement)]


def sum_open_movements(conn: Connection) -> Mapping[StockCounterKey, int]:
    """Sum the open movements of each counter: units posted or to be posted, and not yet proven counted."""
    statement = (
        sa.select(
            reservations.c.channel,
            reservations.c.item,
            reservations.c.place,
            sa.cast(sa.func.sum(reservations.c.quantity), sa.BigInteger),
        )
        .where(is_open, reservations.c.state == "COMMITTED")
        .group_by(reservations.c.channel, reservations.c.item, reservations.c.place)
    )
    return {(row[0], row[1], row[2]): row[3] for row in conn.execute(statement)}


@dataclass(frozen=True, slots=True)
class OperatorTask:
    """A task for operators. `number` is the order's number; `due_at` is the deadline, if any."""

    number: str
    kind: str
    note: str
    due_at: datetime | None


def list_tasks(conn: Connection) -> list[OperatorTask]:
    """List the open tasks for operators. Those of a copy are its original's."""
    columns = (orders.c.number, order_tasks.c.kind, order_tasks.c.note, order_tasks.c.due_at)
    stored = orders.alias("stored")
    statement = (
        sa.select(*columns)
        .select_from(order_tasks)
        .join(stored, stored.c.id == order_tasks.c.order_id)
        .join(orders, orders.c.id == sa.func.coalesce(stored.c.attached_to, stored.c.id))
    )
    return [OperatorTask(*row) for row in conn.execute(statement.order_by(order_tasks.c.opened_at, orders.c.id))]


def _is_at(channel: str, external_location: str) -> sa.ColumnElement[bool]:
    return sa.and_(stock.c.channel == channel, stock.c.place == external_location)
