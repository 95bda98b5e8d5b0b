"""Writes of customers and their identities."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
    build_upsert,
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
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class IdentityRow:
    """A row of `identities`."""

    id: str
    customer_id: str
    channel: str
    external_id: str
    loyalty_number: str | None
    merged_into: str | None
    evidence: str
    gone: bool
    linked_at: datetime


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


class LastOrder(NamedTuple):
    """The time of a customer's last order."""

    id: str
    last_order_at: datetime | None


_customer_columns = tuple(customers.c[field.name] for field in fields(CustomerRow))
_identity_columns = tuple(identities.c[field.name] for field in fields(IdentityRow))
_identities = BulkSelect(sa.select(*_identity_columns), identities.c.id)
_customers = BulkSelect(sa.select(*_customer_columns), customers.c.id, locked_by=customers.c.id)
_ids_by_identity = BulkSelect(
    sa.select(identities.c.customer_id).where(identities.c.channel == sa.bindparam("channel")), identities.c.external_id
)
_insert, _update = (
    build(customers, [field.name for field in fields(CustomerRow)]) for build in (build_insert, build_update)
)
_last_order_update = build_update(customers, LastOrder._fields)
_identity_upsert = build_upsert(identities, [field.name for field in fields(IdentityRow)])
_contact_insert = build_insert_new(contacts, Contact._fields)
_spending_insert = build_insert(spendings, Spending._fields)


def find_identities(conn: Connection, ids: Collection[str]) -> dict[str, IdentityRow]:
    """Find identities, by id."""
    return {row.id: IdentityRow(*row) for row in _identities.select(conn, ids)}


def lock_customers(conn: Connection, ids: Collection[str]) -> dict[str, CustomerRow]:
    """Return customers, by id, locked in order of their ids."""
    return {row.id: CustomerRow(*row) for row in _customers.select(conn, ids)}


def store_customers(
    conn: Connection, rows: Sequence[CustomerRow], known: Collection[str], linked: Sequence[IdentityRow]
) -> None:
    """Insert these customers, or update those that are known, with their identities."""
    _insert.run(conn, [row for row in rows if row.id not in known])
    _update.run(conn, [row for row in rows if row.id in known])
    _identity_upsert.run(conn, linked)


def store_contacts(conn: Connection, customer_ids: Collection[str], rows: Iterable[Contact]) -> None:
    """Replace the contacts of customers."""
    delete_by_keys(conn, contacts.c.customer_id, customer_ids)
    _contact_insert.run(conn, rows)


def find_customer_ids(conn: Connection, channel: str, external_ids: Collection[str]) -> set[str]:
    """Find the customers with these ids of a channel."""
    return {row.customer_id for row in _ids_by_identity.select(conn, external_ids, channel=channel)}


def find_identity(conn: Connection, customer_id: str, channel: str) -> tuple[str, str] | None:
    """Find a customer's channel and id there, preferably in this channel."""
    linked = sa.and_(identities.c.customer_id == customer_id, ~identities.c.gone)
    priority = sa.case((identities.c.channel == channel, 0), else_=1)
    statement = (
        sa.select(identities.c.channel, identities.c.external_id).where(linked).order_by(priority, identities.c.id)
    )
    row = conn.execute(statement.limit(1)).first()
    return None if row is None else (row.channel, row.external_id)


def recompute_orders(conn: Connection, customer_ids: Collection[str], uncounted: Collection[str]) -> None:
    """Recompute the columns derived from these customers' orders. Orders with an `uncounted` status are no sales."""
    for id_slice in slice_items(sorted(customer_ids)):
        conn.execute(
            sa.select(customers.c.id).where(customers.c.id.in_(id_slice)).order_by(customers.c.id).with_for_update()
        )
        rows: Sequence[Any] = conn.execute(_select_totals(id_slice, uncounted)).all()
        conn.execute(sa.delete(spendings).where(spendings.c.customer_id.in_(id_slice)))
        _spending_insert.run(conn, [Spending(id_, currency, total) for id_, currency, total, _ in rows if currency])
        latest = _find_latest(rows)
        _last_order_update.run(conn, [LastOrder(id_, latest.get(id_)) for id_ in id_slice])


def _find_latest(rows: Sequence[Any]) -> Mapping[str, datetime]:
    latest: dict[str, datetime] = {}
    for customer_id, _, _, at in rows:
        latest[customer_id] = max(at, latest.get(customer_id, at))
    return latest


def _select_totals(customer_ids: Sequence[str], uncounted: Collection[str]) -> sa.Select[Any]:
    """Select, by customer and currency, the total of the orders and the time of the last one."""
    same_customer = sa.and_(
        orders.c.customer_channel == identities.c.channel, orders.c.customer == identities.c.external_id
    )
    return (
        sa.select(
            identities.c.customer_id,
            orders.c.currency,
            sa.cast(sa.func.coalesce(sa.func.sum(orders.c.total), 0), sa.BigInteger),
            sa.func.max(orders.c.placed_at),
        )
        .select_from(identities.join(orders, same_customer))
        .where(identities.c.customer_id.in_(customer_ids), orders.c.status.not_in(sorted(uncounted)))
        .where(skip_index(orders.c.attached_to).is_(None), orders.c.test.is_not(True))
        .group_by(identities.c.customer_id, orders.c.currency)
    )
