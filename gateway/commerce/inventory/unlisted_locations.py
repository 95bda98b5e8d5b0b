"""External locations that a channel has deactivated: their counts are unknown until it lists them again (rule S12)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from gateway.model.channels import Resource
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.sync import source_records
from gateway.storage.writes import stock, unlisted_locations


def has_known_counts(conn: Connection, channel: str, external_locations: Collection[str]) -> bool:
    """Return whether there are counts to hide at these external locations."""
    return bool(external_locations and unlisted_locations.find_known_counts(conn, channel, external_locations, 1))


def has_hidden_counts(conn: Connection, channel: str, external_locations: Collection[str]) -> bool:
    """Return whether there are counts to request at these external locations."""
    return bool(external_locations and unlisted_locations.find_forgotten(conn, channel, external_locations, 1))


def hide_counts(conn: Connection, channel: str, external_locations: Collection[str], now: datetime, most: int) -> int:
    """Mark counts at these external locations as unknown, at most `most`. Returns how many there were."""
    ids = unlisted_locations.find_known_counts(conn, channel, external_locations, most)
    rows = list(stock.lock_stock(conn, ids).values())
    for row in rows:
        row.known, row.version, row.updated_at = False, row.version + 1, now
    stock.update_stock(conn, rows)
    unlisted_locations.forget_digests(conn, ids)
    change_log.log_change(conn, "STOCK", [(row.id, row.version) for row in rows], now)
    return len(ids)


def request_counts(
    conn: Connection, channel: str, external_locations: Collection[str], now: datetime, most: int
) -> int:
    """Request a read of counts that were hidden at these external locations, at most `most`. Returns how many."""
    records = unlisted_locations.find_forgotten(conn, channel, external_locations, most)
    for feed in sorted({feed for _, feed in records}):
        ids = [id_ for id_, feed_of_record in records if feed_of_record == feed]
        source_records.hint_records(conn, channel, Resource.STOCK.value, feed, ids, now)
    return len(records)
