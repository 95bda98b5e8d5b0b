"""What a complete pass did not name (rule S4): gone only when that is certain, and never many at once."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model.channels import Fault, FaultCode, Resource
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.records import Gone, Ref
from gateway.storage import leases, sources
from gateway.storage.database import Connection
from gateway.storage.leases import Lease
from gateway.storage.rows import slices
from gateway.storage.sources import Source
from gateway.sync.channel import Syncing, resource_of
from gateway.sync.reading import reading
from gateway.sync.records import refresh
from gateway.sync.take import Item, take

FEW = 20
ONE_IN = 50
"""More than FEW, and more than every fiftieth (2 %): nobody believes that without being told."""


async def settle_absent(sync: Syncing, feed: AnyFeed, begin: int, accepted: bool, lease: Lease) -> Fault | None:
    """Find out about every record that no read since `begin` has named; a fault, if they are too many to believe."""
    if resource_of(feed) is Resource.ORDERS:
        return None  # channels stop showing old orders: those have happened all the same
    absent = await sync.database.read(sources.count_unnamed, sync.key, feed.name, begin)
    known = await sync.database.read(sources.count, sync.key, feed.name)
    if absent > FEW and absent * ONE_IN > known and not accepted:
        return _too_many(sync, feed, absent, known)
    missing = await sync.database.read(sources.unnamed, sync.key, feed.name, begin, absent)
    for some in slices(missing, 100):
        if feed.name in sync.channel.live_feeds:
            await _confirm(sync, feed, some)
        else:
            await _count(sync, feed, some, begin, accepted, lease)
    return None


def _too_many(sync: Syncing, feed: AnyFeed, absent: int, known: int) -> Fault:
    message = (
        f"{absent} of {known} records of the feed {feed.name} are missing at once, so nothing was deleted; if they are "
        f"really gone: gateway sync {sync.key} --accept-absent"
    )
    return Fault(code=FaultCode.CONTRACT_VIOLATION, retryable=True, occurred_at=sync.now(), message=message)


async def _confirm(sync: Syncing, feed: AnyFeed, absent: Sequence[Source]) -> None:
    """Ask for each by its id: only what the channel then certainly does not have is gone."""
    refs = [Ref(source.external_id, source.note) for source in absent]
    await refresh(sync, feed, refs, sync.table.call_deadline)


async def _count(
    sync: Syncing, feed: AnyFeed, absent: Sequence[Source], begin: int, accepted: bool, lease: Lease
) -> None:
    """Nobody can be asked: gone is what two complete passes, one after the other, did not name."""
    twice = [source for source in absent if accepted or source.absent_at is not None]
    once = [source.id for source in absent if not accepted and source.absent_at is None]
    await sync.turns.write(_note_absent, lease, once, begin)
    if twice:
        now = await reading(sync, feed)
        items = [Item(source.external_id, None, Gone(Ref(source.external_id))) for source in twice]
        await sync.turns.write(take, now, items, lease, sync.now())


def _note_absent(conn: Connection, lease: Lease, absent: Sequence[str], begin: int) -> None:
    leases.check(conn, lease)
    sources.note_absent(conn, absent, begin)
