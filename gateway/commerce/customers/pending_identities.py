"""Identities that wait to be recognized."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.customers.guests import read_guest
from gateway.commerce.customers.regrouping import regroup
from gateway.model.customers.profiles import ACCOUNT, GUEST
from gateway.storage.database import Connection
from gateway.storage.writes import orders
from gateway.storage.writes.customers import identities
from gateway.storage.writes.customers.identities import IdentityRow


def recognize_identities(conn: Connection, ids: Collection[str], config: CustomerConfig, now: datetime) -> int:
    """Recognize these identities. Returns how many there are."""
    rows = identities.lock_identities(conn, ids)
    read = {**_read_guests(conn, rows, config), **_read_records(rows, config)}
    identities.store_identities(conn, read.values())  # also the home of one that an earlier version has inserted
    regroup(conn, ids, config, now)
    return len(ids)


def set_aside(conn: Connection, id_: str) -> int:
    """Let an identity wait no longer. It is recognized when its data changes."""
    rows = identities.lock_identities(conn, [id_])
    identities.update_derived(conn, [replace(row, pending_since=None) for row in rows.values()])
    return len(rows)


def _read_guests(conn: Connection, rows: dict[str, IdentityRow], config: CustomerConfig) -> dict[str, IdentityRow]:
    """Read the fields of guests from their orders: those that a migration has added have none yet."""
    guests = {row.external_id: row for row in rows.values() if row.channel.startswith(GUEST)}
    stored = orders.lock_orders(conn, guests)
    return {row.id: read_guest(row, stored[key], config) for key, row in guests.items() if key in stored}


def _read_records(rows: dict[str, IdentityRow], config: CustomerConfig) -> dict[str, IdentityRow]:
    """Complete the rows of channels' records that an earlier version has stored."""
    records = [row for row in rows.values() if not row.channel.startswith((GUEST, ACCOUNT))]
    return {row.id: replace(row, has_login=row.channel in config.login_channels) for row in records}
