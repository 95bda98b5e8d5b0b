"""Writes of loyalty accounts, their facts and their entries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.sql.bulk import BulkSelect, build_insert, build_insert_new, build_update, insert_new_rows
from gateway.storage.tables import facts, identities, loyalty_accounts, loyalty_entries, loyalty_facts

CARD, HOME = "card:", "home:"
"""Prefixes of the keys of accounts: with the number of a card, or the home of an identity (rule Y1)."""


@dataclass(slots=True, kw_only=True)
class AccountRow:
    """A row of `loyalty_accounts`."""

    id: str
    key: str
    number: str | None = None
    identity_id: str | None = None
    balance: int = 0
    pending: int = 0
    held: int = 0
    next_at: datetime | None = None
    periods: str = "{}"
    tier: str | None = None
    tier_until: datetime | None = None
    unshown: bool | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class FactRow:
    """A row of `loyalty_facts`."""

    key: str
    source: str
    kind: str
    account_id: str | None = None
    identity_id: str | None = None
    origin: str | None = None
    order_id: str | None = None
    channel: str | None = None
    location: str | None = None
    occurred_at: datetime
    minor: int | None = None
    currency: str | None = None
    rate: str | None = None
    multiplier: str | None = None
    points: int | None = None
    entry_kind: str | None = None
    state: str | None = None
    expires_at: datetime | None = None
    reason: str | None = None
    created_at: datetime


@dataclass(slots=True, kw_only=True)
class EntryRow:
    """A row of `loyalty_entries`."""

    id: str
    account_id: str
    key: str
    expiry: bool
    number: int
    kind: str
    points: int
    reason: str
    channel: str | None
    location: str | None
    order_id: str | None
    occurred_at: datetime
    pending_until: datetime | None
    expires_at: datetime | None
    posted_at: datetime


class PostedSum(NamedTuple):
    """What the entries of a key add up to, and how many there are."""

    points: int
    entries: int


_account_names, _fact_names, _entry_names = (
    [field.name for field in fields(kind)] for kind in (AccountRow, FactRow, EntryRow)
)
_account_columns = [loyalty_accounts.c[name] for name in _account_names]
_fact_columns = [loyalty_facts.c[name] for name in _fact_names]
_accounts_by_key = BulkSelect(sa.select(*_account_columns), loyalty_accounts.c.key)
_accounts_by_identity = BulkSelect(
    sa.select(*_account_columns).order_by(loyalty_accounts.c.id), loyalty_accounts.c.identity_id
)
_accounts = BulkSelect(sa.select(*_account_columns), loyalty_accounts.c.id, locked_by=loyalty_accounts.c.id)
_account_insert = build_insert_new(loyalty_accounts, _account_names)
_account_update = build_update(loyalty_accounts, [name for name in _account_names if name not in ("key", "created_at")])
_facts_by_account, _facts_by_key, _facts_by_order, _facts_by_origin = (
    BulkSelect(sa.select(*_fact_columns), column)
    for column in (
        loyalty_facts.c.account_id,
        loyalty_facts.c.key,
        loyalty_facts.c.order_id,
        loyalty_facts.c.origin,
    )
)
_fact_insert = build_insert(loyalty_facts, _fact_names)
_entry_insert = build_insert(loyalty_entries, _entry_names)
_entry_sums = BulkSelect(
    lambda condition: (
        sa.select(
            loyalty_entries.c.account_id,
            loyalty_entries.c.key,
            loyalty_entries.c.expiry,
            sa.cast(sa.func.sum(loyalty_entries.c.points), sa.BigInteger).label("points"),
            sa.func.count().label("entries"),
        )
        .where(condition)
        .group_by(loyalty_entries.c.account_id, loyalty_entries.c.key, loyalty_entries.c.expiry)
    ),
    loyalty_entries.c.account_id,
)


# ------------------------------------------------------------------------------------------------ accounts


def ensure_accounts(conn: Connection, rows: Iterable[AccountRow]) -> dict[str, AccountRow]:
    """Insert accounts unless they exist; return them by key, as they are stored."""
    wanted = {row.key: row for row in rows}
    known = find_accounts_by_key(conn, wanted)
    missing = [wanted[key] for key in sorted(wanted) if key not in known]
    if missing:
        _account_insert.run(conn, missing)
        known = find_accounts_by_key(conn, wanted)
    return known


def find_accounts_by_key(conn: Connection, keys: Collection[str]) -> dict[str, AccountRow]:
    """Find accounts by their keys."""
    return {row.key: AccountRow(**row._asdict()) for row in _accounts_by_key.select(conn, keys)}


def find_accounts_of_identities(conn: Connection, identity_ids: Collection[str]) -> list[AccountRow]:
    """Find the accounts of identities, the oldest first."""
    rows = [AccountRow(**row._asdict()) for row in _accounts_by_identity.select(conn, identity_ids)]
    return sorted(rows, key=lambda row: (row.created_at, row.id))


def lock_accounts(conn: Connection, ids: Collection[str]) -> dict[str, AccountRow]:
    """Return accounts, by id, locked in order of their ids."""
    return {row.id: AccountRow(**row._asdict()) for row in _accounts.select(conn, ids)}


def update_accounts(conn: Connection, rows: Sequence[AccountRow]) -> None:
    """Update accounts that are locked."""
    _account_update.run(conn, rows)


def hold_points(conn: Connection, account_id: str, points: int, now: datetime) -> bool:
    """Hold points, if so many can be spent. This statement alone decides (rule Y4)."""
    spendable = loyalty_accounts.c.balance - loyalty_accounts.c.held
    guarded = sa.update(loyalty_accounts).where(loyalty_accounts.c.id == account_id, spendable >= points)
    return (
        conn.execute(guarded.values(held=loyalty_accounts.c.held + points, unshown=True, updated_at=now)).rowcount == 1
    )


def find_due_accounts(conn: Connection, now: datetime, limit: int) -> list[str]:
    """Find accounts whose points begin or expire, the longest due first."""
    due = sa.select(loyalty_accounts.c.id).where(loyalty_accounts.c.next_at <= now)
    return list(conn.scalars(due.order_by(loyalty_accounts.c.next_at, loyalty_accounts.c.id).limit(limit)))


def find_unshown(conn: Connection, limit: int) -> list[str]:
    """Find accounts whose points changed since they were sent to channels."""
    changed = sa.select(loyalty_accounts.c.id).where(sa.text("unshown = 1" if is_sqlite(conn) else "unshown"))
    return list(conn.scalars(changed.order_by(loyalty_accounts.c.id).limit(limit)))


def find_owners(conn: Connection, numbers: Collection[str], issuer: str | None) -> dict[str, str]:
    """Find the identities to which cards belong: the issuer's, or else the oldest (rule Y1)."""
    priority = sa.case((identities.c.channel == (issuer or ""), 0), else_=1)
    owners: dict[str, str] = {}
    for number in sorted(set(numbers)):
        holders = sa.select(identities.c.id).where(identities.c.loyalty_number == number, ~identities.c.gone)
        owner = conn.scalar(holders.order_by(priority, identities.c.linked_at, identities.c.id).limit(1))
        if owner is not None:
            owners[number] = owner
    return owners


