"""Stock maintenance: expires reservations and carts, places delayed sales, and schedules reads that prove movements."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gateway.commerce.channel_orders import external_sales
from gateway.commerce.inventory import reservation_changes
from gateway.model.channels import Resource
from gateway.storage.database import Connection, Database
from gateway.storage.sync import feed_cursors, source_records
from gateway.storage.sync.feed_cursors import DELTA
from gateway.storage.writes import carts, orders, reservations, stock
from gateway.storage.writes.reservations import ReservationRow
from gateway.sync.channel_sync import ChannelSync
from gateway.sync.record_isolation import apply_isolated

BATCH_SIZE = 200

_log = logging.getLogger(__name__)


async def expire_holds_and_carts(database: Database, now: datetime) -> bool:
    """Expire reservations and carts. Returns whether there were any."""
    if not await database.read(_has_expired, now):
        return False
    lapsed = await database.write(reservation_changes.expire_reservations, now, BATCH_SIZE)
    return await database.write(carts.expire_carts, now, BATCH_SIZE) + lapsed > 0


def _has_expired(conn: Connection, now: datetime) -> bool:
    return bool(reservations.find_expired(conn, now, 1)) or carts.has_expired(conn, now)


async def retry_unplaced_sales(sync: ChannelSync) -> bool:
    """Retry to place external sales whose stock was unknown. Returns whether any are placed now.

    They take turns, because some may wait for an operator (rule G2), and must not keep others from being placed.
    """
    waiting = await sync.database.read(orders.find_unplaced, sync.key, BATCH_SIZE, sync.unplaced_after)
    sync.unplaced_after = waiting[-1] if len(waiting) == BATCH_SIZE else ""
    return bool(waiting) and await sync.throttle.write(_retry_unplaced, sync, waiting) > 0


def _retry_unplaced(conn: Connection, sync: ChannelSync, order_ids: Sequence[str]) -> int:
    """Retry these orders. One whose data makes that fail goes on waiting, and blocks no other."""

    def retry(ids: Sequence[str]) -> int:
        return external_sales.retry_unplaced(conn, ids, sync.context)

    def skip(order_id: str, error: Exception) -> int:
        _log.warning("%s: the sale %s could not be placed (%s)", sync.key, order_id, type(error).__name__)
        return 0

    return apply_isolated(conn, order_ids, retry, skip)


async def schedule_proof_reads(sync: ChannelSync) -> bool:
    """Schedule reads of counts that should contain posted movements by now (rule K3). Returns whether any were due."""
    now = sync.now()
    if not await sync.database.read(reservations.find_unproved, sync.key, now, 1):
        return False
    return await sync.throttle.write(_schedule_reads, sync, now) > 0


def _schedule_reads(conn: Connection, sync: ChannelSync, now: datetime) -> int:
    waiting = reservations.find_unproved(conn, sync.key, now, BATCH_SIZE)
    by_feed = _list_records(conn, sync, waiting)
    for feed, ids in by_feed.items():
        if feed in sync.channel.live_feeds:
            source_records.hint_records(conn, sync.key, Resource.STOCK.value, feed, ids, now)
        elif feed in sync.channel.feeds:
            feed_cursors.make_cursor_due(conn, sync.key, feed, DELTA, now)

    def clear_schedule(row: ReservationRow) -> ReservationRow | None:
        return replace(row, ask_at=None) if row.ask_at is not None else None

    reservation_changes.update_reservations(conn, [row.id for row in waiting], clear_schedule, now)
    return len(waiting)


def _list_records(conn: Connection, sync: ChannelSync, waiting: Sequence[ReservationRow]) -> dict[str, list[str]]:
    """List the records that contain the counts, by feed."""
    by_feed: dict[str, list[str]] = {}
    for external_id, feed in stock.find_records(conn, {row.counter for row in waiting}):
        by_feed.setdefault(feed, []).append(external_id)
    return by_feed
