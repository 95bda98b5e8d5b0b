"""Feed cursors: the progress of each feed. One row per feed for changes (delta) and one for complete passes (sweep)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import convert_to_row, upsert_rows
from gateway.storage.sql.driver_statements import DriverSelect
from gateway.storage.tables import passes

DELTA, SWEEP = "delta", "sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCursorRow:
    """A row of `passes`.

    Attributes:
        mark: where a delta begins; None: from the start.
        begin: the observation counter at the start of the running pass; None: none is running.
        token: where the running pass continues.
        reached: the mark that the running pass has reached.
        taken: whether the plugin knows that the last complete pass is stored.
        accept_absent: an operator accepted the absence of any number of records.
        version: under which the last pass over the whole feed began (`read_version`); None: an unknown one.
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
    version: str | None = None


LATER_RESOURCES = frozenset({"COLLECTIONS", "REVIEWS"})
"""Resources that versions before this one do not know: their processes fail at a row with such a resource (rule L6)."""

KNOWN_RESOURCE = "PRICES"
"""The resource of these rows for earlier versions. They compute no age of it."""

_resource = sa.func.coalesce(passes.c.later_resource, passes.c.resource).label("resource")
_columns = tuple(_resource if field.name == "resource" else passes.c[field.name] for field in fields(FeedCursorRow))


def find_cursors(conn: Connection, channel: str) -> dict[tuple[str, str], FeedCursorRow]:
    """Find the cursors of a channel, by feed and kind."""
    return {
        (row.feed, row.kind): FeedCursorRow(**row._asdict()) for row in _cursors.fetch(conn, {"of_channel": channel})
    }


_cursors = DriverSelect(sa.select(*_columns).where(passes.c.channel == sa.bindparam("of_channel")))


def get_cursor(conn: Connection, channel: str, feed: str, kind: str) -> FeedCursorRow:
    """Return one cursor, which exists."""
    condition = sa.and_(passes.c.channel == channel, passes.c.feed == feed, passes.c.kind == kind)
    return FeedCursorRow(**conn.execute(sa.select(*_columns).where(condition)).one()._mapping)


def store_cursor(conn: Connection, row: FeedCursorRow) -> None:
    """Insert or update a cursor, except `accept_absent`: an operator may set that at any time."""
    values = convert_to_row(row)
    del values["accept_absent"]
    is_later = row.resource in LATER_RESOURCES
    values["resource"] = KNOWN_RESOURCE if is_later else row.resource
    values["later_resource"] = row.resource if is_later else None
    upsert_rows(conn, passes, [values], ["channel", "feed", "kind"])


def make_cursor_due(conn: Connection, channel: str, feed: str, kind: str, now: datetime) -> None:
    """Let the pass begin now, unless it is running."""
    condition = sa.and_(passes.c.channel == channel, passes.c.feed == feed, passes.c.kind == kind)
    conn.execute(sa.update(passes).where(condition, passes.c.due_at > now).values(due_at=now))


def accept_absent(conn: Connection, channel: str) -> None:
    """Accept any number of records of this channel as gone if the next complete passes do not include them."""
    conn.execute(sa.update(passes).where(passes.c.channel == channel).values(accept_absent=True))


def clear_absent_accepted(conn: Connection, row: FeedCursorRow) -> None:
    """Reset `accept_absent` once it has taken effect."""
    condition = sa.and_(passes.c.channel == row.channel, passes.c.feed == row.feed, passes.c.kind == row.kind)
    conn.execute(sa.update(passes).where(condition).values(accept_absent=False))
