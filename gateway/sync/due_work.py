"""Due work of a channel, loaded by one transaction: a query of its own for each kind of work would take longer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.commerce import change_handlers
from gateway.sdk.writes import SetStock
from gateway.storage import change_log, outbox
from gateway.storage.database import Connection
from gateway.storage.sync import channel_health, feed_cursors, source_records, webhook_inbox
from gateway.storage.sync.feed_cursors import FeedCursorRow
from gateway.storage.writes import orders, pushes, reservations
from gateway.sync.channel_sync import ChannelSync
from gateway.sync.pass_state import list_new_passes
from gateway.sync.webhook_inbox import INBOX

FeedPasses = Mapping[tuple[str, str], FeedCursorRow]


@dataclass(frozen=True, slots=True)
class DueWork:
    """What can be read from the channel now.

    Attributes:
        paused: an operator has paused the channel, so nothing is read.
        passes: the stored passes of its feeds; `missing_passes`: passes that are not stored yet.
        has_deliveries: webhook deliveries wait to be processed.
        dirty_counts: number of records to refetch, by feed, without feeds that are backing off.
    """

    paused: bool
    passes: FeedPasses
    missing_passes: Sequence[FeedCursorRow]
    has_deliveries: bool
    dirty_counts: Mapping[str, int]


def load_due_work(conn: Connection, sync: ChannelSync) -> DueWork:
    """Load what can be read from the channel now."""
    passes = feed_cursors.find_cursors(conn, sync.key)
    dirty_counts = source_records.count_dirty(conn, sync.key)
    return DueWork(
        paused=channel_health.is_paused(conn, sync.key),
        passes=passes,
        missing_passes=[row for feed in sync.channel.feeds.values() for row in list_new_passes(sync, feed, passes)],
        has_deliveries=not sync.is_backing_off(INBOX) and webhook_inbox.has_waiting(conn, sync.key),
        dirty_counts={
            name: dirty_counts[name]
            for name in sync.channel.live_feeds
            if name in dirty_counts and not sync.is_backing_off(name)
        },
    )


def has_due_writes(conn: Connection, sync: ChannelSync) -> bool:
    """Whether a command, a change, an unplaced sale or a push may be due."""
    now = sync.now()
    return (
        outbox.has_due_entries(conn, sync.key, now)
        or change_log.is_behind(conn, change_handlers.LOG_READER)
        or bool(orders.find_unplaced(conn, sync.key, 1))
        or bool(reservations.find_unproved(conn, sync.key, now, 1))
        or (SetStock in sync.channel.writes and _has_due_pushes(conn, sync))
    )


def _has_due_pushes(conn: Connection, sync: ChannelSync) -> bool:
    overdue = sync.now() - sync.channel.traits.max_processing
    return pushes.has_dirty(conn, sync.key, sync.now()) or pushes.has_overdue(conn, sync.key, overdue)
