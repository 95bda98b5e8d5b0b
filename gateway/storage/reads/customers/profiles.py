"""Reads of customers and their identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.customers.profiles import (
    ACCOUNT,
    GUEST,
    ContactPoint,
    Customer,
    CustomerIdentity,
    EvidenceVerdict,
    IdentityEvidence,
    IdentityRule,
)
from gateway.model.locations import Address
from gateway.model.money import Money, clamp_money
from gateway.storage.sql.bulk import load_json
from gateway.storage.sql.keyset import Rows, Sort, is_among
from gateway.storage.sql.planner_hints import skip_index
from gateway.storage.sql.text_search import Search, has_words
from gateway.storage.tables import EPOCH, MICROSECOND, contacts, customer_consents, customers, identities, spendings


class SeveralCurrenciesError(Exception):
    """Amounts in several currencies cannot be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerQuery:
    """Filters and sort order of customers.

    Attributes:
        channels: the customer has a record in one of them.
        visible_channels: the customer has a record in one of them; None: the caller sees all channels.
        contacts: (kind, value) pairs as stored in `contacts`; the customer has all of them.
        tags: the customer has one of them.
        consent: a purpose that the customer allows.
        sort: NAME, CREATED_AT, UPDATED_AT, LAST_ORDER_AT or LIFETIME_VALUE.
    """

    search: Search | None = None
    channels: tuple[str, ...] | None = None
    visible_channels: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    consent: str | None = None
    contacts: tuple[tuple[str, str], ...] = ()
    loyalty_number: str | None = None
    updated_since: datetime | None = None
    sort: str = "NAME"
    descending: bool = True


def search_customers(query: CustomerQuery, currency: str | None = None) -> Rows[Customer]:
    """Search the customers of a query. `currency`: the one in which LIFETIME_VALUE is compared."""
    statement = sa.select(customers).where(customers.c.visible, *_build_conditions(query))
    sort = Sort(
        _build_columns()[query.sort], customers.c.id, descending=query.descending, nulls=query.sort in _NULLABLE
    )
    if query.sort == "LIFETIME_VALUE":
        spent = sa.and_(spendings.c.customer_id == customers.c.id, spendings.c.currency == currency)
        statement = statement.join(spendings, spent, isouter=True)
    return Rows(statement, sort, read_customer)


_NULLABLE = ("LAST_ORDER_AT", "LIFETIME_VALUE")


def _build_columns() -> Mapping[str, sa.ColumnElement[Any]]:
    return {
        "NAME": customers.c.sort_name,
        "CREATED_AT": customers.c.created_at,
        "UPDATED_AT": customers.c.updated_at,
        "LAST_ORDER_AT": customers.c.last_order_at,
        "LIFETIME_VALUE": spendings.c.total,
    }


def _build_conditions(query: CustomerQuery) -> list[sa.ColumnElement[bool]]:
    conditions = [_has_contact(kind, [value]) for kind, value in query.contacts]
    if query.search is not None:
        conditions.append(has_words("customer", customers.c.id, query.search.words))
    if query.tags is not None:
        conditions.append(_has_contact("tag", query.tags))
    for channels in (query.channels, query.visible_channels):
        if channels is not None:
            conditions.append(_has_identity_in(channels))
    if query.loyalty_number is not None:
        conditions.append(_has_identity(identities.c.loyalty_number == query.loyalty_number))
    if query.updated_since is not None:
        conditions.append(customers.c.updated_at >= query.updated_since)
    if query.consent is not None:
        granted = customer_consents.c.purpose == query.consent
        conditions.append(customers.c.id.in_(sa.select(customer_consents.c.customer_id).where(granted)))
    return conditions


def _has_contact(kind: str, values: Sequence[str]) -> sa.ColumnElement[bool]:
    matching = sa.select(contacts.c.customer_id).where(contacts.c.kind == kind, contacts.c.value.in_(values))
    return customers.c.id.in_(matching)


