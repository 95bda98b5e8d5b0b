"""Checks of what the gateway knows against itself: counters and what is spoken for of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.reservations import Spot, is_open
from gateway.storage.tables import order_tasks, orders, reservations, sources, stock


@dataclass(frozen=True, slots=True)
class Unbalanced:
    """A counter that does not hold what is spoken for of it."""

    spot: Spot
    held: int
    claimed: int


@dataclass(frozen=True, slots=True)
class Short:
    """A counter of which more is sold than there is."""

    spot: Spot
    on_hand: int
    spoken_for: int


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter as it is known, and the record that it is known by."""

    spot: Spot
    on_hand: int
    record: str
    feed: str


def unbalanced(conn: Connection) -> list[Unbalanced]:
    """Counters whose sum is wrong; there are none."""
    claimed = _claimed().subquery()
    same = sa.and_(
        claimed.c.channel == stock.c.channel, claimed.c.item == stock.c.item, claimed.c.place == stock.c.place
    )
    sum_ = sa.func.coalesce(claimed.c.units, 0)
    statement = sa.select(stock.c.channel, stock.c.item, stock.c.place, stock.c.held, sum_).join(
        claimed, same, isouter=True
    )
    rows = conn.execute(statement.where(stock.c.held != sum_).order_by(stock.c.id))
    return [Unbalanced((row[0], row[1], row[2]), row[3], row[4]) for row in rows]


def _claimed() -> sa.Select[tuple[object, ...]]:
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


def short_ids(conn: Connection) -> list[str]:
    """All counters of which more is spoken for than they have."""
    return list(
        conn.scalars(sa.select(stock.c.id).where(stock.c.known, stock.c.on_hand < stock.c.held + stock.c.committed))
    )


def short(conn: Connection, places: Sequence[tuple[str, str]]) -> list[Short]:
    """Counters of these places (channel, place) of which more is sold or held than they have."""
    spoken = stock.c.held + stock.c.committed
    statement = sa.select(stock.c.channel, stock.c.item, stock.c.place, stock.c.on_hand, spoken).where(
        stock.c.known, stock.c.on_hand < spoken, stock.c.held > 0, sa.or_(sa.false(), *(_at(*one) for one in places))
    )
    return [Short((row[0], row[1], row[2]), row[3], row[4]) for row in conn.execute(statement.order_by(stock.c.id))]


def counted(conn: Connection, channel: str) -> list[Counted]:
    """What a channel counts, as it is known."""
    statement = (
        sa.select(stock.c.item, stock.c.place, stock.c.on_hand, sources.c.external_id, sources.c.feed)
        .join(sources, sources.c.id == stock.c.id)
        .where(stock.c.channel == channel, stock.c.known)
        .order_by(stock.c.id)
    )
    return [Counted((channel, row[0], row[1]), row[2], row[3], row[4]) for row in conn.execute(statement)]


def moving(conn: Connection) -> Mapping[Spot, int]:
    """Units that are on their way into or out of each counter: told to its channel or to be told, and not proved."""
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
class Task:
    """What a person has to look at. `number`: the order's; `due_at`: until when."""

    number: str
    kind: str
    note: str
    due_at: datetime | None


def tasks(conn: Connection) -> list[Task]:
    """What people have to look at."""
    columns = (orders.c.number, order_tasks.c.kind, order_tasks.c.note, order_tasks.c.due_at)
    statement = sa.select(*columns).join(orders, orders.c.id == order_tasks.c.order_id)
    return [Task(*row) for row in conn.execute(statement.order_by(order_tasks.c.opened_at, orders.c.id))]


def _at(channel: str, place: str) -> sa.ColumnElement[bool]:
    return sa.and_(stock.c.channel == channel, stock.c.place == place)
