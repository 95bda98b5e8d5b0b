"""Deletion detection (rule S4): records that a complete pass did not return are removed only after confirmation."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model.channels import Fault, FaultCode, Resource
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.records import Gone, Ref
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import slice_items
from gateway.storage.sync import leases, source_records
from gateway.storage.sync.leases import Lease
from gateway.storage.sync.source_records import SourceRecord
from gateway.sync.apply import ReadItem, apply_items
from gateway.sync.channel_sync import ChannelSync, FeedPass, get_resource
from gateway.sync.decoding import begin_read
from gateway.sync.refetch import refresh_records

MASS_DELETION_MINIMUM = 20
MASS_DELETION_RATIO = 50
"""A mass deletion is not believed: more records than the minimum, and more than one in fifty (2 %)."""


async def resolve_absent(feed_pass: FeedPass, begin: int, accepted: bool) -> Fault | None:
    """Resolve the records that no read since `begin` has returned. Returns a fault if they are too many.

    Args:
        accepted: an operator has accepted the absence of many records.
    """
    sync, feed = feed_pass.sync, feed_pass.feed
    if get_resource(feed) is Resource.ORDERS:
        return None  # channels stop returning old orders, but the orders stay valid
    absent = await sync.database.read(source_records.count_unnamed, sync.key, feed.name, begin)
    total = await sync.database.read(source_records.count_present, sync.key, feed.name)
    if absent > MASS_DELETION_MINIMUM and absent * MASS_DELETION_RATIO > total and not accepted:
        return _build_mass_deletion_fault(sync, feed, absent, total)
    missing = await sync.database.read(source_records.find_unnamed, sync.key, feed.name, begin, absent)
    for sources in slice_items(missing, 100):
        if feed.name in sync.channel.live_feeds:
            await _confirm_deletions(sync, feed, sources)
        else:
            await _count_absences(feed_pass, sources, begin, accepted)
    return None


def _build_mass_deletion_fault(sync: ChannelSync, feed: AnyFeed, absent: int, total: int) -> Fault:
    message = (
        f"{absent} of {total} records of feed {feed.name} are missing at once, so nothing was deleted. If they were "
        f"deleted in the channel, run: gateway sync {sync.key} --accept-absent"
    )
    return Fault(code=FaultCode.CONTRACT_VIOLATION, retryable=True, occurred_at=sync.now(), message=message)


async def _confirm_deletions(sync: ChannelSync, feed: AnyFeed, absent: Sequence[SourceRecord]) -> None:
    """Confirm each absence by ID: only records that the channel does not have then are removed."""
    refs = [Ref(source.external_id, source.note) for source in absent]
    await refresh_records(sync, feed, refs, sync.table.call_deadline)


async def _count_absences(feed_pass: FeedPass, absent: Sequence[SourceRecord], begin: int, accepted: bool) -> None:
    """Count absences where single records cannot be fetched: two complete passes in a row must not return a record."""
    sync, lease = feed_pass.sync, feed_pass.lease
    twice = [source for source in absent if accepted or source.absent_at is not None]
    once = [source.id for source in absent if not accepted and source.absent_at is None]
    await sync.throttle.write(_store_absences, lease, once, begin)
    if twice:
        read = await begin_read(sync, feed_pass.feed)
        items = [ReadItem(source.external_id, None, Gone(Ref(source.external_id))) for source in twice]
        await sync.throttle.write(apply_items, read, items, lease, sync.now())


def _store_absences(conn: Connection, lease: Lease, absent: Sequence[str], begin: int) -> None:
    leases.check_lease(conn, lease)
    source_records.mark_absent(conn, absent, begin)
