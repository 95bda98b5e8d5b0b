"""The webhook inbox: verified deliveries, stored before they are acknowledged (rule S2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.sql.bulk import delete_slice, dump_json, load_json
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.tables import inbox


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A delivery that is not yet processed."""

    id: int
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


def store_delivery(
    conn: Connection, channel: str, delivery_id: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> bool:
    """Store a delivery; False: it was already stored."""
    insert = sqlite.insert(inbox) if is_sqlite(conn) else postgresql.insert(inbox)
    row = {"channel": channel, "delivery_id": delivery_id, "headers": dump_json(dict(headers)), "body": body}
    return conn.execute(insert.values(received_at=now, **row).on_conflict_do_nothing()).rowcount == 1


def list_waiting(conn: Connection, channel: str, limit: int) -> list[StoredDelivery]:
    """List deliveries that are not yet processed, oldest first."""
    condition = sa.and_(inbox.c.channel == channel, inbox.c.processed_at.is_(None))
    rows = conn.execute(sa.select(inbox).where(condition).order_by(inbox.c.id).limit(limit))
    return [StoredDelivery(row.id, load_json(row.headers), row.body, row.received_at) for row in rows]


def has_waiting(conn: Connection, channel: str) -> bool:
    """Return whether `list_waiting` would return any."""
    return bool(_first_waiting.fetch(conn, {"of_channel": channel}))


_first_waiting = DriverSelect(
    sa.select(inbox.c.id).where(inbox.c.channel == sa.bindparam("of_channel"), inbox.c.processed_at.is_(None)).limit(1)
)


def mark_processed(conn: Connection, id_: int, now: datetime, problem: str | None = None) -> None:
    """Mark a delivery as processed. `problem`: why it had no effect, if it had none."""
    conn.execute(sa.update(inbox).where(inbox.c.id == id_).values(processed_at=now, problem=problem))


def prune_deliveries(conn: Connection, before: datetime, most: int) -> int:
    """Delete deliveries that were processed before then, at most `most`, and return how many (rule V1)."""
    return delete_slice(conn, inbox.c.id, inbox.c.processed_at < before, most)
