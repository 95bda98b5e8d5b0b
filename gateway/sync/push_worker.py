"""Push worker: handles changes of stock and listings, and enqueues pushes for followers (rules K5, K6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from gateway.commerce import change_handlers
from gateway.commerce.push import confirmation, planner
from gateway.sdk.errors import ChannelError
from gateway.sdk.records import Ref
from gateway.sdk.writes import SetStock
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.writes import pushes
from gateway.sync.channel_sync import ChannelSync
from gateway.sync.refetch import refresh_records


async def handle_changes(sync: ChannelSync) -> bool:
    """Handle new entries of the change log. Returns whether there were any."""
    if not await sync.database.read(change_log.is_behind, change_handlers.LOG_READER):
        return False
    return await sync.throttle.write(change_handlers.handle_changes, sync.context) > 0


async def push_quantities(sync: ChannelSync) -> bool:
    """Enqueue the pushes of this channel that are due. Returns whether any offers were planned."""
    if SetStock not in sync.channel.writes:
        return False
    await _retry_overdue(sync)
    if not await sync.database.read(pushes.has_dirty, sync.key, sync.now()):
        return False
    if (await sync.database.read(pushes.get_arming, sync.key)).armed_at is not None:
        await _refresh_offers(sync)
    return await sync.throttle.write(planner.enqueue_pushes, sync.key, sync.context) > 0


async def _retry_overdue(sync: ChannelSync) -> None:
    limit = sync.now() - sync.channel.traits.max_processing
    if await sync.database.read(pushes.has_overdue, sync.key, limit):
        await sync.throttle.write(confirmation.retry_overdue_pushes, sync.key, sync.context)


async def _refresh_offers(sync: ChannelSync) -> None:
    """Refresh the offers of a channel that reports orders late, so that drift is detected before a push (rule K6)."""
    if not sync.channel.traits.order_latency:
        return
    records = await sync.database.read(_list_records, sync)
    for feed, refs in records.items():
        if feed not in sync.channel.live_feeds:
            continue
        try:
            await refresh_records(sync, sync.channel.feeds[feed], refs, sync.table.call_deadline)
        except ChannelError:
            return  # the push will fail as well, and record the fault


def _list_records(conn: Connection, sync: ChannelSync) -> Mapping[str, Sequence[Ref]]:
    refs_by_feed: dict[str, list[Ref]] = defaultdict(list)
    rows = pushes.lock_dirty(conn, sync.key, sync.now(), planner.BATCH_SIZE)
    for planned in planner.plan_rows(conn, sync.key, rows, sync.rules.topology):
        if planned.differs:
            refs_by_feed[planned.offer.feed].append(Ref(planned.offer.record))
    return refs_by_feed
