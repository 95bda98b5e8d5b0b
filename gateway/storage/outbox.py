"""The outbox: commands for channels, each inserted in the transaction that requires it (rules L3, O1, O2).

A QUEUED entry is sent when it is due, not held, and no earlier entry of its subject is open. An entry that is held
waits for the payment of an order, blocks no other, and is queued anew when it is released. While an entry is in
flight, or its result is unknown, it is SENDING; `due_at` is when any process may look up its result.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import Fault
from gateway.storage.reads.channel_status import read_fault
from gateway.storage.sql.bulk import BulkSelect, build_insert_new, delete_slice
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.sql.keyset import Rows, Sort
from gateway.storage.tables import channels, outbox


class OutboxState(Enum):
    """The state of an outbox entry. DEAD: an operator has to resolve it."""

    QUEUED = "QUEUED"
    SENDING = "SENDING"
    DONE = "DONE"
    DEAD = "DEAD"


@dataclass(slots=True, kw_only=True)
class OutboxRow:
    """A new row of `outbox`, without generated columns.

    `about`: the entity in commerce that waits for the result; `held_by`: the order whose payment the entry waits for.
    """

    key: str
    channel: str
    operation: str
    subject: str
    payload: str
    about: str
    lane: int = 0
    state: str = OutboxState.QUEUED.value
    sent: bool = False
    attempts: int = 0
    held_by: str | None = None
    due_at: datetime
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry to send or, if `sent`, to look up."""

    id: int
    key: str
    channel: str
    operation: str
    subject: str
    payload: str
    about: str
    state: OutboxState
    sent: bool
    attempts: int
    due_at: datetime
    not_after: datetime | None
    ticket: str | None
    created_at: datetime


OPEN = (OutboxState.QUEUED.value, OutboxState.SENDING.value)


