"""Pending work: what waits in the background, of all channels at once, so that an idle process asks little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import AnyRow
from gateway.storage.tables import Instant, Text, passes

_CHANNELS = sa.text(
    """
    SELECT c.key,
      EXISTS (SELECT 1 FROM inbox i WHERE i.channel = c.key AND i.processed_at IS NULL) AS has_deliveries,
      EXISTS (SELECT 1 FROM sources s WHERE s.channel = c.key AND s.dirty_at IS NOT NULL) AS has_hints,
      EXISTS (SELECT 1 FROM orders o WHERE o.channel = c.key AND o.unplaced) AS has_unplaced,
      EXISTS (
        SELECT 1 FROM pushes p WHERE p.channel = c.key AND p.dirty AND p.command IS NULL
          AND (p.due_at IS NULL OR p.due_at <= :now)
      ) AS has_pushes,
      (
        SELECT min(b.due_at) FROM outbox b
        WHERE b.channel = c.key AND b.state IN ('QUEUED', 'SENDING') AND b.held_by IS NULL
      ) AS command_at,
      (SELECT min(r.ask_at) FROM reservations r WHERE r.channel = c.key AND r.ask_at IS NOT NULL) AS proof_at,
      (SELECT min(p.accepted_at) FROM pushes p WHERE p.channel = c.key AND p.sent IS NOT NULL) AS accepted_at
    FROM channels c WHERE NOT c.paused
    """
).columns(
    sa.column("key", Text),
    sa.column("has_deliveries", sa.Boolean),
    sa.column("has_hints", sa.Boolean),
    sa.column("has_unplaced", sa.Boolean),
    sa.column("has_pushes", sa.Boolean),
    sa.column("command_at", Instant),
    sa.column("proof_at", Instant),
    sa.column("accepted_at", Instant),
)
_SHARED = sa.text(
    """
    SELECT
      (SELECT h.pos FROM log_head h) > coalesce((SELECT l.pos FROM log_readers l WHERE l.name = :reader), -1)
        AS has_changes,
      (SELECT min(r.expires_at) FROM reservations r WHERE r.state = 'HELD') AS hold_at,
      (SELECT min(c.expires_at) FROM carts c WHERE c.status = 'ACTIVE') AS cart_at,
      EXISTS (
        SELECT 1 FROM orders o WHERE o.pay_by <= :now AND o.status IN ('PENDING', 'OPEN') AND NOT EXISTS (
          SELECT 1 FROM order_tasks t WHERE t.order_id = o.id AND t.kind = 'PAYMENT_OVERDUE'
        )
      ) AS has_unpaid,
      (SELECT min(o.pay_by) FROM orders o WHERE o.pay_by > :now) AS unpaid_at,
      EXISTS (SELECT 1 FROM identities i WHERE i.pending_since IS NOT NULL) AS has_pending_identities
    """
).columns(
    sa.column("has_changes", sa.Boolean),
    sa.column("hold_at", Instant),
    sa.column("cart_at", Instant),
    sa.column("has_unpaid", sa.Boolean),
    sa.column("unpaid_at", Instant),
    sa.column("has_pending_identities", sa.Boolean),
)
_now = sa.bindparam("now", type_=Instant)
_channels, _shared = _CHANNELS.bindparams(_now), _SHARED.bindparams(_now)
_passes = sa.select(passes.c.channel, passes.c.feed, passes.c.kind, passes.c.due_at)


@dataclass(frozen=True, slots=True)
class PassTime:
    """When a pass of a feed is due."""

    feed: str
    kind: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class ChannelWork:
    """The work that waits in one channel, which is not paused.

    Attributes:
        has_deliveries: webhook deliveries wait to be processed; `has_hints`: records wait to be read again.
        has_unplaced: sales wait until their stock source is known.
        has_pushes: quantities wait to be planned.
        command_at: when the next command is sent or looked up; `proof_at`: when a count is read again.
        accepted_at: when the channel accepted the oldest quantity that it does not show yet.
    """

    has_deliveries: bool
    has_hints: bool
    has_unplaced: bool
    has_pushes: bool
    command_at: datetime | None
    proof_at: datetime | None
    accepted_at: datetime | None
    passes: Sequence[PassTime]


@dataclass(frozen=True, slots=True)
class PendingWork:
    """The work that waits.

    Attributes:
        has_changes: the change log has entries that its handlers have not read.
        expires_at: when the next hold, cart or unpaid order expires; in the past: now.
        has_identities: identities wait to be recognized.
    """

    channels: Mapping[str, ChannelWork]
    has_changes: bool
    expires_at: datetime | None
    has_identities: bool


def load_pending_work(conn: Connection, reader: str, now: datetime) -> PendingWork:
    """Load the work that waits. `reader`: the reader of the change log."""
    times = _load_passes(conn)
    rows = conn.execute(_channels, {"now": now}).all()
    shared = conn.execute(_shared, {"now": now, "reader": reader}).one()
    instants = [shared.hold_at, shared.cart_at, now if shared.has_unpaid else shared.unpaid_at]
    return PendingWork(
        channels={row.key: _read_work(row, times.get(row.key, ())) for row in rows},
        has_changes=shared.has_changes,
        expires_at=min((instant for instant in instants if instant is not None), default=None),
        has_identities=shared.has_pending_identities,
    )


def _read_work(row: AnyRow, times: Sequence[PassTime]) -> ChannelWork:
    return ChannelWork(
        has_deliveries=row.has_deliveries,
        has_hints=row.has_hints,
        has_unplaced=row.has_unplaced,
        has_pushes=row.has_pushes,
        command_at=row.command_at,
        proof_at=row.proof_at,
        accepted_at=row.accepted_at,
        passes=times,
    )


def _load_passes(conn: Connection) -> Mapping[str, Sequence[PassTime]]:
    times: dict[str, list[PassTime]] = {}
    for row in conn.execute(_passes):
        times.setdefault(row.channel, []).append(PassTime(row.feed, row.kind, row.due_at))
    return times
