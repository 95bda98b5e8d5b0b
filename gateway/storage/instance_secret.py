"""The instance secret, which all processes share: it signs tokens if the configuration has no secret."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import insert_new_rows
from gateway.storage.tables import facts

_NAME = "secret"


def get_secret(conn: Connection) -> str:
    """Return the secret; it is generated once."""
    insert_new_rows(conn, facts, [{"name": _NAME, "value": generate_secret()}])
    return find_secret(conn) or ""


def find_secret(conn: Connection) -> str | None:
    """Return the secret, or None if none was generated."""
    value = conn.scalar(sa.select(facts.c.value).where(facts.c.name == _NAME))
    return None if value is None else str(value)


def delete_secret(conn: Connection) -> bool:
    """Delete the secret: what it signed becomes invalid. Returns whether there was one."""
    return conn.execute(sa.delete(facts).where(facts.c.name == _NAME)).rowcount > 0


def generate_secret() -> str:
    """Generate a secret of 256 bits."""
    return secrets.token_hex(32)
