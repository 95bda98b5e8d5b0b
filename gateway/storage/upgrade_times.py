"""When this database got what earlier versions lacked, for what they wrote and clients still hold."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.tables import EPOCH, facts

CURSORS_SEALED = "cursors_sealed_at"


def find_upgrade_time(conn: Connection, name: str) -> datetime | None:
    """Find when the database was upgraded; None: it never was an earlier version's."""
    value = conn.scalar(sa.select(facts.c.value).where(facts.c.name == name))
    return None if value is None else EPOCH + timedelta(microseconds=int(value))
