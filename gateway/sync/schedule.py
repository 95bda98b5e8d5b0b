"""What is due: for each channel hints first, then what changed, then sweeps; and the house's own upkeep.

`run_channel` does what is due until nothing is; a thin loop around it keeps doing so. So a test moves the clock and
runs what is due, and nothing depends on waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from gateway.commerce import allotting
from gateway.commerce.ground import Ground
from gateway.model.channels import Resource
from gateway.sdk.feeds import AnyFeed
from gateway.settings import RetentionTable
from gateway.storage import carts, health, idempotency, inbox, leases, log, outbox, passes, rejects, sources
from gateway.storage.database import Connection, Database
from gateway.storage.leases import Lease
from gateway.storage.passes import DELTA, SWEEP, PassRow
from gateway.sync import inbox as deliveries
from gateway.sync.channel import Syncing, Turns, resource_of
from gateway.sync.feeds import Turn, fleeting, read_page
from gateway.sync.outbox import deliver
from gateway.sync.outlook import Outlook, Passes, is_wished, look
from gateway.sync.pushing import push, read_log
from gateway.sync.records import reread
from gateway.sync.stock import ask_for_proof, place_sales

LASTING = timedelta(seconds=20)
"""Of a lease: so long nothing is synced after a process was killed. One that is slower writes all the same, as long as
nobody else took the lease."""

MANY = 500
"""So many hints are one delta pull (rule S2)."""

SOME = 500
"""Rows that are forgotten at once: other transactions wait meanwhile."""

_log = logging.getLogger(__name__)


async def run_channels(syncing: Iterable[Syncing], holder: str) -> list[bool]:
    """As `run_channel`, for all at once. What one of them fails with is raised when the others are done."""
    worked = await asyncio.gather(*(run_channel(sync, holder) for sync in syncing), return_exceptions=True)
    for result in worked:
        if isinstance(result, BaseException):
            raise result
    return [result is True for result in worked]


async def run_channel(sync: Syncing, holder: str) -> bool:
    """Do what is due for a channel, unless another process does or takes over; whether anything was done."""
    if not _is_due(sync, await sync.database.read(look, sync)):
        return False
    lease = await sync.turns.write(leases.acquire, f"sync {sync.key}", holder, sync.now(), LASTING)
    if lease is None:
        return False
    sync.turns.beside_others |= await sync.database.read(health.ready_at) is not None
    renewing, worked = asyncio.create_task(_keep(sync, lease)), False
    try:
        while await step(sync, lease):
            worked = True
    except leases.LeaseLostError:
        _log.warning("channel %s: another process has taken over, because this one was too slow", sync.key)
        return False
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])
        await sync.turns.write(leases.release, lease)
    return worked


async def tell(sync: Syncing) -> bool:
    """Carry out what is wished of a channel, until nothing is due; whether there was anything."""
    if not await sync.database.read(is_wished, sync):
        return False
    told = await place_sales(sync)
    told |= await read_log(sync) | await push(sync)
    while not await sync.database.read(health.paused, sync.key) and (await deliver(sync) or await ask_for_proof(sync)):
        told = True
    return told


async def _keep(sync: Syncing, lease: Lease) -> None:
    """A call may take longer than a lease lasts; if each was thrown away for that, nothing would ever be synced."""
    try:
        while True:
            await asyncio.sleep(LASTING.total_seconds() / 3)
            await sync.database.write(leases.renew, lease, sync.now(), LASTING)
    except leases.LeaseLostError:
        return  # whatever is written under it next says so


def _is_due(sync: Syncing, seen: Outlook) -> bool:
    """Whether there is anything to do: nothing is written to find that out."""
    return not seen.paused and bool(seen.missing or seen.letters or seen.waiting or _next(sync, seen.known))


async def step(sync: Syncing, lease: Lease) -> bool:
    """The most urgent single thing that is due: False, if nothing is, or if the channel was paused meanwhile."""
    seen = await sync.database.read(look, sync)
    if seen.paused:
        return False
    if seen.missing:
        await sync.turns.write(_add, seen.missing)
        seen = await sync.database.read(look, sync)
    if (seen.letters and await deliveries.process(sync)) or await _reread(sync, seen):
        return True
    row = _next(sync, seen.known)
    if row is None:
        return False
    await read_page(Turn(sync, sync.channel.feeds[row.feed], lease), row)
    return True


def _add(conn: Connection, rows: Iterable[PassRow]) -> None:
    for row in rows:
        passes.store(conn, row)


async def _reread(sync: Syncing, seen: Outlook) -> bool:
    """Single records that wait, unless they are so many that the feed's next pass is the shorter way."""
    for name, count in seen.waiting.items():
        feed, many = sync.channel.live_feeds[name], count > MANY
        if many and await _pull_asked(sync, feed):
            return True
        pulling = many and seen.known[name, DELTA].due_at <= sync.now()
        if not pulling and await reread(sync, feed, feed.fetch_at_once):
            return True
    return False


async def _pull_asked(sync: Syncing, feed: AnyFeed) -> bool:
    """Have the next pass begin, unless what waits longest has waited for one already, and was not named by it."""
    (oldest,) = await sync.database.read(sources.dirty, sync.key, feed.name, 1)
    if (oldest.dirty_at or 0) <= sync.pulled.get(feed.name, 0):
        return False
    sync.pulled[feed.name] = await sync.database.read(sources.current_count)
    await sync.turns.write(passes.make_due, sync.key, feed.name, DELTA, sync.now())
    return True


def _next(sync: Syncing, known: Passes) -> PassRow | None:
    """The pass to read a page of: one whose token dies soon, then what changed, the longest due first."""
    due = [row for row in known.values() if row.feed in sync.channel.feeds and _is_its_time(sync, row)]
    order = list(Resource)

    def urgency(row: PassRow) -> tuple[object, ...]:
        feed: AnyFeed = sync.channel.feeds[row.feed]
        return (fleeting(sync, row) is None, row.kind == SWEEP, row.due_at, order.index(resource_of(feed)), row.feed)

    return min(due, key=urgency, default=None)


def _is_its_time(sync: Syncing, row: PassRow) -> bool:
    every = sync.every(sync.channel.feeds[row.feed]) if row.kind == DELTA else sync.table.sweep_every
    return sync.is_due(row.due_at, every)


async def note_ready(database: Database, required: Iterable[str], now: datetime) -> bool:
    """Whether the gateway is ready; a fact, once it was true."""
    if await database.read(health.ready_at) is not None:
        return True
    if await database.read(health.unsynced, list(required)):
        return False
    await database.write(health.set_ready, now)
    return True


async def keep_house(database: Database, ground: Ground, retention: RetentionTable, now: datetime) -> None:
    """Forget what has been kept long enough (rule V1), and what is held for nobody any more."""
    await database.write(log.prune, now - retention.log, now)
    await database.write(inbox.prune, now - retention.inbox)
    await database.write(outbox.prune, now - retention.outbox)
    await database.write(rejects.forget_payloads, now - retention.rejects)
    await database.write(carts.prune, now - retention.carts)
    await database.write(allotting.forgotten, ground, now)
    while await database.write(idempotency.prune, now, SOME):
        pass


async def stamp(turns: Turns) -> int:
    """Give what was logged its place; how many rows there were."""
    done = 0
    while some := await turns.write(log.stamp):
        done += some
    return done
