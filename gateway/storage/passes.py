"""Passes: how far each feed is read. One row per feed for what changed (delta), one for everything (sweep)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.rows import as_row, upsert
from gateway.storage.tables import passes

DELTA, SWEEP = "delta", "sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRow:
    """A row of `passes`.

    Attributes:
        mark: where a delta begins; None: with everything.
        begin: the counter when the running pass began; None: none runs.
        token: where the running pass goes on.
        reached: the mark that the running pass has reached.
        taken: whether the plugin knows that the last complete pass is stored.
        accept_absent: a person said that however many records may be gone.
    """

    channel: str
    feed: str
    kind: str
    resource: str
    due_at: datetime
    mark: str | None = None
    token: str | None = None
    reached: str | None = None
    begin: int | None = None
    begun_at: datetime | None = None
    completed_at: datetime | None = None
    complete_as_of: datetime | None = None
    taken: bool = True
    accept_absent: bool = False
    pages: int = 0
    fault_code: str | None = None
    fault_message: str | None = None
    fault_retryable: bool | None = None
    fault_at: datetime | None = None


_columns = tuple(passes.c[field.name] for field in fields(PassRow))


def of_channel(conn: Connection, channel: str) -> dict[tuple[str, str], PassRow]:
    """The channel's passes, by feed and kind."""
    rows = conn.execute(sa.select(*_columns).where(passes.c.channel == channel))
    return {(row.feed, row.kind): PassRow(**row._mapping) for row in rows}


def get(conn: Connection, channel: str, feed: str, kind: str) -> PassRow:
    """One pass, which exists."""
    here = sa.and_(passes.c.channel == channel, passes.c.feed == feed, passes.c.kind == kind)
    return PassRow(**conn.execute(sa.select(*_columns).where(here)).one()._mapping)


def store(conn: Connection, row: PassRow) -> None:
    """Insert or set a pass. Whether absent records are accepted is a person's word, given at any time, and not set."""
    values = as_row(row)
    del values["accept_absent"]
    upsert(conn, passes, [values], ["channel", "feed", "kind"])


def make_due(conn: Connection, channel: str, feed: str, kind: str, now: datetime) -> None:
    """Have the pass begin now, if it is not running."""
    here = sa.and_(passes.c.channel == channel, passes.c.feed == feed, passes.c.kind == kind)
    conn.execute(sa.update(passes).where(here, passes.c.due_at > now).values(due_at=now))


def accept_absent(conn: Connection, channel: str) -> None:
    """However many records of this channel the next complete passes do not name: they are gone."""
    conn.execute(sa.update(passes).where(passes.c.channel == channel).values(accept_absent=True))


def absent_accepted(conn: Connection, row: PassRow) -> None:
    """What a person said of absent records has had its effect."""
    here = sa.and_(passes.c.channel == row.channel, passes.c.feed == row.feed, passes.c.kind == row.kind)
    conn.execute(sa.update(passes).where(here).values(accept_absent=False))
