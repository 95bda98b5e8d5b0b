"""What follows from changes that nobody waits for: shortages are seen to, and followers may have to be told."""

from __future__ import annotations

from datetime import datetime

from gateway.commerce import pushing, shortage
from gateway.commerce.selling import Selling
from gateway.storage import checking, log
from gateway.storage.database import Connection

READER = "pushes"


def read_log(conn: Connection, selling: Selling, now: datetime) -> int:
    """Find out from the log what has to be seen to; how many log rows there were."""
    found = log.follow(conn, READER, now)
    if found is None:
        pushing.look_at_everything(conn, selling.ground)
        shortage.relieve(conn, checking.short_ids(conn), selling, now)
        return 1
    counts = {id_ for change in found if change.kind == "STOCK" for id_, _ in change.subjects}
    listed = {id_ for change in found if change.kind == "LISTING" for id_, _ in change.subjects}
    if counts:
        pushing.counts_changed(conn, counts, selling.ground, now)
        shortage.relieve(conn, counts, selling, now)
    if listed:
        pushing.listings_changed(conn, listed, selling.ground)
    return len(found)
