"""A thorough look: what the gateway knows against itself, and against what every channel says now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.commerce import pushing
from gateway.commerce.ground import Ground
from gateway.model.channels import Resource
from gateway.sdk.errors import ChannelError
from gateway.sdk.feeds import Raw
from gateway.sdk.records import Ref, StockRecord
from gateway.storage import checking, outbox, pushes
from gateway.storage.checking import Counted
from gateway.storage.database import Connection, Database
from gateway.storage.outbox import OutboxState
from gateway.storage.reservations import Spot
from gateway.storage.rows import slices
from gateway.sync.channel import Syncing, resource_of

AT_ONCE = 100


@dataclass(slots=True)
class Findings:
    """What was found, a line each.

    Attributes:
        differences: what should be equal, and is not.
        under_way: what is different because something is still being told.
        shortages: more is sold than there is, and other things that people have to see to.
        unasked: channels that could not be asked, and why.
    """

    differences: list[str] = field(default_factory=list)
    under_way: list[str] = field(default_factory=list)
    shortages: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)


async def examine(database: Database, syncing: Iterable[Syncing], ground: Ground) -> Findings:
    """Compare ledger, projection and channels."""
    found = Findings()
    for one in await database.read(checking.unbalanced):
        found.differences.append(f"{_named(one.spot)}: {one.held} held, but {one.claimed} spoken for")
    await _shortages(database, ground, found)
    for sync in syncing:
        await _ask(sync, ground, found)
    return found


async def _shortages(database: Database, ground: Ground, found: Findings) -> None:
    places = [(place.authority, place.external_ids[place.authority]) for place in ground.locations.values()]
    for one in await database.read(checking.short, places):
        found.shortages.append(f"{_named(one.spot)}: {one.spoken_for} spoken for, {one.on_hand} there")
    for task in await database.read(checking.tasks):
        until = f" (until {task.due_at:%Y-%m-%d %H:%M} UTC)" if task.due_at else ""
        found.shortages.append(f"order {task.number}: {task.kind}: {task.note}{until}")
    dead = await database.read(_dead)
    found.shortages += [f"outbox: {one.operation} of {one.subject} in {one.channel_key} is dead" for one in dead]


def _dead(conn: Connection) -> Sequence[outbox.OutboxEntry]:
    rows = outbox.entries((OutboxState.DEAD.value,))
    return [rows.read(row) for row in conn.execute(rows.statement)]


async def _ask(sync: Syncing, ground: Ground, found: Findings) -> None:
    known = await sync.database.read(checking.counted, sync.key)
    moving = await sync.database.read(checking.moving)
    offered = await sync.database.read(_offered, sync.key, ground)
    mine = {place.external_ids[sync.key] for place in ground.locations.values() if place.authority == sync.key}
    try:
        async for counter, there in _told(sync, [one for one in known if one.spot[2] in mine]):
            _compare(sync, counter, there, moving, found)
    except ChannelError as error:
        found.unasked.append(f"{sync.key}: {error}")
    for listing, wanted, published in offered:
        found.under_way.append(f"{sync.key} offers {published} of {listing}, and is to offer {wanted}")


async def _told(sync: Syncing, known: Sequence[Counted]) -> AsyncIterator[tuple[Counted, int | None]]:
    """What the channel counts now, by what is known of it."""
    for feed in (feed for feed in sync.channel.live_feeds.values() if resource_of(feed) is Resource.STOCK):
        mine = [one for one in known if one.feed == feed.name]
        for some in slices(mine, AT_ONCE):
            answers = await sync.channel.fetch(feed.name, [Ref(one.record) for one in some], sync.table.call_deadline)
            raws = {id_: raw for id_, raw in answers.items() if isinstance(raw, Raw)}
            said = dict(zip(raws, await sync.channel.read(feed.name, list(raws.values())), strict=True))
            for one in some:
                record = said.get(one.record)
                yield one, record.base if isinstance(record, StockRecord) else None


def _compare(sync: Syncing, counter: Counted, there: int | None, moving: Mapping[Spot, int], found: Findings) -> None:
    if there == counter.on_hand:
        return
    line = f"{_named(counter.spot)}: the gateway knows {counter.on_hand}, the channel says {there}"
    if there is not None and counter.on_hand - there == moving.get(counter.spot, 0) != 0:
        found.under_way.append(line)
    else:
        found.differences.append(line)


def _offered(conn: Connection, channel: str, ground: Ground) -> list[tuple[str, int | None, int | None]]:
    if pushes.arming(conn, channel).armed_at is None:
        return []
    return [(one.offer.external_id, one.wanted, one.offer.published) for one in pushing.plan(conn, channel, ground)]


def _named(spot: Spot) -> str:
    channel, item, place = spot
    return f"{channel}, {item} in {place}"
