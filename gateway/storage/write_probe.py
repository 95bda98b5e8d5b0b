"""Write probe: a value that is stored only to prove that the database can be written."""

from __future__ import annotations

import secrets

from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import upsert_rows
from gateway.storage.tables import facts

_NAME = "write_probe"


def store_probe(conn: Connection) -> None:
    """Store another value than the last one: SQLite writes nothing if a value is the same."""
    upsert_rows(conn, facts, [{"name": _NAME, "value": secrets.token_hex(8)}], ["name"])
