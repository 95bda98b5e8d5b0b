"""Writes of identities: the customer records of channels, accounts and guests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import BulkSelect, build_update, build_upsert
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.tables import identities


@dataclass(slots=True)
class IdentityRow:
    """A row of `identities`; JSON columns as text.

    Attributes:
        customer_id: derived: the customer it belongs to today; `proved_id`: the one that a shopper sees.
        home: the customer ID that was minted with it.
        twin_id: a guest with the same contact, who is recognized for both; None: it is recognized itself.
        pending_since: since when it waits to be recognized; None: it is.
    """

    id: str
    customer_id: str
    channel: str
    external_id: str
    home: str
    proved_id: str
    linked_at: datetime
    loyalty_number: str | None = None
    loyalty_points: int | None = None
    loyalty_tier: str | None = None
    merged_into: str | None = None
    evidence: str = "[]"
    gone: bool = False
    display_name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    locale: str | None = None
    emails: str = "[]"
    phones: str = "[]"
    addresses: str = "[]"
    tags: str = "[]"
    has_login: bool | None = None
    contact_key: str | None = None
    record_created_at: datetime | None = None
    changed_at: datetime | None = None
    erased_at: datetime | None = None
    pending_since: datetime | None = None
    links: str = "[]"
    policy_key: str | None = None
    external_references: str | None = None
    twin_id: str | None = None


class _Release(NamedTuple):
    id: str
    twin_id: None
    pending_since: datetime


class _Move(NamedTuple):
    twin_id: str
    customer_id: str


_DERIVED = ("id", "customer_id", "proved_id", "links", "pending_since", "twin_id")
_DEFAULTS: Mapping[str, sa.ColumnElement[str]] = {
    "home": identities.c.customer_id,
    "proved_id": identities.c.customer_id,
    **{name: sa.literal("[]") for name in ("links", "emails", "phones", "addresses", "tags")},
}
"""Values of columns that are null in rows of an earlier version."""

_columns = [
    sa.func.coalesce(identities.c[field.name], _DEFAULTS[field.name]).label(field.name)
    if field.name in _DEFAULTS
    else identities.c[field.name]
    for field in fields(IdentityRow)
]
_select = sa.select(*_columns)
_recognized_guests = BulkSelect(
    _select.where(
        identities.c.twin_id.is_(None),
        identities.c.pending_since.is_(None),
        identities.c.erased_at.is_(None),
        ~identities.c.gone,
    ),
    identities.c.contact_key,
)
_represented = BulkSelect(sa.select(identities.c.id), identities.c.twin_id)
_by_id = BulkSelect(_select, identities.c.id, locked_by=identities.c.id)
_by_customer = BulkSelect(_select, identities.c.customer_id, locked_by=identities.c.id)
_by_external_id = BulkSelect(_select.where(identities.c.channel == sa.bindparam("channel")), identities.c.external_id)
_locked_by_external_id = BulkSelect(
    _select.where(identities.c.channel == sa.bindparam("channel")),
    identities.c.external_id,
    locked_by=identities.c.id,
)
_customers_by_external_id = BulkSelect(
    sa.select(identities.c.customer_id).where(identities.c.channel == sa.bindparam("channel")),
    identities.c.external_id,
    locked_by=identities.c.id,
)
_merged = BulkSelect(
    sa.select(identities.c.id).where(identities.c.channel == sa.bindparam("channel")), identities.c.merged_into
)
_unlocked_by_id = BulkSelect(_select, identities.c.id)
_unlocked = BulkSelect(_select, identities.c.customer_id)
_by_proved = BulkSelect(_select, identities.c.proved_id)
_rows_by_home = BulkSelect(_select.where(identities.c.erased_at.is_(None)), identities.c.home)
_by_home = BulkSelect(
    sa.select(identities.c.home, identities.c.id, identities.c.customer_id, identities.c.proved_id).where(
        identities.c.erased_at.is_(None)
    ),
    identities.c.home,
)
_pending = DriverSelect(
    sa.select(identities.c.id)
    .where(identities.c.pending_since.is_not(None))
    .order_by(identities.c.pending_since, identities.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_upsert = build_upsert(identities, [field.name for field in fields(IdentityRow)])
_update_derived = build_update(identities, _DERIVED)
_release = build_update(identities, _Release._fields)
_move_twins = build_update(identities, _Move._fields, key="twin_id")


def lock_identities(conn: Connection, ids: Collection[str]) -> dict[str, IdentityRow]:
    """Return identities, by ID, locked in order of their IDs."""
    return {row.id: IdentityRow(*row) for row in _by_id.select(conn, ids)}


def find_identities(conn: Connection, ids: Collection[str]) -> dict[str, IdentityRow]:
    """Find identities, by ID, without a lock."""
    return {row.id: IdentityRow(*row) for row in _unlocked_by_id.select(conn, ids)}


def find_recognized_guests(conn: Connection, contact_keys: Collection[str]) -> list[IdentityRow]:
    """Find the guests with these contacts that are recognized themselves."""
    return [IdentityRow(*row) for row in _recognized_guests.select(conn, contact_keys)]


def release_twins(conn: Connection, ids: Collection[str], now: datetime) -> None:
    """Let those wait to be recognized who share the customer of these guests."""
    released = [row.id for row in _represented.select(conn, ids)]
    _release.run(conn, [_Release(id_, None, now) for id_ in released])


def move_twins(conn: Connection, rows: Iterable[IdentityRow]) -> None:
    """Give those who share the customer of these guests the same customer as they have now."""
    _move_twins.run(conn, [_Move(row.id, row.customer_id) for row in rows if row.contact_key is not None])


def lock_members(conn: Connection, customer_ids: Collection[str]) -> list[IdentityRow]:
    """Return the identities of customers, locked in order of their IDs."""
    return [IdentityRow(*row) for row in _by_customer.select(conn, customer_ids)]


def find_members(conn: Connection, customer_ids: Collection[str], *, proved: bool = False) -> list[IdentityRow]:
    """Find the identities of customers; `proved`: those that belong to these IDs by what their login proves."""
    rows = [IdentityRow(*row) for row in (_by_proved if proved else _unlocked).select(conn, customer_ids)]
    return sorted(rows, key=lambda row: row.id)


def find_by_external_id(conn: Connection, channel: str, external_ids: Collection[str]) -> list[IdentityRow]:
    """Find the identities with these IDs of a channel."""
    return [IdentityRow(*row) for row in _by_external_id.select(conn, external_ids, channel=channel)]


def lock_by_external_id(conn: Connection, channel: str, external_ids: Collection[str]) -> list[IdentityRow]:
    """Return the identities with these IDs of a channel, locked."""
    return [IdentityRow(*row) for row in _locked_by_external_id.select(conn, external_ids, channel=channel)]


def list_ids_of_channel(conn: Connection, channel: str) -> list[str]:
    """List the identities of a channel that are not erased."""
    own = sa.and_(identities.c.channel == channel, identities.c.erased_at.is_(None))
    return list(conn.scalars(sa.select(identities.c.id).where(own).order_by(identities.c.id)))


def list_ids(conn: Connection) -> list[str]:
    """List all identities."""
    return list(conn.scalars(sa.select(identities.c.id).order_by(identities.c.id)))


def find_merged(conn: Connection, channel: str, external_ids: Collection[str]) -> list[str]:
    """Find the identities that a channel has merged into these."""
    return [row.id for row in _merged.select(conn, external_ids, channel=channel)]


def lock_customer_ids(conn: Connection, channel: str, external_ids: Collection[str]) -> set[str]:
    """Return the customers with these IDs of a channel, whose identities are locked: a merge waits, or is seen."""
    return {row.customer_id for row in _customers_by_external_id.select(conn, external_ids, channel=channel)}


@dataclass(frozen=True, slots=True)
class HomeIdentity:
    """The identity with which a customer ID was minted, and the customers that it leads to today."""

    identity_id: str
    customer_id: str
    proved_id: str


def resolve_homes(conn: Connection, customer_ids: Collection[str]) -> Mapping[str, HomeIdentity]:
    """Resolve customer IDs, also those of customers that were merged since: every ID that was ever given (rule C1).
    That of an erased identity is unknown, so that nothing is attached to it any more.
    """
    return {
        row.home: HomeIdentity(row.id, row.customer_id, row.proved_id) for row in _by_home.select(conn, customer_ids)
    }


def find_by_home(conn: Connection, home: str) -> IdentityRow | None:
    """Find the identity with which a customer ID was minted. None: it is unknown, or erased."""
    rows = _rows_by_home.select(conn, [home])
    return IdentityRow(*rows[0]) if rows else None


def list_homes(conn: Connection, customer_id: str, *, proved: bool = False) -> list[str]:
    """List the homes of the identities of a customer; `proved`: of those that the customer's login proves."""
    return [row.home for row in find_members(conn, [customer_id], proved=proved)]


def find_proved_members(conn: Connection, proved_ids: Collection[str]) -> list[IdentityRow]:
    """Find the identities that logins prove to be one customer, by the ID that this customer sees."""
    return [IdentityRow(*row) for row in _by_proved.select(conn, proved_ids)]


def find_pending(conn: Connection, most: int) -> list[str]:
    """Find identities that are not recognized yet, those that have waited longest first."""
    return [row.id for row in _pending.fetch(conn, {"most": most})]


def store_identities(conn: Connection, rows: Iterable[IdentityRow]) -> None:
    """Insert or replace identities."""
    _upsert.run(conn, rows)


def update_derived(conn: Connection, rows: Sequence[IdentityRow]) -> None:
    """Store the customers that identities belong to, and why."""
    _update_derived.run(conn, rows)
