"""The health of channels, as recorded by sync."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import Fault
from gateway.storage.sql.bulk import insert_new_rows
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.tables import channels, facts


def insert_channels(conn: Connection, keys: Collection[str]) -> None:
    """Insert rows for new channels."""
    insert_new_rows(conn, channels, [{"key": key, "paused": False, "failures": 0} for key in sorted(keys)])


def lock_channels(conn: Connection, keys: Collection[str], *, shared: bool = False) -> None:
    """Lock the rows of channels until the end of the transaction: a process that starts is seen by the one that forgets
    a channel, or waits for it.
    """
    rows = sa.select(channels.c.key).where(channels.c.key.in_(sorted(keys))).order_by(channels.c.key)
    conn.execute(rows.with_for_update(read=shared)).all()


def find_keys(conn: Connection) -> frozenset[str]:
    """Find the keys of all channels that are, or were, configured."""
    return frozenset(conn.scalars(sa.select(channels.c.key)))


def record_success(conn: Connection, key: str, now: datetime) -> None:
    """Record a successful call of this channel."""
    conn.execute(
        sa.update(channels).where(channels.c.key == key).values(last_success_at=now, failures=0, retry_at=None)
    )


def record_failure(conn: Connection, key: str, fault: Fault, retry_at: datetime | None) -> None:
    """Record a failed call of this channel."""
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


def mark_synced(conn: Connection, key: str, now: datetime) -> None:
    """Record that the channel's first sync is complete."""
    never = channels.c.first_synced_at.is_(None)
    conn.execute(sa.update(channels).where(channels.c.key == key, never).values(first_synced_at=now))


def find_unsynced(conn: Connection, keys: Collection[str]) -> set[str]:
    """Return those of these channels whose first sync is not complete."""
    rows = conn.scalars(sa.select(channels.c.key).where(channels.c.first_synced_at.is_not(None)))
    return set(keys) - set(rows)


def is_paused(conn: Connection, key: str) -> bool:
    """Return whether an operator has paused the channel."""
    return any(row.paused for row in _paused.fetch(conn, {"of_channel": key}))


_paused = DriverSelect(sa.select(channels.c.paused).where(channels.c.key == sa.bindparam("of_channel")))


def get_ready_at(conn: Connection) -> str | None:
    """Return since when the gateway is ready (rule S10)."""
    return conn.scalar(sa.select(facts.c.value).where(facts.c.name == "ready_at"))


def set_ready(conn: Connection, now: datetime) -> None:
    """Record that the first sync of every required channel is complete."""
    insert_new_rows(conn, facts, [{"name": "ready_at", "value": now.isoformat()}])
