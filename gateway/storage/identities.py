"""Customers and their identities as commerce writes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.rows import as_row, delete_in, insert_new, select_in, slices, update, upsert
from gateway.storage.tables import contacts, customers, identities, orders, spendings


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRow:
    """A row of `customers`, without what follows from her orders: JSON columns as text."""

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
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
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


_customer_columns = tuple(customers.c[field.name] for field in fields(CustomerRow))
_identity_columns = tuple(identities.c[field.name] for field in fields(IdentityRow))


def identities_by_id(conn: Connection, ids: Collection[str]) -> dict[str, IdentityRow]:
    """Identities, by id."""
    rows = select_in(conn, sa.select(*_identity_columns), identities.c.id, ids)
    return {row.id: IdentityRow(**row._mapping) for row in rows}


def customers_by_id(conn: Connection, ids: Collection[str]) -> dict[str, CustomerRow]:
    """Customers, by id, locked in order of their ids."""
    statement = sa.select(*_customer_columns).order_by(customers.c.id).with_for_update()
    return {row.id: CustomerRow(**row._mapping) for row in select_in(conn, statement, customers.c.id, ids)}


def store(conn: Connection, rows: Sequence[CustomerRow], known: Collection[str], linked: Sequence[IdentityRow]) -> None:
    """Insert these customers, or set those that are known; and their identities."""
    new = [as_row(row) for row in rows if row.id not in known]
    if new:
        conn.execute(sa.insert(customers), new)
    update(conn, customers, [as_row(row) for row in rows if row.id in known])
    upsert(conn, identities, [as_row(row) for row in linked], ["id"])


def store_contacts(conn: Connection, customer_ids: Collection[str], rows: Sequence[dict[str, Any]]) -> None:
    """These are all the contacts of these customers."""
    delete_in(conn, contacts, contacts.c.customer_id, customer_ids)
    insert_new(conn, contacts, rows)


def customers_of(conn: Connection, channel: str, external_ids: Collection[str]) -> set[str]:
    """The customers behind these ids of a channel."""
    statement = sa.select(identities.c.customer_id).where(identities.c.channel == channel)
    return {row.customer_id for row in select_in(conn, statement, identities.c.external_id, external_ids)}


def recount(conn: Connection, customer_ids: Collection[str], uncounted: Collection[str]) -> None:
    """Bring what follows from these customers' orders up to date; orders of the `uncounted` states are no sales."""
    for some in slices(sorted(customer_ids)):
        conn.execute(
            sa.select(customers.c.id).where(customers.c.id.in_(some)).order_by(customers.c.id).with_for_update()
        )
        rows: Sequence[Any] = conn.execute(_totals(some, uncounted)).all()
        conn.execute(sa.delete(spendings).where(spendings.c.customer_id.in_(some)))
        spent = [
            {"customer_id": id_, "currency": currency, "total": total} for id_, currency, total, _ in rows if currency
        ]
        if spent:
            conn.execute(sa.insert(spendings), spent)
        latest = _latest(rows)
        update(conn, customers, [{"id": id_, "last_order_at": latest.get(id_)} for id_ in some])


def _latest(rows: Sequence[Any]) -> Mapping[str, datetime]:
    latest: dict[str, datetime] = {}
    for customer_id, _, _, at in rows:
        latest[customer_id] = max(at, latest.get(customer_id, at))
    return latest


def _totals(customer_ids: Sequence[str], uncounted: Collection[str]) -> sa.Select[Any]:
    """Per customer and currency: the sum of her orders, and the last of them."""
    hers = sa.and_(orders.c.channel == identities.c.channel, orders.c.customer == identities.c.external_id)
    return (
        sa.select(
            identities.c.customer_id,
            orders.c.currency,
            sa.cast(sa.func.coalesce(sa.func.sum(orders.c.total), 0), sa.BigInteger),
            sa.func.max(orders.c.placed_at),
        )
        .select_from(identities.join(orders, hers))
        .where(identities.c.customer_id.in_(customer_ids), orders.c.status.not_in(sorted(uncounted)))
        .group_by(identities.c.customer_id, orders.c.currency)
    )
