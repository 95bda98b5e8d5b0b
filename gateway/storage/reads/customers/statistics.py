"""Reads of what customers have ordered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import BulkSelect
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.tables import identities, orders


@dataclass(frozen=True, slots=True)
class OrderGroup:
    """The orders of a customer in one channel, currency and place.

    Attributes:
        place: external location of the store where they were placed; None: none.
    """

    channel: str
    currency: str | None
    place: str | None
    count: int
    total: int
    first_at: datetime
    last_at: datetime


_same_customer = sa.and_(
    orders.c.customer_channel == identities.c.channel, orders.c.customer == identities.c.external_id
)
_is_sale = sa.and_(skip_index(orders.c.attached_to).is_(None), orders.c.test.is_not(True))
_total = sa.cast(sa.func.coalesce(sa.func.sum(orders.c.total), 0), sa.BigInteger)


def _build_select(owner: sa.Column[Any]) -> BulkSelect:
    grouped = (owner, orders.c.channel, orders.c.currency, orders.c.place)
    times = sa.func.min(orders.c.placed_at).label("first_at"), sa.func.max(orders.c.placed_at).label("last_at")
    return BulkSelect(
        lambda condition: (
            sa.select(*grouped, sa.func.count().label("count"), _total.label("total"), *times)
            .select_from(identities.join(orders, _same_customer))
            .where(condition, _is_sale, orders.c.status.not_in(sa.bindparam("void", expanding=True)))
            .group_by(*grouped)
        ),
        owner,
    )


_by_customer, _by_proved = _build_select(identities.c.customer_id), _build_select(identities.c.proved_id)
_counts = BulkSelect(
    lambda condition: (
        sa.select(identities.c.id, sa.func.count().label("count"))
        .select_from(identities.join(orders, _same_customer))
        .where(condition, _is_sale, orders.c.status.not_in(sa.bindparam("void", expanding=True)))
        .group_by(identities.c.id)
    ),
    identities.c.id,
)


def find_order_groups(
    conn: Connection, customer_ids: Collection[str], void: Sequence[str], *, proved: bool
) -> Mapping[str, Sequence[OrderGroup]]:
    """Find what customers have ordered; `proved`: only what their login proves to be theirs. `void`: states of orders
    that do not count.
    """
    groups: dict[str, list[OrderGroup]] = defaultdict(list)
    for row in (_by_proved if proved else _by_customer).select(conn, customer_ids, void=list(void)):
        groups[row[0]].append(OrderGroup(*row[1:]))
    return groups


def count_orders(conn: Connection, identity_ids: Collection[str], void: Sequence[str]) -> Mapping[str, int]:
    """Count the orders that name each identity."""
    return {row[0]: row[1] for row in _counts.select(conn, identity_ids, void=list(void))}


def find_favorite_location(groups: Iterable[OrderGroup]) -> tuple[str, str] | None:
    """Find the external location where most orders were placed; None: none was placed in a store."""
    counts: Counter[tuple[str, str]] = Counter()
    for group in groups:
        if group.place is not None:
            counts[group.channel, group.place] += group.count
    return min(counts, key=lambda location: (-counts[location], location)) if counts else None
