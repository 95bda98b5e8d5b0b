"""Reading customers and their identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import Address
from gateway.model.customers import ContactPoint, Customer, CustomerIdentity, IdentityEvidence, IdentityRule
from gateway.model.money import Money
from gateway.storage.paging import Rows, Sort, among
from gateway.storage.rows import load
from gateway.storage.search import Search, has_words
from gateway.storage.tables import contacts, customers, identities, spendings


class SeveralCurrenciesError(Exception):
    """Amounts of several currencies have no common order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerQuery:
    """Which customers, and in which order.

    Attributes:
        contacts: (kind, value) pairs as they stand in `contacts`; she has all of them.
        tags: she has one of them.
        sort: NAME, CREATED_AT, UPDATED_AT, LAST_ORDER_AT or LIFETIME_VALUE.
    """

    search: Search | None = None
    channels: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    contacts: tuple[tuple[str, str], ...] = ()
    loyalty_number: str | None = None
    updated_since: datetime | None = None
    sort: str = "NAME"
    descending: bool = True


def customers_matching(query: CustomerQuery, currency: str | None = None) -> Rows[Customer]:
    """The customers of a query. `currency`: in which LIFETIME_VALUE is compared."""
    statement = sa.select(customers).where(customers.c.visible, *_conditions(query))
    sort = Sort(_columns()[query.sort], customers.c.id, descending=query.descending, nulls=query.sort in _NULLABLE)
    if query.sort == "LIFETIME_VALUE":
        spent = sa.and_(spendings.c.customer_id == customers.c.id, spendings.c.currency == currency)
        statement = statement.join(spendings, spent, isouter=True)
    return Rows(statement, sort, customer)


_NULLABLE = ("LAST_ORDER_AT", "LIFETIME_VALUE")


def _columns() -> Mapping[str, sa.ColumnElement[Any]]:
    return {
        "NAME": customers.c.sort_name,
        "CREATED_AT": customers.c.created_at,
        "UPDATED_AT": customers.c.updated_at,
        "LAST_ORDER_AT": customers.c.last_order_at,
        "LIFETIME_VALUE": spendings.c.total,
    }


def _conditions(query: CustomerQuery) -> list[sa.ColumnElement[bool]]:
    conditions = [_has_contact(kind, [value]) for kind, value in query.contacts]
    if query.search is not None:
        conditions.append(has_words("customer", customers.c.id, query.search.words))
    if query.tags is not None:
        conditions.append(_has_contact("tag", query.tags))
    if query.channels is not None:
        conditions.append(_has_identity(identities.c.channel.in_(query.channels)))
    if query.loyalty_number is not None:
        conditions.append(_has_identity(identities.c.loyalty_number == query.loyalty_number))
    if query.updated_since is not None:
        conditions.append(customers.c.updated_at >= query.updated_since)
    return conditions


def _has_contact(kind: str, values: Sequence[str]) -> sa.ColumnElement[bool]:
    known = sa.select(contacts.c.customer_id).where(contacts.c.kind == kind, contacts.c.value.in_(values))
    return customers.c.id.in_(known)


def _has_identity(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return customers.c.id.in_(sa.select(identities.c.customer_id).where(~identities.c.gone, condition))


def spending_currency(conn: Connection) -> str | None:
    """The one currency in which customers have spent.

    Raises:
        SeveralCurrenciesError: there is more than one.
    """
    found = conn.scalars(sa.select(spendings.c.currency).distinct().limit(2)).all()
    if len(found) > 1:
        raise SeveralCurrenciesError
    return found[0] if found else None


def customers_by_id(conn: Connection, ids: Sequence[str]) -> Mapping[str, Customer]:
    """The customers with these ids."""
    statement = sa.select(customers).where(customers.c.visible, among(conn, customers.c.id, ids))
    return {row.id: customer(row) for row in conn.execute(statement)}


def lifetime_values(conn: Connection, ids: Sequence[str]) -> Mapping[str, Sequence[Money]]:
    """What each customer's orders come to, by currency."""
    statement = sa.select(spendings).where(among(conn, spendings.c.customer_id, ids)).order_by(spendings.c.currency)
    found: dict[str, list[Money]] = {key: [] for key in ids}
    for row in conn.execute(statement):
        found[row.customer_id].append(Money(row.total, row.currency))
    return found


def identities_of_customers() -> Rows[CustomerIdentity]:
    """The identities of each of many customers, as they were linked."""
    statement = sa.select(identities).where(~identities.c.gone)
    sort = Sort(identities.c.linked_at, identities.c.id)
    return Rows(statement, sort, identity, parent=identities.c.customer_id)


def identities_by_id(conn: Connection, ids: Sequence[str]) -> Mapping[str, CustomerIdentity]:
    """The identities with these ids."""
    statement = sa.select(identities).where(~identities.c.gone, among(conn, identities.c.id, ids))
    return {row.id: identity(row) for row in conn.execute(statement)}


def customer(row: sa.Row[Any]) -> Customer:
    """A row of `customers`."""
    return Customer(
        id=row.id,
        version=row.version,
        display_name=row.display_name,
        given_name=row.given_name,
        family_name=row.family_name,
        emails=_points(row.emails),
        phones=_points(row.phones),
        addresses=tuple(Address(**made) for made in load(row.addresses)),
        tags=tuple(load(row.tags)),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _points(text: str) -> tuple[ContactPoint, ...]:
    return tuple(
        ContactPoint(value=value, verified=verified, primary=primary, channel_keys=tuple(channels))
        for value, verified, primary, channels in load(text)
    )


def identity(row: sa.Row[Any]) -> CustomerIdentity:
    """A row of `identities`."""
    return CustomerIdentity(
        id=row.id,
        customer_id=row.customer_id,
        channel_key=row.channel,
        external_id=row.external_id,
        loyalty_number=row.loyalty_number,
        evidence=tuple(IdentityEvidence(rule=IdentityRule(rule), value=value) for rule, value in load(row.evidence)),
        linked_at=row.linked_at,
    )
