"""Customers and their identities as commerce writes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.rows import Keyed, adding, delete_in, inserting, putting, slices, updating
from gateway.storage.tables import contacts, customers, identities, orders, spendings


@dataclass(slots=True)
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
    """A row of `contacts`: by what a customer is found."""

    kind: str
    value: str
    customer_id: str


class Spending(NamedTuple):
    """A row of `spendings`: what a customer's orders come to in one currency."""

    customer_id: str
    currency: str
    total: int


class LastOrder(NamedTuple):
    """When a customer ordered last."""

    id: str
    last_order_at: datetime | None


_customer_columns = tuple(customers.c[field.name] for field in fields(CustomerRow))
_identity_columns = tuple(identities.c[field.name] for field in fields(IdentityRow))
_identities = Keyed(sa.select(*_identity_columns), identities.c.id)
_customers = Keyed(sa.select(*_customer_columns), customers.c.id, locked_by=customers.c.id)
_behind = Keyed(
    sa.select(identities.c.customer_id).where(identities.c.channel == sa.bindparam("channel")), identities.c.external_id
)
_new, _set = (many(customers, [field.name for field in fields(CustomerRow)]) for many in (inserting, updating))
_set_last_order = updating(customers, LastOrder._fields)
_put_identity = putting(identities, [field.name for field in fields(IdentityRow)])
_new_contact = adding(contacts, Contact._fields)
_new_spending = inserting(spendings, Spending._fields)


def identities_by_id(conn: Connection, ids: Collection[str]) -> dict[str, IdentityRow]:
    """Identities, by id."""
    return {row.id: IdentityRow(*row) for row in _identities.all(conn, ids)}


def customers_by_id(conn: Connection, ids: Collection[str]) -> dict[str, CustomerRow]:
    """Customers, by id, locked in order of their ids."""
    return {row.id: CustomerRow(*row) for row in _customers.all(conn, ids)}


def store(conn: Connection, rows: Sequence[CustomerRow], known: Collection[str], linked: Sequence[IdentityRow]) -> None:
    """Insert these customers, or set those that are known; and their identities."""
    _new.run(conn, [row for row in rows if row.id not in known])
    _set.run(conn, [row for row in rows if row.id in known])
    _put_identity.run(conn, linked)


def store_contacts(conn: Connection, customer_ids: Collection[str], rows: Iterable[Contact]) -> None:
    """These are all the contacts of these customers."""
    delete_in(conn, contacts.c.customer_id, customer_ids)
    _new_contact.run(conn, rows)


def customers_of(conn: Connection, channel: str, external_ids: Collection[str]) -> set[str]:
    """The customers behind these ids of a channel."""
    return {row.customer_id for row in _behind.all(conn, external_ids, channel=channel)}


def any_of(conn: Connection, customer_id: str, channel: str) -> tuple[str, str] | None:
    """A channel and the customer's id there; this channel, if she is known to it."""
    hers = sa.and_(identities.c.customer_id == customer_id, ~identities.c.gone)
    own = sa.case((identities.c.channel == channel, 0), else_=1)
    statement = sa.select(identities.c.channel, identities.c.external_id).where(hers).order_by(own, identities.c.id)
    row = conn.execute(statement.limit(1)).first()
    return None if row is None else (row.channel, row.external_id)


def recount(conn: Connection, customer_ids: Collection[str], uncounted: Collection[str]) -> None:
    """Bring what follows from these customers' orders up to date; orders of the `uncounted` states are no sales."""
    for some in slices(sorted(customer_ids)):
        conn.execute(
            sa.select(customers.c.id).where(customers.c.id.in_(some)).order_by(customers.c.id).with_for_update()
        )
        rows: Sequence[Any] = conn.execute(_totals(some, uncounted)).all()
        conn.execute(sa.delete(spendings).where(spendings.c.customer_id.in_(some)))
        _new_spending.run(conn, [Spending(id_, currency, total) for id_, currency, total, _ in rows if currency])
        latest = _latest(rows)
        _set_last_order.run(conn, [LastOrder(id_, latest.get(id_)) for id_ in some])


def _latest(rows: Sequence[Any]) -> Mapping[str, datetime]:
    latest: dict[str, datetime] = {}
    for customer_id, _, _, at in rows:
        latest[customer_id] = max(at, latest.get(customer_id, at))
    return latest


def _totals(customer_ids: Sequence[str], uncounted: Collection[str]) -> sa.Select[Any]:
    """Per customer and currency: the sum of her orders, and the last of them."""
    hers = sa.and_(orders.c.customer_channel == identities.c.channel, orders.c.customer == identities.c.external_id)
    return (
        sa.select(
            identities.c.customer_id,
            orders.c.currency,
            sa.cast(sa.func.coalesce(sa.func.sum(orders.c.total), 0), sa.BigInteger),
            sa.func.max(orders.c.placed_at),
        )
        .select_from(identities.join(orders, hers))
        .where(identities.c.customer_id.in_(customer_ids), orders.c.status.not_in(sorted(uncounted)))
        .where(orders.c.attached_to.is_(None))
        .group_by(identities.c.customer_id, orders.c.currency)
    )
