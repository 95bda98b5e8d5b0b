"""Reads of customers and their identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from gateway.storage.tables import EPOCH, MICROSECOND, customers, identities, spendings


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
        statement = statement.where(customers.c.id.in_(_select_customers_in(channels)))
    return {row.asked: read_customer(row) for row in conn.execute(statement)}


def _select_customers_in(channels: Sequence[str]) -> sa.Select[Any]:
    """Select the customers with a record in these channels, or with an order of a guest there."""
    keys = [*channels, *(GUEST + key for key in channels)]
    return sa.select(identities.c.customer_id).where(~identities.c.gone, identities.c.channel.in_(keys))


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
        keys = [*channels, *(GUEST + key for key in channels)]
        statement = statement.where(sa.or_(identities.c.channel.in_(keys), identities.c.channel.startswith(ACCOUNT)))
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
