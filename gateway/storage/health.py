"""How channels fare, as sync finds out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import Fault
from gateway.storage.rows import insert_new
from gateway.storage.tables import channels, facts


def ensure(conn: Connection, keys: Collection[str]) -> None:
    """Make rows for channels that are new."""
    insert_new(conn, channels, [{"key": key, "paused": False, "failures": 0} for key in sorted(keys)])


def succeeded(conn: Connection, key: str, now: datetime) -> None:
    """A call of this channel went well."""
    conn.execute(
        sa.update(channels).where(channels.c.key == key).values(last_success_at=now, failures=0, retry_at=None)
    )


def failed(conn: Connection, key: str, fault: Fault, retry_at: datetime | None) -> None:
    """A call of this channel failed."""
    conn.execute(
        sa.update(channels)
        .where(channels.c.key == key)
        .values(
            fault_code=fault.code.value,
            fault_message=fault.message,
            fault_retryable=fault.retryable,
            fault_at=fault.occurred_at,
            failures=channels.c.failures + 1,
            retry_at=retry_at,
        )
    )


def synced(conn: Connection, key: str, now: datetime) -> None:
    """The channel's first sync is through."""
    never = channels.c.first_synced_at.is_(None)
    conn.execute(sa.update(channels).where(channels.c.key == key, never).values(first_synced_at=now))


def unsynced(conn: Connection, keys: Collection[str]) -> set[str]:
    """Those of these channels whose first sync is not through."""
    rows = conn.scalars(sa.select(channels.c.key).where(channels.c.first_synced_at.is_not(None)))
    return set(keys) - set(rows)


def paused(conn: Connection, key: str) -> bool:
    """Whether a person has paused the channel."""
    return bool(conn.scalar(sa.select(channels.c.paused).where(channels.c.key == key)))


def ready_at(conn: Connection) -> str | None:
    """Since when the gateway is ready (rule S10)."""
    return conn.scalar(sa.select(facts.c.value).where(facts.c.name == "ready_at"))


def set_ready(conn: Connection, now: datetime) -> None:
    """The first sync of every required channel is through."""
    insert_new(conn, facts, [{"name": "ready_at", "value": now.isoformat()}])
