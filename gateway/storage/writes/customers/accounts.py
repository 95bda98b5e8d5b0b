"""Accounts: identities that issuers of logins know (rule C8). Each issuer is a channel of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import insert_new_rows
from gateway.storage.tables import customers, identities

ACCOUNT_CHANNEL = "account:"
"""Prefix of the channel of accounts; the key of the issuer follows."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account. `erased_at`: when the data of its subject was erased last; None: never."""

    id: str
    erased_at: datetime | None


_accounts = sa.select(identities.c.id, identities.c.erased_at)


def find_account(conn: Connection, issuer: str, subject: str) -> Account | None:
    """Find the account of a subject of an issuer."""
    is_it = sa.and_(identities.c.channel == f"{ACCOUNT_CHANNEL}{issuer}", identities.c.external_id == subject)
    row = conn.execute(_accounts.where(is_it)).first()
    return None if row is None else Account(row.id, row.erased_at)


def find_account_by_id(conn: Connection, id_: str) -> Account | None:
    """Find an account by the id of its identity."""
    row = conn.execute(_accounts.where(identities.c.id == id_)).first()
    return None if row is None else Account(row.id, row.erased_at)


def insert_account(conn: Connection, identity: dict[str, object], customer: dict[str, object]) -> bool:
    """Insert an account with its customer. Returns whether the subject had none: another request may be first."""
    insert_new_rows(conn, identities, [identity])
    if conn.scalar(sa.select(identities.c.id).where(identities.c.id == identity["id"])) is None:
        return False
    insert_new_rows(conn, customers, [customer])
    return True