def _has_identity(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return customers.c.id.in_(sa.select(identities.c.customer_id).where(~identities.c.gone, condition))


def _has_identity_in(channels: Sequence[str]) -> sa.ColumnElement[bool]:
    """Build the condition that the customer has a record in these channels. Most match it, so each is checked."""
    identity = sa.select(identities.c.id).where(
        identities.c.customer_id == customers.c.id, ~identities.c.gone, skip_index(identities.c.channel).in_(channels)
    )
    return identity.correlate(customers).exists()


def find_spending_currency(conn: Connection) -> str | None:
    """Return the one currency in which customers have spent.

    Raises:
        SeveralCurrenciesError: there is more than one.
    """
    currencies = conn.scalars(sa.select(spendings.c.currency).distinct().limit(2)).all()
    if len(currencies) > 1:
        raise SeveralCurrenciesError
    return currencies[0] if currencies else None


def find_customers(conn: Connection, ids: Sequence[str], channels: Sequence[str] | None) -> Mapping[str, Customer]:
    """Find customers by any id that they were ever given (rule C1), who have a record in one of these channels.

    Args:
        channels: None: in any.
    """
    unmoved = sa.and_(identities.c.home.is_(None), is_among(conn, identities.c.customer_id, ids))
    statement = (
        sa.select(customers, sa.func.coalesce(identities.c.home, identities.c.customer_id).label("asked"))
        .join(identities, identities.c.customer_id == customers.c.id)
        .where(customers.c.visible, sa.or_(is_among(conn, identities.c.home, ids), unmoved))
    )
    if channels is not None:
        statement = statement.where(_has_identity(identities.c.channel.in_(channels)))
    return {row.asked: read_customer(row) for row in conn.execute(statement)}


def find_lifetime_values(conn: Connection, ids: Sequence[str]) -> Mapping[str, Sequence[Money]]:
    """Find the total of each customer's orders, by currency."""
    statement = sa.select(spendings).where(is_among(conn, spendings.c.customer_id, ids)).order_by(spendings.c.currency)
    totals: dict[str, list[Money]] = {key: [] for key in ids}
    for row in conn.execute(statement):
        totals[row.customer_id].append(clamp_money(row.total, row.currency))
    return totals


def list_identities_of_customers(channels: Sequence[str] | None) -> Rows[CustomerIdentity]:
    """List the identities of each of many customers in these channels, in the order in which they were linked."""
    statement = sa.select(identities).where(~identities.c.gone)
    if channels is not None:
        statement = statement.where(identities.c.channel.in_(channels))
    sort = Sort(identities.c.linked_at, identities.c.id)
    return Rows(statement, sort, read_identity, parent=identities.c.customer_id)


def find_identities(conn: Connection, ids: Sequence[str]) -> Mapping[str, CustomerIdentity]:
    """Find the identities with these ids."""
    statement = sa.select(identities).where(~identities.c.gone, is_among(conn, identities.c.id, ids))
    return {row.id: read_identity(row) for row in conn.execute(statement)}


def read_customer(row: sa.Row[Any]) -> Customer:
    """Read a row of `customers`."""
    return Customer(
        id=row.id,
        version=row.version,
        display_name=row.display_name,
        given_name=row.given_name,
        family_name=row.family_name,
        emails=_read_contact_points(row.emails),
        phones=_read_contact_points(row.phones),
        addresses=tuple(Address(**address) for address in load_json(row.addresses)),
        tags=tuple(load_json(row.tags)),
        locale=row.locale,
        has_login=bool(row.has_login),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _read_contact_points(text: str) -> tuple[ContactPoint, ...]:
    return tuple(
        ContactPoint(value=value, verified=verified, primary=primary, channel_keys=tuple(channels))
        for value, verified, primary, channels in load_json(text)
    )


def read_identity(row: sa.Row[Any]) -> CustomerIdentity:
    """Read a row of `identities`."""
    return CustomerIdentity(
        id=row.id,
        customer_id=row.customer_id,
        channel_key=None if row.channel.startswith(ACCOUNT) else row.channel.removeprefix(GUEST),
        external_id=row.external_id,
        loyalty_number=row.loyalty_number,
        evidence=(*_read_own_evidence(row.evidence), *read_links(row.links or "[]")),
        linked_at=row.linked_at,
        display_name=row.display_name,
        last_seen_at=row.changed_at,
        gone=row.gone,
    )


def _read_own_evidence(text: str) -> tuple[IdentityEvidence, ...]:
    return tuple(IdentityEvidence(rule=IdentityRule(rule), value=value) for rule, value in load_json(text))


def read_links(text: str) -> tuple[IdentityEvidence, ...]:
    """Read the reasons of an identity."""
    return tuple(
        IdentityEvidence(
            rule=IdentityRule(rule),
            value=value,
            verdict=EvidenceVerdict(verdict),
            other_id=other,
            observed_at=EPOCH + stamp * MICROSECOND,
        )
        for rule, value, verdict, other, stamp in load_json(text)
    )
