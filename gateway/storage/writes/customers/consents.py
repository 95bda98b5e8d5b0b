"""Writes of consents."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.customers.consents import ConsentFact, ConsentPurpose, ConsentSource
from gateway.storage.sql.bulk import BulkSelect, build_insert, build_insert_new, delete_by_keys
from gateway.storage.tables import consent_facts, customer_consents, identities


class FactRow(NamedTuple):
    """A row of `consent_facts`."""

    id: str
    identity_id: str
    purpose: str
    address: str | None
    granted: bool
    earliest: datetime
    latest: datetime
    confirmed: bool
    source: str
    wording: str | None
    decided_at: datetime | None
    received_at: datetime
    channel: str | None


class ConsentRow(NamedTuple):
    """A row of `customer_consents`: a purpose that a customer allows."""

    customer_id: str
    purpose: str


_columns = [consent_facts.c[name] for name in FactRow._fields]
_by_identity = BulkSelect(sa.select(*_columns), consent_facts.c.identity_id)
_grants = BulkSelect(
    sa.select(consent_facts.c.address, consent_facts.c.identity_id).where(consent_facts.c.granted.is_(True)),
    consent_facts.c.address,
)
_denials = BulkSelect(
    sa.select(*_columns).where(consent_facts.c.granted.is_(False), consent_facts.c.address.is_not(None)),
    consent_facts.c.address,
)
_customers_by_address = BulkSelect(
    sa.select(identities.c.customer_id).join(consent_facts, consent_facts.c.identity_id == identities.c.id).distinct(),
    consent_facts.c.address,
)
_unconfirmed = BulkSelect(sa.select(*_columns).where(consent_facts.c.confirmed.is_(False)), consent_facts.c.id)
_insert = build_insert(consent_facts, FactRow._fields)
_insert_consent = build_insert_new(customer_consents, ConsentRow._fields)


def find_facts(conn: Connection, identity_ids: Collection[str]) -> list[FactRow]:
    """Find the facts of identities, oldest first."""
    rows = [FactRow(*row) for row in _by_identity.select(conn, identity_ids)]
    return sorted(rows, key=lambda row: (row.received_at, row.id))


def find_unconfirmed_facts(conn: Connection, ids: Collection[str]) -> dict[str, FactRow]:
    """Find those of these grants that wait for their confirmation, by ID."""
    return {row.id: FactRow(*row) for row in _unconfirmed.select(conn, ids)}


def find_granted_addresses(conn: Connection, addresses: Collection[str], but: Collection[str]) -> set[str]:
    """Find those of these addresses for which others than these identities have agreed."""
    rows = _grants.select(conn, addresses)
    return {row.address for row in rows if row.identity_id not in but}


def find_denials(conn: Connection, addresses: Collection[str]) -> list[FactRow]:
    """Find the denials for these addresses, of whatever customer."""
    return [FactRow(*row) for row in _denials.select(conn, addresses)]


def find_customers_of_addresses(conn: Connection, addresses: Collection[str]) -> set[str]:
    """Find the customers who have decided something for these addresses."""
    return {row.customer_id for row in _customers_by_address.select(conn, addresses)}


def insert_facts(conn: Connection, rows: Iterable[FactRow]) -> None:
    """Insert facts."""
    _insert.run(conn, rows)


def confirm_fact(conn: Connection, fact_id: str, now: datetime) -> FactRow | None:
    """Confirm a grant: its time is that of the confirmation. Returns None if there is none."""
    row = conn.execute(sa.select(*_columns).where(consent_facts.c.id == fact_id).with_for_update()).first()
    if row is None:
        return None
    fact = FactRow(*row)
    if fact.confirmed:
        return fact
    times: dict[str, Any] = {"earliest": now, "latest": now, "decided_at": now, "confirmed": True}
    conn.execute(sa.update(consent_facts).where(consent_facts.c.id == fact.id).values(times))
    return fact._replace(**times)


def store_consents(conn: Connection, customer_ids: Collection[str], rows: Iterable[ConsentRow]) -> None:
    """Replace what customers allow."""
    delete_by_keys(conn, customer_consents.c.customer_id, customer_ids)
    _insert_consent.run(conn, rows)


def read_fact(row: FactRow) -> ConsentFact:
    """Read a row of `consent_facts`."""
    return ConsentFact(
        id=row.id,
        identity_id=row.identity_id,
        purpose=ConsentPurpose(row.purpose),
        address=row.address,
        granted=row.granted,
        earliest=row.earliest,
        latest=row.latest,
        confirmed=row.confirmed,
        source=ConsentSource(row.source),
        wording=row.wording,
        decided_at=row.decided_at,
        received_at=row.received_at,
        channel=row.channel,
    )
