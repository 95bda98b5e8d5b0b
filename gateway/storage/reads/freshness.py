"""The age of rows (rule S9): the later of a row's own last read and its feed's last complete pass."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.tables import Instant, passes, sources

feed_ages = (
    sa.select(passes.c.channel, passes.c.feed, sa.func.max(passes.c.complete_as_of, type_=Instant()).label("as_of"))
    .group_by(passes.c.channel, passes.c.feed)
    .cte("feed_ages")
)
_fed = sa.and_(
    feed_ages.c.channel == sources.c.channel, feed_ages.c.feed == sources.c.feed
)  # shared at import time, see `reads.orders`


def join_age(statement: sa.Select[Any], source_id: sa.ColumnElement[Any], *, outer: bool = False) -> sa.Select[Any]:
    """Join the tables that `select_observed_at` needs."""
    return statement.join(sources, sources.c.id == source_id, isouter=outer).join(feed_ages, _fed, isouter=True)


def find_pass_time(conn: Connection, channel: str, feed: str) -> datetime | None:
    """Find as of when the last complete pass of a feed confirmed its records; None: there was none."""
    of_feed = sa.and_(passes.c.channel == channel, passes.c.feed == feed)
    latest: datetime | None = conn.scalar(
        sa.select(sa.func.max(passes.c.complete_as_of, type_=Instant())).where(of_feed)
    )
    return latest


def select_observed_at() -> sa.ColumnElement[Any]:
    """Select when the row was last observed; of a rejected record, its own last read only."""
    newer = sa.and_(~sources.c.rejected, feed_ages.c.as_of > sources.c.observed_at)
    return sa.case((newer, feed_ages.c.as_of), else_=sources.c.observed_at).label("observed_at")
