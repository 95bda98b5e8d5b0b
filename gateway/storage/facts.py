"""Single facts that every process shares."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.rows import insert_new
from gateway.storage.tables import facts


def secret(conn: Connection) -> str:
    """What tokens are signed by where the configuration gives no secret of its own: made up once."""
    insert_new(conn, facts, [{"name": "secret", "value": secrets.token_hex(32)}])
    return str(conn.scalar(sa.select(facts.c.value).where(facts.c.name == "secret")))
