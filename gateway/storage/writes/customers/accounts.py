"""Writes of accounts: identities that issuers of logins know (rule C8). Each issuer is a channel of its own."""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy.engine import Connection

from gateway.model.customers.profiles import ACCOUNT
from gateway.storage.sql.bulk import build_insert_new
from gateway.storage.tables import identities
from gateway.storage.writes.customers.identities import IdentityRow, find_by_external_id

_insert = build_insert_new(identities, [field.name for field in fields(IdentityRow)])


def find_account(conn: Connection, issuer: str, subject: str) -> IdentityRow | None:
    """Find the account of a subject of an issuer."""
    return next(iter(find_by_external_id(conn, f"{ACCOUNT}{issuer}", [subject])), None)


def insert_account(conn: Connection, row: IdentityRow) -> None:
    """Insert an account, unless its subject has one: another request may have been first."""
    _insert.run(conn, [row])
