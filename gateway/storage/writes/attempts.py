"""Failed attempts to guess something, counted for all processes. The oldest counts go first (rule U6)."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from gateway.storage.database import is_sqlite
from gateway.storage.tables import attempts

MAX_ROWS = 100_000
"""Counts that are kept. Each takes about 100 bytes."""

MAX_WINDOW = timedelta(hours=1)
"""The longest window of a limit. Older counts are deleted."""

PRUNED_SHARE = 256
"""One in so many subjects makes room when it is counted first."""

_log = logging.getLogger(__name__)
_columns = attempts.c
_same = sa.and_(_columns.kind == sa.bindparam("_kind"), _columns.subject == sa.bindparam("_subject"))


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """How many failed attempts of one kind a subject has in a window that begins with the first."""

    kind: str
    failures: int
    window: timedelta


@dataclass(slots=True)
class Attempts:
    """The failed attempts of one subject; the row is locked until the end of the transaction."""

    limit: AttemptLimit
    subject: str
    failures: int
    since: datetime

    @property
    def is_exhausted(self) -> bool:
        """Whether no more attempts are allowed for now."""
        return self.failures >= self.limit.failures

    def compute_wait(self, now: datetime) -> int:
        """Return the seconds until attempts are allowed again."""
        return max(1, int((self.since + self.limit.window - now).total_seconds()) + 1)


def _build_lock(insert: sqlite.Insert | postgresql.Insert) -> sa.Executable:
    """Insert a count of zero, or lock the present one."""
    keys = [_columns.kind, _columns.subject]
    return insert.on_conflict_do_update(index_elements=keys, set_={"failures": _columns.failures}).returning(
        _columns.failures, _columns.since
    )


_lock_on_sqlite, _lock_on_postgres = (_build_lock(insert(attempts)) for insert in (sqlite.insert, postgresql.insert))
_store, _forget = sa.update(attempts).where(_same), sa.delete(attempts).where(_same)


def lock_attempts(conn: Connection, limit: AttemptLimit, subject: str, now: datetime) -> Attempts:
    """Lock the count of a subject, so that attempts at once are counted one by one."""
    digest = hashlib.blake2s(subject.encode("utf-8", "replace"), digest_size=16).hexdigest()
    row = {"kind": limit.kind, "subject": digest, "failures": 0, "since": now}
    failures, since = conn.execute(_lock_on_sqlite if is_sqlite(conn) else _lock_on_postgres, row).one()
    if since + limit.window <= now:
        failures, since = 0, now
    return Attempts(limit, digest, failures, since)


def record_failure(conn: Connection, counted: Attempts, now: datetime) -> None:
    """Count a failed attempt."""
    counted.since = counted.since if counted.failures else now
    counted.failures += 1
    _store_count(conn, counted)
    if counted.failures == 1 and int(counted.subject[:8], 16) % PRUNED_SHARE == 0:
        prune_attempts(conn, now - MAX_WINDOW)


def release_attempts(conn: Connection, counted: Attempts) -> None:
    """End an attempt that did not fail."""
    if counted.failures == 0:
        conn.execute(_forget, {"_kind": counted.limit.kind, "_subject": counted.subject})


def _store_count(conn: Connection, counted: Attempts) -> None:
    values = {"failures": counted.failures, "since": counted.since}
    conn.execute(_store, values | {"_kind": counted.limit.kind, "_subject": counted.subject})


def prune_expired_attempts(conn: Connection, before: datetime, most: int) -> int:
    """Delete counts that began before this time, at most `most`, and return how many."""
    expired = sa.select(_columns.since).where(_columns.since <= before).order_by(_columns.since)
    last = conn.scalar(sa.select(sa.func.max(expired.limit(most).subquery().c.since)))
    return 0 if last is None else conn.execute(sa.delete(attempts).where(_columns.since <= last)).rowcount


def prune_attempts(conn: Connection, before: datetime, max_rows: int = MAX_ROWS) -> None:
    """Delete counts that began before this time, and the oldest of too many."""
    conn.execute(sa.delete(attempts).where(_columns.since <= before))
    surplus = (conn.scalar(sa.select(sa.func.count()).select_from(attempts)) or 0) - max_rows
    if surplus > 0:
        oldest = sa.select(_columns.since).order_by(_columns.since).offset(surplus - 1).limit(1).scalar_subquery()
        conn.execute(sa.delete(attempts).where(_columns.since <= oldest))
        _log.warning("%s counts of failed attempts were dropped: more than %s clients guess", surplus, max_rows)
