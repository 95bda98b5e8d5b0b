"""Runs what is due in a channel: refetches first, then deltas, then sweeps; and writes from the gateway to the channel.

`run_channel` runs until nothing is due; a thin loop around it repeats that. Tests move the clock and run what is
due, so nothing depends on waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from gateway.model.channels import Resource
from gateway.sdk.feeds import AnyFeed
from gateway.storage import change_log
from gateway.storage.database import Connection, Database
from gateway.storage.sync import channel_health, feed_cursors, leases, source_records
from gateway.storage.sync.feed_cursors import DELTA, SWEEP, FeedCursorRow
from gateway.storage.sync.leases import Lease
from gateway.sync import webhook_inbox as deliveries
from gateway.sync.channel_sync import ChannelSync, FeedPass, WriteThrottle, get_resource
from gateway.sync.due_work import DueWork, FeedPasses, has_due_writes, load_due_work
from gateway.sync.feed_poller import read_page
from gateway.sync.outbox_worker import deliver_due
from gateway.sync.pass_state import get_ephemeral_token
from gateway.sync.push_worker import handle_changes, push_quantities
from gateway.sync.refetch import refetch_dirty
from gateway.sync.stock_maintenance import retry_unplaced_sales, schedule_proof_reads

LEASE_DURATION = timedelta(seconds=20)
"""Duration of a lease: after a process is killed, nothing is synced for at most this long. A slower process still
writes as long as no other process has taken the lease.
"""

PULL_THRESHOLD = 500
"""From this number of hints on, a delta of the feed is faster than refetches (rule S2)."""

_log = logging.getLogger(__name__)


async def run_channels(syncing: Iterable[ChannelSync], holder: str) -> list[bool]:
    """Run all channels concurrently. An error of one channel is raised after the others are done."""
    worked = await asyncio.gather(*(run_channel(sync, holder) for sync in syncing), return_exceptions=True)
    for result in worked:
        if isinstance(result, BaseException):
            raise result
    return [result is True for result in worked]


async def run_channel(sync: ChannelSync, holder: str) -> bool:
    """Run what is due in a channel, unless another process does. Returns whether anything was done."""
    if not _is_due(sync, await sync.database.read(load_due_work, sync)):
        return False
    lease = await sync.throttle.write(leases.acquire_lease, f"sync {sync.key}", holder, sync.now(), LEASE_DURATION)
    if lease is None:
        return False
    sync.throttle.is_throttled |= await sync.database.read(channel_health.get_ready_at) is not None
    renewing, worked = asyncio.create_task(_renew_lease(sync, lease)), False
    try:
        while await step(sync, lease):
            worked = True
    except leases.LeaseLostError:
        _log.warning("Channel %s: another process took over the sync because this one was too slow", sync.key)
        return False
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])
        await sync.throttle.write(leases.release_lease, lease)
    return worked


async def run_writes(sync: ChannelSync) -> bool:
    """Run the write steps until nothing is due. Returns whether anything was done."""
    if not await sync.database.read(has_due_writes, sync):
        return False
    return any([await step(sync) for step in WRITE_STEPS])


async def deliver_until_idle(sync: ChannelSync) -> bool:
    """Deliver commands, and request the counts that prove them, until neither is due or the channel is paused."""
    worked = False
    while not await sync.database.read(channel_health.is_paused, sync.key) and (
        await deliver_due(sync) or await schedule_proof_reads(sync)
    ):
        worked = True
    return worked


WRITE_STEPS = (retry_unplaced_sales, handle_changes, push_quantities, deliver_until_idle)
"""In this order: sales whose location has become known, changes that concern followers, pushes, commands."""


async def _renew_lease(sync: ChannelSync, lease: Lease) -> None:
    """Renew the lease while a call runs, which may take longer than the lease lasts."""
    try:
        while True:
            await asyncio.sleep(LEASE_DURATION.total_seconds() / 3)
            await sync.database.write(leases.renew_lease, lease, sync.now(), LEASE_DURATION)
    except leases.LeaseLostError:
        return  # the next write under the lease raises it


def _is_due(sync: ChannelSync, seen: DueWork) -> bool:
    """Return whether anything is due. Does not write."""
    return not seen.paused and bool(
        seen.missing_passes or seen.has_deliveries or seen.dirty_counts or _choose_cursor(sync, seen.passes)
    )


async def step(sync: ChannelSync, lease: Lease) -> bool:
    """Run the most urgent due step. Returns False if nothing is due, or the channel was paused meanwhile."""
    seen = await sync.database.read(load_due_work, sync)
    if seen.paused:
        return False
    if seen.missing_passes:
        await sync.throttle.write(_add, seen.missing_passes)
        seen = await sync.database.read(load_due_work, sync)
    if (seen.has_deliveries and await deliveries.process_deliveries(sync)) or await _refetch(sync, seen):
        return True
    row = _choose_cursor(sync, seen.passes)
    if row is None:
        return False
    await read_page(FeedPass(sync, sync.channel.feeds[row.feed], lease), row)
    return True


def _add(conn: Connection, rows: Iterable[FeedCursorRow]) -> None:
    for row in rows:
        feed_cursors.store_cursor(conn, row)


async def _refetch(sync: ChannelSync, seen: DueWork) -> bool:
    """Refetch single records, unless they are so many that the next delta of the feed is faster."""
    for name, count in seen.dirty_counts.items():
        feed, many = sync.channel.live_feeds[name], count > PULL_THRESHOLD
        if many and await _request_pull(sync, feed):
            return True
        pulling = many and seen.passes[name, DELTA].due_at <= sync.now()
        if not pulling and await refetch_dirty(sync, feed, feed.fetch_at_once):
            return True
    return False


async def _request_pull(sync: ChannelSync, feed: AnyFeed) -> bool:
    """Make the next delta due, unless the oldest hint was there before the last one, which did not contain it."""
    (oldest,) = await sync.database.read(source_records.find_dirty, sync.key, feed.name, 1)
    if (oldest.dirty_at or 0) <= sync.pulled_at.get(feed.name, 0):
        return False
    sync.pulled_at[feed.name] = await sync.database.read(source_records.get_current_count)
    await sync.throttle.write(feed_cursors.make_cursor_due, sync.key, feed.name, DELTA, sync.now())
    return True


def _choose_cursor(sync: ChannelSync, known: FeedPasses) -> FeedCursorRow | None:
    """Return the feed cursor whose page to read next: an expiring token first, then deltas, then the longest due."""
    due = [row for row in known.values() if row.feed in sync.channel.feeds and _is_cursor_due(sync, row)]
    order = list(Resource)

    def rank(row: FeedCursorRow) -> tuple[object, ...]:
        feed: AnyFeed = sync.channel.feeds[row.feed]
        return (
            get_ephemeral_token(sync, row) is None,
            row.kind == SWEEP,
            row.due_at,
            order.index(get_resource(feed)),
            row.feed,
        )

    return min(due, key=rank, default=None)


def _is_cursor_due(sync: ChannelSync, row: FeedCursorRow) -> bool:
    every = sync.get_interval(sync.channel.feeds[row.feed]) if row.kind == DELTA else sync.table.sweep_every
    return sync.is_due(row.due_at, every)


async def store_ready(database: Database, required: Iterable[str], now: datetime) -> bool:
    """Return whether the gateway is ready. Once true, this is stored."""
    if await database.read(channel_health.get_ready_at) is not None:
        return True
    if await database.read(channel_health.find_unsynced, list(required)):
        return False
    await database.write(channel_health.set_ready, now)
    return True


async def stamp_log(throttle: WriteThrottle) -> int:
    """Give the rows of the change log their positions, and return how many there were."""
    total = 0
    while await throttle.database.read(change_log.has_unstamped):
        total += await throttle.write(change_log.stamp_changes)
    return total
