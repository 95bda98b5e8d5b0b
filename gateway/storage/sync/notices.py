"""Notices for outgoing webhooks, each inserted in the transaction that requires it (rule N3).

A QUEUED notice is sent when it is due and its endpoint is not paused. While it is in flight, `due_at` is when any
process sends it again, under the same ID.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.notices.kinds import NoticeKind, NoticeState
from gateway.storage.sql.bulk import AnyRow, build_insert, delete_slice, dump_json, load_json, upsert_rows
from gateway.storage.tables import convert_to_microseconds, notices, webhook_endpoints

MAX_LISTED = 1_000
"""Notices that a list shows."""


@dataclass(slots=True, kw_only=True)
class NoticeRow:
    """A new row of `notices`, without generated columns."""

    id: str
    endpoint: str
    kind: str
    subject: str
    version: int
    ids: str
    state: str = NoticeState.QUEUED.value
    attempts: int = 0
    due_at: datetime
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice.

    Attributes:
        version: grows with every notice of a subject.
        ids: what the body is built of.
        attempts: how often it was sent, this time included.
        fault: why the last try failed.
    """

    id: str
    endpoint: str
    kind: NoticeKind
    version: int
    ids: Mapping[str, str]
    state: NoticeState
    attempts: int
    due_at: datetime
    fault: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointStatus:
    """The status of an endpoint that has failed since its last success.

    Attributes:
        failing_since: the first failure; None: it was paused at once.
        paused_at: since when nothing is sent; None: it is.
    """

    failing_since: datetime | None
    paused_at: datetime | None
    fault: str | None