# ------------------------------------------------------------------------------------------------ facts


def find_facts_of_accounts(conn: Connection, account_ids: Collection[str]) -> list[FactRow]:
    """Find the facts of accounts."""
    return [FactRow(**row._asdict()) for row in _facts_by_account.select(conn, account_ids)]


def find_facts(conn: Connection, keys: Collection[str]) -> list[FactRow]:
    """Find facts by their keys, of all sources."""
    return [FactRow(**row._asdict()) for row in _facts_by_key.select(conn, keys)]


def find_facts_of_orders(conn: Connection, order_ids: Collection[str]) -> list[FactRow]:
    """Find the facts of orders."""
    return [FactRow(**row._asdict()) for row in _facts_by_order.select(conn, order_ids)]


def find_facts_by_origin(conn: Connection, origins: Collection[str]) -> list[FactRow]:
    """Find the facts that take others back, or wait for them."""
    return [FactRow(**row._asdict()) for row in _facts_by_origin.select(conn, origins)]


def insert_facts(conn: Connection, rows: Sequence[FactRow]) -> None:
    """Insert new facts."""
    _fact_insert.run(conn, rows)


def replace_facts(conn: Connection, rows: Sequence[FactRow]) -> None:
    """Store the newest version of facts."""
    for row in rows:
        conn.execute(
            sa.delete(loyalty_facts).where(loyalty_facts.c.key == row.key, loyalty_facts.c.source == row.source)
        )
    _fact_insert.run(conn, rows)


# ------------------------------------------------------------------------------------------------ entries


def sum_entries(conn: Connection, account_ids: Collection[str]) -> dict[str, dict[tuple[str, bool], PostedSum]]:
    """Sum the entries of accounts, by key and whether they are of an expiry."""
    sums: dict[str, dict[tuple[str, bool], PostedSum]] = {id_: {} for id_ in account_ids}
    for row in _entry_sums.select(conn, account_ids):
        sums[row.account_id][row.key, bool(row.expiry)] = PostedSum(int(row.points), row.entries)
    return sums


def insert_entries(conn: Connection, rows: Sequence[EntryRow]) -> None:
    """Insert new entries. One that exists is an error: entries are posted under the lock of their account."""
    _entry_insert.run(conn, rows)


# ------------------------------------------------------------------------------------------------ the scan

_SCAN = "loyalty scan"


def start_scan(conn: Connection) -> None:
    """Note that all orders have to be looked at."""
    conn.execute(sa.delete(facts).where(facts.c.name == _SCAN))
    insert_new_rows(conn, facts, [{"name": _SCAN, "value": ""}])


def has_scan(conn: Connection) -> bool:
    """Whether a scan of all orders is under way."""
    return conn.scalar(sa.select(facts.c.name).where(facts.c.name == _SCAN)) is not None


def find_scanned(conn: Connection) -> str | None:
    """Return the id of the last order that the scan has looked at; None: there is no scan."""
    value = conn.scalar(sa.select(facts.c.value).where(facts.c.name == _SCAN).with_for_update())
    return None if value is None else str(value)


def store_scanned(conn: Connection, order_id: str | None) -> None:
    """Store how far the scan is; None: it is complete."""
    row = facts.c.name == _SCAN
    conn.execute(
        sa.delete(facts).where(row) if order_id is None else sa.update(facts).where(row).values(value=order_id)
    )
