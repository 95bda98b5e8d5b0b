"""Writes of what customers and staff enter here: values that are preferred to those of channels, and addresses."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import BulkSelect, build_delete, build_insert, build_upsert
from gateway.storage.tables import customer_addresses, customer_edits


class EditRow(NamedTuple):
    """A row of `customer_edits`. `value`: JSON."""

    identity_id: str
    field: str
    value: str
    by_customer: bool
    edited_at: datetime


class AddressRow(NamedTuple):
    """A row of `customer_addresses`. `address`: JSON."""

    id: str
    identity_id: str
    address: str
    default_shipping: bool
    default_billing: bool
    created_at: datetime
    updated_at: datetime


_edits = BulkSelect(sa.select(customer_edits), customer_edits.c.identity_id)
_insert_edit = build_insert(customer_edits, EditRow._fields)
_delete_edit = build_delete(customer_edits, ("identity_id", "field"))
_addresses = BulkSelect(sa.select(customer_addresses), customer_addresses.c.identity_id)
_addresses_by_id = BulkSelect(sa.select(customer_addresses), customer_addresses.c.id)
_upsert_address = build_upsert(customer_addresses, AddressRow._fields)
_delete_address = build_delete(customer_addresses, ("id",))


def find_edits(conn: Connection, identity_ids: Collection[str]) -> list[EditRow]:
    """Find the values that were entered for these identities."""
    return [EditRow(*row) for row in _edits.select(conn, identity_ids)]


def replace_edits(conn: Connection, rows: Collection[EditRow]) -> None:
    """Store values that were entered, in place of earlier ones of the same identity and field."""
    _delete_edit.run(conn, rows)
    _insert_edit.run(conn, rows)


def find_addresses(conn: Connection, identity_ids: Collection[str]) -> list[AddressRow]:
    """Find the addresses that were entered for these identities, oldest first."""
    rows = [AddressRow(*row) for row in _addresses.select(conn, identity_ids)]
    return sorted(rows, key=lambda row: (row.created_at, row.id))


def find_addresses_by_id(conn: Connection, ids: Collection[str]) -> dict[str, AddressRow]:
    """Find addresses, by ID."""
    return {row.id: AddressRow(*row) for row in _addresses_by_id.select(conn, ids)}


def store_addresses(conn: Connection, rows: Iterable[AddressRow]) -> None:
    """Insert or replace addresses."""
    _upsert_address.run(conn, rows)


def delete_addresses(conn: Connection, rows: Iterable[AddressRow]) -> None:
    """Delete addresses."""
    _delete_address.run(conn, rows)