_insert = build_insert(notices, [field.name for field in fields(NoticeRow)])
_is_queued = notices.c.state == sa.literal_column("'QUEUED'")  # literal: the index of these rows is a partial one
_paused = sa.exists().where(webhook_endpoints.c.name == notices.c.endpoint, webhook_endpoints.c.paused_at.is_not(None))
_due = (
    sa.select(notices)
    .where(
        notices.c.endpoint == sa.bindparam("endpoint"),
        _is_queued,
        notices.c.due_at <= sa.bindparam("now"),
        ~_paused,
    )
    .order_by(notices.c.due_at, notices.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(skip_locked=True, of=notices)
)
_due_times = (
    sa.select(notices.c.endpoint, sa.func.min(notices.c.due_at).label("due_at"))
    .where(_is_queued, ~_paused)
    .group_by(notices.c.endpoint)
)
_claim = (
    sa.update(notices)
    .where(notices.c.id.in_(sa.bindparam("_ids", expanding=True)))
    .values(attempts=notices.c.attempts + 1)
)
_own = sa.and_(notices.c.id == sa.bindparam("_id"), notices.c.sender == sa.bindparam("_ours"), _is_queued)


def get_next_version(conn: Connection, subject: str, now: datetime) -> int:
    """Return the next version of a subject. It begins with the time, because rows of earlier ones are deleted."""
    last = conn.scalar(sa.select(sa.func.max(notices.c.version)).where(notices.c.subject == subject)) or 0
    return max(last + 1, convert_to_microseconds(now) or 0)


def insert_notices(conn: Connection, rows: Sequence[NoticeRow]) -> None:
    """Insert notices."""
    _insert.run(conn, rows)


def find_due_times(conn: Connection) -> dict[str, datetime]:
    """Find when the next notice is due, by endpoint."""
    return {row.endpoint: row.due_at for row in conn.execute(_due_times)}


def claim_due_notices(
    conn: Connection, endpoint: str, now: datetime, until: datetime, sender: str, most: int
) -> list[Notice]:
    """Mark due notices of an endpoint as in flight by this attempt until then, and return them."""
    rows = conn.execute(_due, {"endpoint": endpoint, "now": now, "most": most}).all()
    if rows:
        values = {"_ids": [row.id for row in rows], "due_at": until, "sender": sender, "updated_at": now}
        conn.execute(_claim, values)
    return [_read_notice(row, row.attempts + 1) for row in rows]


def close_notice(
    conn: Connection, id_: str, sender: str, state: NoticeState, now: datetime, fault: str | None = None
) -> bool:
    """Close a notice. False: another attempt has taken it over, and nothing was written."""
    return _update_own(conn, id_, sender, state=state.value, fault=fault, updated_at=now)


def retry_notice(conn: Connection, id_: str, sender: str, at: datetime, now: datetime, fault: str) -> bool:
    """Queue a notice again. False: another attempt has taken it over, and nothing was written."""
    return _update_own(conn, id_, sender, due_at=at, fault=fault, updated_at=now)


def _update_own(conn: Connection, id_: str, sender: str, **values: object) -> bool:
    changed = sa.update(notices).where(_own).values(sender=None)
    return conn.execute(changed, {"_id": id_, "_ours": sender, **values}).rowcount > 0


def replay_notices(conn: Connection, ids: Collection[str] | None, now: datetime) -> list[str]:
    """Queue dead notices anew, with all their tries. None: all. Returns their ids."""
    dead = notices.c.state == NoticeState.DEAD.value
    chosen = dead if ids is None else sa.and_(dead, notices.c.id.in_(sorted(ids)))
    values = {"state": NoticeState.QUEUED.value, "attempts": 0, "sender": None, "due_at": now, "updated_at": now}
    return list(conn.scalars(sa.update(notices).where(chosen).values(values).returning(notices.c.id)))


def list_notices(conn: Connection, state: NoticeState | None = None) -> list[Notice]:
    """List notices, latest first. `state`: those in this state only."""
    statement = sa.select(notices).order_by(notices.c.id.desc()).limit(MAX_LISTED)
    if state is not None:
        statement = statement.where(notices.c.state == state.value)
    return [_read_notice(row, row.attempts) for row in conn.execute(statement)]


def find_endpoint_statuses(conn: Connection) -> dict[str, EndpointStatus]:
    """Find the endpoints that have failed since their last success, by name."""
    return {
        row.name: EndpointStatus(failing_since=row.failing_since, paused_at=row.paused_at, fault=row.fault)
        for row in conn.execute(sa.select(webhook_endpoints))
    }


def store_endpoint_status(conn: Connection, name: str, status: EndpointStatus | None) -> None:
    """Store the status of an endpoint; None: it works."""
    if status is None:
        conn.execute(sa.delete(webhook_endpoints).where(webhook_endpoints.c.name == name))
        return
    values = {"failing_since": status.failing_since, "paused_at": status.paused_at, "fault": status.fault}
    upsert_rows(conn, webhook_endpoints, [{"name": name, **values}], ["name"])


def resume_endpoint(conn: Connection, name: str, now: datetime) -> bool:
    """Send to a paused endpoint again, at once what waits. False: it is not paused."""
    paused = sa.and_(webhook_endpoints.c.name == name, webhook_endpoints.c.paused_at.is_not(None))
    if conn.execute(sa.delete(webhook_endpoints).where(paused)).rowcount == 0:
        return False
    waiting = sa.and_(notices.c.endpoint == name, _is_queued)
    conn.execute(sa.update(notices).where(waiting).values(due_at=now, updated_at=now))
    return True


def prune_notices(conn: Connection, before: datetime, most: int) -> int:
    """Delete notices in any state that have not changed since then, at most `most`, and return how many."""
    return delete_slice(conn, notices.c.id, notices.c.updated_at < before, most)


def encode_ids(ids: Mapping[str, str]) -> str:
    """Encode what the body of a notice is built of."""
    return dump_json(ids)


def _read_notice(row: AnyRow, attempts: int) -> Notice:
    return Notice(
        id=row.id,
        endpoint=row.endpoint,
        kind=NoticeKind(row.kind),
        version=row.version,
        ids=load_json(row.ids),
        state=NoticeState(row.state),
        attempts=attempts,
        due_at=row.due_at,
        fault=row.fault,
        created_at=row.created_at,
    )