def _is_open(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """Build a condition with literal states, so that SQLite uses the partial index of open entries."""
    return table.c.state.in_(sa.bindparam("open", OPEN, expanding=True, literal_execute=True))


_earlier = outbox.alias("earlier")
_blocked = sa.exists().where(
    _earlier.c.channel == outbox.c.channel,
    _earlier.c.subject == outbox.c.subject,
    _earlier.c.id < outbox.c.id,
    _earlier.c.held_by.is_(None),
    _is_open(_earlier),
)
_paused = sa.exists().where(channels.c.key == sa.bindparam("channel"), channels.c.paused)
_due_condition = sa.and_(
    outbox.c.channel == sa.bindparam("channel"),
    _is_open(outbox),
    outbox.c.due_at <= sa.bindparam("now"),
    outbox.c.held_by.is_(None),
)
_due_select = (
    sa.select(outbox)
    .where(_due_condition, ~_blocked, ~_paused)
    .order_by(outbox.c.lane, outbox.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(skip_locked=True, of=outbox)
)
_due = DriverSelect(_due_select)
_due_among = DriverSelect(_due_select.where(outbox.c.key.in_(sa.bindparam("keys", expanding=True))))
_is_due = DriverSelect(sa.select(outbox.c.id).where(_due_condition).limit(1))
_sending_update = (
    sa.update(outbox)
    .where(outbox.c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(state=OutboxState.SENDING.value, attempts=outbox.c.attempts + 1)
)
_own_update = sa.update(outbox).where(
    outbox.c.id == sa.bindparam("_id"),
    outbox.c.sender == sa.bindparam("_ours"),
    outbox.c.state == OutboxState.SENDING.value,
)
_insert = build_insert_new(outbox, [field.name for field in fields(OutboxRow)])
_by_key = BulkSelect(sa.select(outbox), outbox.c.key)
_row_columns = tuple(outbox.c[field.name] for field in fields(OutboxRow))
_held_by_key = BulkSelect(sa.select(outbox.c.key).where(outbox.c.held_by.is_not(None)), outbox.c.key)


def insert_entries(conn: Connection, rows: Sequence[OutboxRow]) -> None:
    """Insert entries; those with an existing key are skipped."""
    _insert.run(conn, rows)


def lock_due_entries(
    conn: Connection, channel: str, now: datetime, most: int, keys: Collection[str] | None = None
) -> list[Entry]:
    """Return the entries that can be sent or looked up now, locked; entries locked by others are skipped.

    Of each subject only the earliest open entry is returned, and none if an earlier one is in flight; of a paused
    channel none at all.
    """
    values: dict[str, object] = {"channel": channel, "now": now, "most": most}
    if keys is None:
        return [_read_entry(row) for row in _due.fetch(conn, values)]
    return [_read_entry(row) for row in _due_among.fetch(conn, values | {"keys": list(keys)})]


def has_due_entries(conn: Connection, channel: str, now: datetime) -> bool:
    """Return whether an entry may be due, without locking any."""
    return bool(_is_due.fetch(conn, {"channel": channel, "now": now}))


def mark_sending(
    conn: Connection, ids: Collection[int], sender: str, until: datetime, now: datetime, not_after: datetime | None
) -> None:
    """Mark entries as in flight by this attempt; after `until` any process may look up their result.

    Args:
        not_after: the latest time at which the channel may accept them; None: they are looked up.
    """
    if ids:
        sent_values = {} if not_after is None else {"not_after": not_after, "sent": True}
        values = {"sender": sender, "due_at": until, "updated_at": now, **sent_values}
        conn.execute(_sending_update, values | {"ids": sorted(ids)})


def close_entry(
    conn: Connection, entry: Entry, sender: str, state: OutboxState, now: datetime, fault: Fault | None
) -> bool:
    """Close an entry with this state. False: another attempt has taken it over, and nothing was written."""
    return _update_entry(conn, entry, sender, now, fault, state=state.value, sender=None)


def retry_entry(conn: Connection, entry: Entry, sender: str, at: datetime, now: datetime, fault: Fault | None) -> bool:
    """Queue an entry again for `at`, because it certainly had no effect."""
    return _update_entry(
        conn, entry, sender, now, fault, state=OutboxState.QUEUED.value, sender=None, sent=False, due_at=at
    )


def mark_unknown(
    conn: Connection, entry: Entry, sender: str, at: datetime, now: datetime, fault: Fault | None, ticket: str | None
) -> bool:
    """Schedule a lookup for `at`, because the entry may have had an effect or may still have one."""
    return _update_entry(conn, entry, sender, now, fault, sender=None, due_at=at, ticket=ticket)


def _update_entry(
    conn: Connection, entry: Entry, attempt: str, now: datetime, fault: Fault | None, **values: object
) -> bool:
    fault_values = {
        "fault_code": None if fault is None else fault.code.value,
        "fault_message": None if fault is None else fault.message,
        "fault_retryable": None if fault is None else fault.retryable,
        "fault_at": None if fault is None else fault.occurred_at,
    }
    return (
        conn.execute(
            _own_update, {"_id": entry.id, "_ours": attempt, **values, **fault_values, "updated_at": now}
        ).rowcount
        > 0
    )


def withdraw_entries(conn: Connection, keys: Collection[str], now: datetime) -> set[str]:
    """Close those of these entries that were never sent, and return their keys."""
    unsent = sa.and_(
        outbox.c.key.in_(sorted(keys)),
        outbox.c.state == OutboxState.QUEUED.value,
        ~outbox.c.sent,
        outbox.c.attempts == 0,
    )
    closed = sa.update(outbox).where(unsent).values(state=OutboxState.DONE.value, held_by=None, updated_at=now)
    return set(conn.scalars(closed.returning(outbox.c.key)))


def take_held_entries(conn: Connection, holder: str) -> list[OutboxRow]:
    """Remove the entries that wait for this order's payment, and return them in order, to be queued anew."""
    taken = sa.delete(outbox).where(outbox.c.held_by == holder).returning(*_row_columns, outbox.c.id)
    rows = sorted(conn.execute(taken), key=lambda row: row.id)  # RETURNING has no order
    return [OutboxRow(**{field.name: getattr(row, field.name) for field in fields(OutboxRow)}) for row in rows]


def find_held_keys(conn: Connection, keys: Collection[str]) -> set[str]:
    """Return those of these keys whose entries wait for a payment: the channel has not received them."""
    return {row.key for row in _held_by_key.select(conn, keys)}


def has_pending_entry(conn: Connection, channel: str, about: str) -> bool:
    """Return whether an open entry for this channel concerns this entity."""
    waiting = sa.and_(outbox.c.channel == channel, outbox.c.about == about, _is_open(outbox))
    return conn.execute(sa.select(outbox.c.key).where(waiting).limit(1)).first() is not None


def mark_done(conn: Connection, key: str, now: datetime) -> None:
    """Close an entry as done, because its effect was observed elsewhere, whatever its own result is."""
    waiting = sa.and_(outbox.c.key == key, outbox.c.state != OutboxState.DONE.value)
    conn.execute(sa.update(outbox).where(waiting).values(state=OutboxState.DONE.value, sender=None, updated_at=now))


def find_entries(conn: Connection, keys: Collection[str]) -> dict[str, Entry]:
    """Find entries, by key."""
    return {row.key: _read_entry(row) for row in _by_key.select(conn, keys)}


def replay_entry(conn: Connection, key: str, now: datetime) -> bool:
    """Retry a dead entry; False: it is not dead. An entry that may have had an effect is looked up first."""
    dead = sa.and_(outbox.c.key == key, outbox.c.state == OutboxState.DEAD.value)
    state = sa.case((outbox.c.sent, OutboxState.SENDING.value), else_=OutboxState.QUEUED.value)
    return conn.execute(sa.update(outbox).where(dead).values(state=state, due_at=now, updated_at=now)).rowcount > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """An outbox entry as shown to operators, without its payload."""

    id: str
    channel_key: str
    operation: str
    subject: str
    state: OutboxState
    attempts: int
    next_attempt_at: datetime | None
    fault: Fault | None
    created_at: datetime


def list_entries(states: Sequence[str] | None, channels: Sequence[str] | None = None) -> Rows[OutboxEntry]:
    """List entries in any of these states, of any of these channels, latest first. None: all."""
    statement = sa.select(outbox)
    if channels is not None:
        statement = statement.where(outbox.c.channel.in_(channels))
    if states is not None:
        statement = statement.where(outbox.c.state.in_(states))
    return Rows(statement, Sort(outbox.c.created_at, outbox.c.key, descending=True), _read_shown_entry)


def find_shown_entries(conn: Connection, keys: Sequence[str]) -> Mapping[str, OutboxEntry]:
    """Find entries as shown to operators, by key."""
    return {row.key: _read_shown_entry(row) for row in _by_key.select(conn, keys)}


def _read_shown_entry(row: sa.Row[tuple[object, ...]]) -> OutboxEntry:
    return OutboxEntry(
        id=row.key,
        channel_key=row.channel,
        operation=row.operation,
        subject=row.subject,
        state=OutboxState(row.state),
        attempts=row.attempts,
        next_attempt_at=row.due_at if row.state in OPEN and row.held_by is None else None,
        fault=read_fault(row),
        created_at=row.created_at,
    )


def count_pending(conn: Connection, channel: str) -> int:
    """Count a channel's entries that are to be sent or have no result yet."""
    waiting = sa.and_(outbox.c.channel == channel, _is_open(outbox), outbox.c.held_by.is_(None))
    return conn.scalar(sa.select(sa.func.count()).select_from(outbox).where(waiting)) or 0


def prune_entries(conn: Connection, before: datetime, most: int) -> int:
    """Delete entries that were done before then, at most `most`, and return how many: payloads contain personal data
    (rule V1).
    """
    is_done = outbox.c.state == sa.literal_column("'DONE'")  # literal: the index of these entries is a partial one
    return delete_slice(conn, outbox.c.id, sa.and_(is_done, outbox.c.updated_at < before), most)


def mark_possibly_sent(conn: Connection) -> int:
    """Mark all open entries as possibly sent, and return how many: each is looked up before it is sent.

    After a restore: what an older state of the database calls unsent may have been sent since.
    """
    statement = sa.update(outbox).where(_is_open(outbox), ~outbox.c.sent)
    return conn.execute(statement.values(sent=True)).rowcount


def _read_entry(row: sa.Row[tuple[object, ...]]) -> Entry:
    return Entry(
        id=row.id,
        key=row.key,
        channel=row.channel,
        operation=row.operation,
        subject=row.subject,
        payload=row.payload,
        about=row.about,
        state=OutboxState(row.state),
        sent=row.sent,
        attempts=row.attempts,
        due_at=row.due_at,
        not_after=row.not_after,
        ticket=row.ticket,
        created_at=row.created_at,
    )
