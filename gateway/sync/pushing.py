"""Keeping followers told: what has changed is found in the log, read back where a channel is slow, and wished for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from gateway.commerce import noticing, pushing
from gateway.sdk.errors import ChannelError
from gateway.sdk.records import Ref
from gateway.sdk.writes import SetStock
from gateway.storage import log, pushes
from gateway.storage.database import Connection
from gateway.sync.channel import Syncing
from gateway.sync.records import refresh


async def read_log(sync: Syncing) -> bool:
    """Find out what has to be seen to; whether anything had changed."""
    if not await sync.database.read(log.is_behind, noticing.READER):
        return False
    return await sync.turns.write(noticing.read_log, sync.rules.selling, sync.now()) > 0


async def push(sync: Syncing) -> bool:
    """Wish for what this channel is to offer now; whether there was anything to look at."""
    if SetStock not in sync.channel.writes:
        return False
    ground, now = sync.rules.ground, sync.now()
    await _give_up(sync)
    if not await sync.database.read(pushes.any_dirty, sync.key, now):
        return False
    if (await sync.database.read(pushes.arming, sync.key)).armed_at is not None:
        await _look_first(sync)
    return await sync.turns.write(pushing.push, sync.key, ground, now) > 0


async def _give_up(sync: Syncing) -> None:
    limit = sync.now() - sync.channel.traits.max_processing
    if await sync.database.read(pushes.any_overdue, sync.key, limit):
        await sync.turns.write(pushing.give_up, sync.key, sync.rules.ground, sync.now())


async def _look_first(sync: Syncing) -> None:
    """A channel that tells its orders late is asked what it offers, so that what has vanished is seen (rule K6)."""
    if not sync.channel.traits.order_latency:
        return
    records = await sync.database.read(_records, sync)
    for feed, refs in records.items():
        if feed not in sync.channel.live_feeds:
            continue
        try:
            await refresh(sync, sync.channel.feeds[feed], refs, sync.table.call_deadline)
        except ChannelError:
            return  # then it will not take a push either: the fault is noted there


def _records(conn: Connection, sync: Syncing) -> Mapping[str, Sequence[Ref]]:
    found: dict[str, list[Ref]] = defaultdict(list)
    rows = pushes.dirty(conn, sync.key, sync.now(), pushing.MOST)
    for one in pushing.planned(conn, sync.key, rows, sync.rules.ground):
        if one.differs:
            found[one.offer.feed].append(Ref(one.offer.record))
    return found
