"""Refetch: reads single records for hints, for live reads of clients, and to confirm deletions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from gateway.sdk.errors import BudgetSpentError, ChannelError, ContractError, RejectedError
from gateway.sdk.feeds import AnyFeed, Raw
from gateway.sdk.records import Gone, Ref
from gateway.storage.sync import source_records
from gateway.sync.apply import ReadItem, apply_items
from gateway.sync.channel_sync import (
    MAX_RETRY_DELAY,
    MIN_RETRY_DELAY,
    ChannelSync,
    get_budget_retry_delay,
    get_resource,
    record_failure,
)
from gateway.sync.decoding import begin_read, decode_items


async def refresh_records(
    sync: ChannelSync, feed: AnyFeed, refs: Sequence[Ref], deadline: timedelta, *, live: bool = False
) -> Collection[str]:
    """Fetch and apply records. Returns the IDs of those that the channel answered.

    Args:
        live: a client waits for the result: the write is not throttled.

    Raises:
        ChannelError: the fetch failed.
    """
    read = await begin_read(sync, feed, fetched=True)
    answers = await sync.channel.fetch(feed.name, refs, deadline, live=live)
    read_items = await _decode_answers(sync, feed, answers)
    write = sync.database.write if live else sync.throttle.write  # a client waits
    for batch, _ in sync.sizer.slice_items(feed.name, read_items):
        await write(apply_items, read, batch, None, sync.now())
    return {item.id for item in read_items}


async def _decode_answers(
    sync: ChannelSync, feed: AnyFeed, answers: Mapping[str, Raw | Gone | ChannelError]
) -> list[ReadItem]:
    """Decode the answers of a fetch. Records that failed are left out."""
    raws = [answer for answer in answers.values() if isinstance(answer, Raw)]
    gone = [ReadItem(id_, None, answer) for id_, answer in answers.items() if isinstance(answer, Gone)]
    return [*(await decode_items(sync, feed, raws)), *gone]


async def refetch_dirty(sync: ChannelSync, feed: AnyFeed, limit: int) -> int:
    """Refetch records that were marked dirty (rule S2). Returns how many there were.

    Records that fail are moved behind the others, so that they do not block them.
    """
    if sync.is_backing_off(feed.name):
        return 0
    limit = min(limit, sync.fetch_limits.get(feed.name, limit))
    dirty = await sync.database.read(source_records.find_dirty, sync.key, feed.name, limit)
    if not dirty:
        return 0
    refs = [Ref(source.external_id, source.note) for source in dirty]
    try:
        answered = await refresh_records(sync, feed, refs, sync.table.call_deadline)
    except BudgetSpentError as error:
        sync.backoff_until[feed.name] = sync.now() + get_budget_retry_delay(error)
        return len(dirty)
    except ChannelError as error:
        if isinstance(error, (ContractError, RejectedError)):
            await _isolate_failing(sync, feed, [source.external_id for source in dirty])
        sync.backoff_until[feed.name] = await record_failure(sync, error)
        return len(dirty)
    sync.backoff_until.pop(feed.name, None)
    sync.fetch_limits.pop(feed.name, None)
    failed = [source.external_id for source in dirty if source.external_id not in answered]
    if failed:
        await sync.throttle.write(
            source_records.hint_records, sync.key, get_resource(feed).value, feed.name, failed, sync.now()
        )
        sync.backoff_until[feed.name] = sync.now() + (MIN_RETRY_DELAY if answered else MAX_RETRY_DELAY / 4)
    return len(dirty)


async def _isolate_failing(sync: ChannelSync, feed: AnyFeed, ids: Sequence[str]) -> None:
    """Halve the fetch size, because one record may be why all failed. A record that fails alone is moved behind the
    others.
    """
    sync.fetch_limits[feed.name] = max(1, len(ids) // 2)
    if len(ids) == 1:
        await sync.throttle.write(
            source_records.hint_records, sync.key, get_resource(feed).value, feed.name, ids, sync.now()
        )
