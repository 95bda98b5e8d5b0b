"""Writes of customers and their identities."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import (
    BulkSelect,
    build_insert,
    build_insert_new,
    build_update,
    delete_by_keys,
    slice_items,
)
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.tables import contacts, customers, identities, orders, spendings


@dataclass(slots=True)
class CustomerRow:
    """A row of `customers`, without columns derived from orders; JSON columns as text."""

    id: str
    version: int
    display_name: str | None
    given_name: str | None
    family_name: str | None
    emails: str
    phones: str
    addresses: str
    tags: str
    visible: bool
    sort_name: str
    words: str
    locale: str | None
    has_login: bool | None
    channels: str | None
    channels_version: int | None
    created_at: datetime
    updated_at: datetime


class Contact(NamedTuple):
    """A row of `contacts`: a value by which a customer is searched."""

    kind: str
    value: str
    customer_id: str


class Spending(NamedTuple):
    """A row of `spendings`: the total of a customer's orders in one currency."""

    customer_id: str
    currency: str
    total: int


class OrderSums(NamedTuple):
    """How many orders a customer has, how many of them in stores, and when they were placed."""

    id: str
    order_count: int
    store_order_count: int
    first_order_at: datetime | None
    last_order_at: datetime | None


_customer_columns = tuple(customers.c[field.name] for field in fields(CustomerRow))
_customers = BulkSelect(sa.select(*_customer_columns), customers.c.id, locked_by=customers.c.id)
_insert, _update = (
    build(customers, [field.name for field in fields(CustomerRow)]) for build in (build_insert, build_update)
)
_order_sums_update = build_update(customers, OrderSums._fields)
_contact_insert = build_insert_new(contacts, Contact._fields)
_spending_insert = build_insert(spendings, Spending._fields)


def lock_customers(conn: Connection, ids: Collection[str]) -> dict[str, CustomerRow]:
    """Return customers, by id, locked in order of their ids."""
    return {row.id: CustomerRow(*row) for row in _customers.select(conn, ids)}


def store_customers(conn: Connection, rows: Sequence[CustomerRow], known: Collection[str]) -> None:
    """Insert these customers, or update those that are known."""
    _insert.run(conn, [row for row in rows if row.id not in known])
    _update.run(conn, [row for row in rows if row.id in known])


def store_contacts(conn: Connection, customer_ids: Collection[str], rows: Iterable[Contact]) -> None:
    """Replace the contacts of customers."""
    delete_by_keys(conn, contacts.c.customer_id, customer_ids)
    _contact_insert.run(conn, rows)


def recompute_orders(
    conn: Connection, customer_ids: Collection[str], uncounted: Collection[str], stores: Collection[str]
) -> None:
    """Recompute the columns derived from these customers' orders.

    Args:
        uncounted: states of orders that are no sales.
        stores: channels whose orders are placed in stores.
    """
    for id_slice in slice_items(sorted(customer_ids)):
        conn.execute(
            sa.select(customers.c.id).where(customers.c.id.in_(id_slice)).order_by(customers.c.id).with_for_update()
        )
        rows: Sequence[Any] = conn.execute(_select_totals(id_slice, uncounted, stores)).all()
        conn.execute(sa.delete(spendings).where(spendings.c.customer_id.in_(id_slice)))
        _spending_insert.run(conn, [Spending(row[0], row[1], row[2]) for row in rows if row[1]])
        _order_sums_update.run(conn, _sum_orders(id_slice, rows))


def _sum_orders(customer_ids: Sequence[str], rows: Sequence[Any]) -> list[OrderSums]:
    """Sum the orders of each customer over their currencies."""
    sums = {id_: OrderSums(id_, 0, 0, None, None) for id_ in customer_ids}
    for id_, _, _, count, in_stores, first, last in rows:
        former = sums[id_]
        sums[id_] = OrderSums(
            id_,
            former.order_count + count,
            former.store_order_count + in_stores,
            min(first, former.first_order_at or first),
            max(last, former.last_order_at or last),
        )
    return list(sums.values())


def _select_totals(customer_ids: Sequence[str], uncounted: Collection[str], stores: Collection[str]) -> sa.Select[Any]:
    """Select, by customer and currency, the total of the orders, their number, that in stores, and when they were
    placed.
    """
    in_store = sa.case((orders.c.channel.in_(sorted(stores)), 1), else_=0)
    same_customer = sa.and_(
        orders.c.customer_channel == identities.c.channel, orders.c.customer == identities.c.external_id
    )
    return (
        sa.select(
            identities.c.customer_id,
            orders.c.currency,
            sa.cast(sa.func.coalesce(sa.func.sum(orders.c.total), 0), sa.BigInteger),
            sa.func.count(),
            sa.func.sum(in_store),
            sa.func.min(orders.c.placed_at),
            sa.func.max(orders.c.placed_at),
        )
        .select_from(identities.join(orders, same_customer))
        .where(identities.c.customer_id.in_(customer_ids), orders.c.status.not_in(sorted(uncounted)))
        .where(skip_index(orders.c.attached_to).is_(None), orders.c.test.is_not(True))
        .group_by(identities.c.customer_id, orders.c.currency)
    )
