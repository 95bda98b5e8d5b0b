"""Reading single records: for a hint, for a shopper who waits, or to confirm that one is gone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from gateway.sdk.errors import BudgetSpentError, ChannelError, ContractError, RejectedError
from gateway.sdk.feeds import AnyFeed, Raw
from gateway.sdk.records import Gone, Ref
from gateway.storage import sources
from gateway.sync.channel import LATEST, SOON, Syncing, fail, resource_of, spared
from gateway.sync.reading import items, reading
from gateway.sync.take import Item, take


async def refresh(
    sync: Syncing, feed: AnyFeed, refs: Sequence[Ref], deadline: timedelta, *, live: bool = False
) -> Collection[str]:
    """Read these records now and apply what they say; the ids of those that were answered.

    Raises:
        ChannelError: the channel could not be asked.
    """
    now = await reading(sync, feed, fetched=True)
    answers = await sync.channel.fetch(feed.name, refs, deadline, live=live)
    found = await _items(sync, feed, answers)
    write = sync.database.write if live else sync.turns.write  # somebody waits
    for some, _ in sync.pace.slices(feed.name, found):
        await write(take, now, some, None, sync.now())
    return {item.id for item in found}


async def _items(sync: Syncing, feed: AnyFeed, answers: Mapping[str, Raw | Gone | ChannelError]) -> list[Item]:
    """What a fetch answered, but for the records that it failed on: of those nothing is known."""
    raws = [answer for answer in answers.values() if isinstance(answer, Raw)]
    gone = [Item(id_, None, answer) for id_, answer in answers.items() if isinstance(answer, Gone)]
    return [*(await items(sync, feed, raws)), *gone]


async def reread(sync: Syncing, feed: AnyFeed, most: int) -> int:
    """Read records again that somebody asked for (rule S2); how many there were.

    Those that fail wait a little, behind the others: records that always fail must not keep the others waiting.
    """
    if sync.rests(feed.name):
        return 0
    most = min(most, sync.few.get(feed.name, most))
    waiting = await sync.database.read(sources.dirty, sync.key, feed.name, most)
    if not waiting:
        return 0
    refs = [Ref(source.external_id, source.note) for source in waiting]
    try:
        answered = await refresh(sync, feed, refs, sync.table.call_deadline)
    except BudgetSpentError as error:
        sync.resting[feed.name] = sync.now() + spared(error)
        return len(waiting)
    except ChannelError as error:
        if isinstance(error, (ContractError, RejectedError)):
            await _single_out(sync, feed, [source.external_id for source in waiting])
        sync.resting[feed.name] = await fail(sync, error)
        return len(waiting)
    sync.resting.pop(feed.name, None)
    sync.few.pop(feed.name, None)
    failed = [source.external_id for source in waiting if source.external_id not in answered]
    if failed:
        await sync.turns.write(sources.hint, sync.key, resource_of(feed).value, feed.name, failed, sync.now())
        sync.resting[feed.name] = sync.now() + (SOON if answered else LATEST / 4)
    return len(waiting)


async def _single_out(sync: Syncing, feed: AnyFeed, ids: Sequence[str]) -> None:
    """One of them may be why all failed: half as many are asked for next. One that fails alone waits behind others."""
    sync.few[feed.name] = max(1, len(ids) // 2)
    if len(ids) == 1:
        await sync.turns.write(sources.hint, sync.key, resource_of(feed).value, feed.name, ids, sync.now())
