"""Reads of what logins prove: the records of a customer that the customer may see (rule C7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.keyset import is_among
from gateway.storage.tables import customers, identities

_proved_id = sa.func.coalesce(identities.c.proved_id, identities.c.home, identities.c.customer_id)


def find_proved_ids(conn: Connection, identity_ids: Sequence[str]) -> Mapping[str, str]:
    """Find the id of the customer as the owner of each identity sees it."""
    is_asked = is_among(conn, identities.c.id, identity_ids)
    statement = sa.select(identities.c.id, _proved_id.label("proved")).where(is_asked)
    return {row.id: row.proved for row in conn.execute(statement)}


def find_proved_ids_of_homes(conn: Connection, homes: Sequence[str]) -> Mapping[str, str]:
    """Find the id of the customer as its owner sees it, by any id that was ever given to one of its identities."""
    statement = sa.select(identities.c.home, _proved_id.label("proved")).where(is_among(conn, identities.c.home, homes))
    return {row.home: row.proved for row in conn.execute(statement)}


def find_homes(conn: Connection, identity_ids: Sequence[str]) -> Mapping[str, str]:
    """Find the customer ids that were minted with these identities."""
    is_asked = is_among(conn, identities.c.id, identity_ids)
    home = sa.func.coalesce(identities.c.home, identities.c.customer_id).label("home")
    return {row.id: row.home for row in conn.execute(sa.select(identities.c.id, home).where(is_asked))}


def find_erase(conn: Connection, identity_id: str) -> datetime | None:
    """Find when the data of an identity was erased; None: never."""
    return conn.scalar(sa.select(identities.c.erased_at).where(identities.c.id == identity_id))


def find_versions(conn: Connection, customer_ids: Sequence[str]) -> Mapping[str, int]:
    """Find the versions of customers."""
    statement = sa.select(customers.c.id, customers.c.version).where(is_among(conn, customers.c.id, customer_ids))
    return {row.id: row.version for row in conn.execute(statement)}
