"""The outbox: wishes towards channels, each a row written in the transaction that wished it (rules L3, O1, O2).

A row that is QUEUED is sent when it is due and no earlier one of its subject is open. While it is under way, or its
outcome is not known, it is SENDING: `due_at` is when somebody else may look up what became of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.channels import Fault
from gateway.storage.channels import fault
from gateway.storage.paging import Rows, Sort
from gateway.storage.rows import Keyed, adding
from gateway.storage.tables import channels, outbox


class OutboxState(Enum):
    """Where a wish towards a channel stands. DEAD: a person has to look at it."""

    QUEUED = "QUEUED"
    SENDING = "SENDING"
    DONE = "DONE"
    DEAD = "DEAD"


@dataclass(slots=True, kw_only=True)
class OutboxRow:
    """A row of `outbox`, but for what the database gives it. `about`: what in commerce waits for the outcome."""

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
    due_at: datetime
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A wish that is to be sent, or looked up where `sent`."""

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
    """Written out in the statement, so that SQLite sees that an index of the open ones will do."""
    return table.c.state.in_(sa.bindparam("open", OPEN, expanding=True, literal_execute=True))


_earlier = outbox.alias("earlier")
_blocked = sa.exists().where(
    _earlier.c.channel == outbox.c.channel,
    _earlier.c.subject == outbox.c.subject,
    _earlier.c.id < outbox.c.id,
    _is_open(_earlier),
)
_paused = sa.exists().where(channels.c.key == sa.bindparam("channel"), channels.c.paused)
_waiting = sa.and_(
    outbox.c.channel == sa.bindparam("channel"), _is_open(outbox), outbox.c.due_at <= sa.bindparam("now")
)
_due = (
    sa.select(outbox)
    .where(_waiting, ~_blocked, ~_paused)
    .order_by(outbox.c.lane, outbox.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(skip_locked=True, of=outbox)
)
_due_among = _due.where(outbox.c.key.in_(sa.bindparam("keys", expanding=True)))
_is_due = sa.select(outbox.c.id).where(_waiting).limit(1)
_begin = (
    sa.update(outbox)
    .where(outbox.c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(state=OutboxState.SENDING.value, attempts=outbox.c.attempts + 1)
)
_mine = sa.update(outbox).where(
    outbox.c.id == sa.bindparam("_id"),
    outbox.c.sender == sa.bindparam("_ours"),
    outbox.c.state == OutboxState.SENDING.value,
)
_add = adding(outbox, [field.name for field in fields(OutboxRow)])
_by_key = Keyed(sa.select(outbox), outbox.c.key)


def add(conn: Connection, rows: Sequence[OutboxRow]) -> None:
    """Wish for these; one whose key is known already changes nothing."""
    _add.run(conn, rows)


def due(conn: Connection, channel: str, now: datetime, most: int, keys: Collection[str] | None = None) -> list[Entry]:
    """What can be sent or looked up now, locked; nobody waits for those that somebody else has locked.

    Of each subject the earliest that is open, and nothing where an earlier one is under way; of a channel that is
    paused nothing at all.
    """
    values: dict[str, object] = {"channel": channel, "now": now, "most": most}
    if keys is None:
        return [_entry(row) for row in conn.execute(_due, values)]
    return [_entry(row) for row in conn.execute(_due_among, values | {"keys": list(keys)})]


def is_due(conn: Connection, channel: str, now: datetime) -> bool:
    """Whether something may be due: nothing is locked to find that out."""
    return conn.execute(_is_due, {"channel": channel, "now": now}).first() is not None


def send(
    conn: Connection, ids: Collection[int], sender: str, until: datetime, now: datetime, not_after: datetime | None
) -> None:
    """These are under way from now on, by this attempt; after `until` somebody else may look what became of them.

    Args:
        not_after: until when the channel may take them; None: they are looked up.
    """
    if ids:
        sending = {} if not_after is None else {"not_after": not_after, "sent": True}
        under_way = {"sender": sender, "due_at": until, "updated_at": now, **sending}
        conn.execute(_begin, under_way | {"ids": sorted(ids)})


def close(conn: Connection, entry: Entry, sender: str, state: OutboxState, now: datetime, found: Fault | None) -> bool:
    """It is over. False: another attempt has taken it over, and nothing was written."""
    return _set(conn, entry, sender, now, found, state=state.value, sender=None)


def again(conn: Connection, entry: Entry, sender: str, at: datetime, now: datetime, found: Fault | None) -> bool:
    """Certainly nothing has happened: it is sent again then."""
    return _set(conn, entry, sender, now, found, state=OutboxState.QUEUED.value, sender=None, sent=False, due_at=at)


def unknown(
    conn: Connection, entry: Entry, sender: str, at: datetime, now: datetime, found: Fault | None, ticket: str | None
) -> bool:
    """It may have been done, or will be: it is looked up then."""
    return _set(conn, entry, sender, now, found, sender=None, due_at=at, ticket=ticket)


def _set(conn: Connection, entry: Entry, ours: str, now: datetime, found: Fault | None, **values: object) -> bool:
    told = {
        "fault_code": None if found is None else found.code.value,
        "fault_message": None if found is None else found.message,
        "fault_retryable": None if found is None else found.retryable,
        "fault_at": None if found is None else found.occurred_at,
    }
    return conn.execute(_mine, {"_id": entry.id, "_ours": ours, **values, **told, "updated_at": now}).rowcount > 0


def withdraw(conn: Connection, keys: Collection[str], now: datetime) -> set[str]:
    """Have these never be sent, as far as they were not; which ones that holds for."""
    unsent = sa.and_(
        outbox.c.key.in_(sorted(keys)),
        outbox.c.state == OutboxState.QUEUED.value,
        ~outbox.c.sent,
        outbox.c.attempts == 0,
    )
    closed = sa.update(outbox).where(unsent).values(state=OutboxState.DONE.value, updated_at=now)
    return set(conn.scalars(closed.returning(outbox.c.key)))


def is_waiting(conn: Connection, channel: str, about: str) -> bool:
    """Whether a channel is still to be told something that this waits for."""
    waiting = sa.and_(outbox.c.channel == channel, outbox.c.about == about, _is_open(outbox))
    return conn.execute(sa.select(outbox.c.key).where(waiting).limit(1)).first() is not None


def conclude(conn: Connection, key: str, now: datetime) -> None:
    """It has been carried out: that was seen elsewhere, whatever its own answer is."""
    waiting = sa.and_(outbox.c.key == key, outbox.c.state != OutboxState.DONE.value)
    conn.execute(sa.update(outbox).where(waiting).values(state=OutboxState.DONE.value, sender=None, updated_at=now))


def by_keys(conn: Connection, keys: Collection[str]) -> dict[str, Entry]:
    """These, by key."""
    return {row.key: _entry(row) for row in _by_key.all(conn, keys)}


def replay(conn: Connection, key: str, now: datetime) -> bool:
    """Have a dead one be tried again; False: it is not dead. One that may have had an effect is looked up first."""
    dead = sa.and_(outbox.c.key == key, outbox.c.state == OutboxState.DEAD.value)
    state = sa.case((outbox.c.sent, OutboxState.SENDING.value), else_=OutboxState.QUEUED.value)
    return conn.execute(sa.update(outbox).where(dead).values(state=state, due_at=now, updated_at=now)).rowcount > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """A wish towards a channel, as operators see it: what it is about, and nothing of what it says."""

    id: str
    channel_key: str
    operation: str
    subject: str
    state: OutboxState
    attempts: int
    next_attempt_at: datetime | None
    fault: Fault | None
    created_at: datetime


def entries(states: Sequence[str] | None) -> Rows[OutboxEntry]:
    """Wishes, the latest first."""
    statement = sa.select(outbox)
    if states is not None:
        statement = statement.where(outbox.c.state.in_(states))
    return Rows(statement, Sort(outbox.c.created_at, outbox.c.key, descending=True), _shown)


def entries_by_key(conn: Connection, keys: Sequence[str]) -> Mapping[str, OutboxEntry]:
    """Wishes, by key."""
    return {row.key: _shown(row) for row in _by_key.all(conn, keys)}


def _shown(row: sa.Row[tuple[object, ...]]) -> OutboxEntry:
    return OutboxEntry(
        id=row.key,
        channel_key=row.channel,
        operation=row.operation,
        subject=row.subject,
        state=OutboxState(row.state),
        attempts=row.attempts,
        next_attempt_at=row.due_at if row.state in OPEN else None,
        fault=fault(row),
        created_at=row.created_at,
    )


def pending(conn: Connection, channel: str) -> int:
    """How many wishes the channel has not been told yet, or has not answered."""
    waiting = sa.and_(outbox.c.channel == channel, _is_open(outbox))
    return conn.scalar(sa.select(sa.func.count()).select_from(outbox).where(waiting)) or 0


def prune(conn: Connection, before: datetime) -> None:
    """Forget what was done long ago: payloads hold personal data (rule V1)."""
    old = sa.and_(outbox.c.state == OutboxState.DONE.value, outbox.c.updated_at < before)
    conn.execute(sa.delete(outbox).where(old))


def _entry(row: sa.Row[tuple[object, ...]]) -> Entry:
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
