"""Feed polling: reads a page, applies it, and advances the cursor (rules S1, S3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.channels.call_context import Urgency
from gateway.channels.open_channel import build_fault
from gateway.model.channels import Resource
from gateway.sdk.errors import BudgetSpentError, ChannelError, ContractError, CursorExpiredError, RejectedError
from gateway.sdk.feeds import Feed
from gateway.storage.database import Connection
from gateway.storage.sync import channel_health, feed_cursors, leases, source_records
from gateway.storage.sync.feed_cursors import DELTA, SWEEP, FeedCursorRow
from gateway.storage.sync.leases import Lease
from gateway.sync import deletion_detection
from gateway.sync.apply import ReadContext, ReadItem, apply_items
from gateway.sync.channel_sync import (
    FeedPass,
    SyncProgress,
    get_budget_retry_delay,
    record_failure,
)
from gateway.sync.decoding import begin_read, decode_items
from gateway.sync.listed_locations import apply_listed
from gateway.sync.pass_state import (
    advance_pass,
    end_pass,
    get_ephemeral_token,
    get_mark,
    is_complete_pass,
    keep_ephemeral_token,
    restart_pass,
    retry_or_restart,
    set_fault,
)
from gateway.sync.read_version import mark_reread, set_version

END_CHECK_PAGES = 1000
"""After this many pages it is checked whether they return new records: an endless pass would block the other feeds."""


class EndlessPassError(ContractError):
    """The feed returns page after page with hardly any new records."""


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page that was read: its items, the pass after it, and whether it is the last page."""

    read: ReadContext
    items: Sequence[ReadItem]
    row: FeedCursorRow
    is_last: bool


async def read_page(feed_pass: FeedPass, row: FeedCursorRow) -> FeedCursorRow:
    """Read the next page of a pass and apply it. Returns the pass after that; a failed call is stored as its fault."""
    try:
        row = await _confirm_pass(feed_pass, row)
        row = await _read_next_page(feed_pass, row)
    except EndlessPassError as error:
        return await _store_pass(
            feed_pass, set_fault(end_pass(feed_pass, row), build_fault(error, feed_pass.sync.now()))
        )
    except BudgetSpentError as error:
        return await _store_pass(feed_pass, replace(row, due_at=feed_pass.sync.now() + get_budget_retry_delay(error)))
    except CursorExpiredError as error:
        return await _fail_pass(feed_pass, restart_pass(feed_pass, row), error)
    except (ContractError, RejectedError) as error:
        return await _fail_pass(feed_pass, retry_or_restart(feed_pass, row), error)
    except ChannelError as error:
        return await _fail_pass(feed_pass, row, error)
    return await _acknowledge(feed_pass, row)


async def _read_next_page(feed_pass: FeedPass, row: FeedCursorRow) -> FeedCursorRow:
    sync, feed = feed_pass.sync, feed_pass.feed
    read = await begin_read(sync, feed)
    if row.begin is None:
        row = replace(row, begin=read.begin, begun_at=read.observed_at, reached=None, pages=0)
        row = set_version(sync, row) if get_mark(row) is None else row
    token, urgency = get_ephemeral_token(sync, row) or row.token, Urgency.SWEEP if row.kind == SWEEP else Urgency.DELTA
    page = await sync.channel.page(feed.name, get_mark(row), token, sync.table.call_deadline, urgency)
    if page.locations is not None and read.resource is Resource.STOCK and (row.pages == 0 or page.next is None):
        await apply_listed(feed_pass, page.locations)  # all pages of a pass list the same ones
    items = await decode_items(sync, feed, page.items)
    row = await _apply_page(feed_pass, ReadPage(read, items, advance_pass(feed_pass, row, page), page.next is None))
    if page.next is None and row.begin is not None:
        row = await _resolve_absences(feed_pass, row)
    keep_ephemeral_token(feed_pass, row, page)
    await _check_end(feed_pass, row)
    sync.refused_tokens.pop((row.feed, row.kind), None)
    sync.failures = 0
    sync.progress(SyncProgress(sync.key, feed.name, read.resource, len(items), page.next is None))
    return row


async def _check_end(feed_pass: FeedPass, row: FeedCursorRow) -> None:
    if row.begin is None or row.pages % END_CHECK_PAGES:
        return
    named = await feed_pass.sync.database.read(
        source_records.count_named, feed_pass.sync.key, feed_pass.feed.name, row.begin
    )
    if named < row.pages:
        raise EndlessPassError(
            f"feed {feed_pass.feed.name} returned only {named} records on {row.pages} pages, and does not end"
        )


async def _apply_page(feed_pass: FeedPass, page: ReadPage) -> FeedCursorRow:
    """Apply the items of a page in batches. The cursor is stored with the last one."""
    sync, row = feed_pass.sync, page.row
    for batch, is_last in sync.sizer.slice_items(feed_pass.feed.name, page.items):
        if not is_last:
            await sync.throttle.write(_apply_batch, feed_pass, page.read, batch)
        else:
            row = await sync.throttle.write(_apply_last_batch, feed_pass, page, batch)
    return row


def _apply_batch(conn: Connection, feed_pass: FeedPass, read: ReadContext, batch: Sequence[ReadItem]) -> None:
    sync, now = feed_pass.sync, feed_pass.sync.now()
    sync.sizer.time_batch(feed_pass.feed.name, len(batch), lambda: apply_items(conn, read, batch, feed_pass.lease, now))


def _apply_last_batch(
    conn: Connection, feed_pass: FeedPass, page: ReadPage, batch: Sequence[ReadItem]
) -> FeedCursorRow:
    row = page.row
    _apply_batch(conn, feed_pass, page.read, batch)
    channel_health.record_success(conn, feed_pass.sync.key, feed_pass.sync.now())
    if page.is_last and not (
        is_complete_pass(feed_pass.feed, row)
        and source_records.count_unnamed(conn, feed_pass.sync.key, feed_pass.feed.name, row.begin or 0)
    ):
        return _complete(conn, feed_pass, row)
    feed_cursors.store_cursor(conn, row)
    return row


async def _resolve_absences(feed_pass: FeedPass, row: FeedCursorRow) -> FeedCursorRow:
    """Resolve the records that the complete pass did not return."""
    fault = await deletion_detection.resolve_absent(feed_pass, row.begin or 0, row.accept_absent)
    if fault is not None:
        return await _store_pass(feed_pass, set_fault(end_pass(feed_pass, row), fault))
    return await feed_pass.sync.throttle.write(_complete_fenced, feed_pass, row)


def _complete_fenced(conn: Connection, feed_pass: FeedPass, row: FeedCursorRow) -> FeedCursorRow:
    leases.check_lease(conn, feed_pass.lease)
    return _complete(conn, feed_pass, row)


def _complete(conn: Connection, feed_pass: FeedPass, row: FeedCursorRow) -> FeedCursorRow:
    """Complete a pass and schedule the next one. Once all feeds are complete, the channel's first sync is done (rule
    S10).
    """
    sync = feed_pass.sync
    row = replace(
        end_pass(feed_pass, row),
        mark=row.reached or row.mark if row.kind == DELTA else None,
        completed_at=sync.now(),
        complete_as_of=row.begun_at,
        taken=type(feed_pass.feed).taken is Feed.taken,  # feeds that do not override it need no confirmation
        fault_code=None,
        fault_message=None,
        fault_retryable=None,
        fault_at=None,
    )
    feed_cursors.store_cursor(conn, row)
    if row.accept_absent:
        feed_cursors.clear_absent_accepted(conn, row)
    passes = feed_cursors.find_cursors(conn, sync.key)
    if (reread := mark_reread(passes, row)) is not None:
        feed_cursors.store_cursor(conn, reread)
    if all((feed, DELTA) in passes and passes[feed, DELTA].completed_at for feed in sync.channel.feeds):
        channel_health.mark_synced(conn, sync.key, sync.now())
    return row


async def _acknowledge(feed_pass: FeedPass, row: FeedCursorRow) -> FeedCursorRow:
    """Confirm a completed pass to the plugin. If that fails, it is repeated before the next page."""
    try:
        return await _confirm_pass(feed_pass, row)
    except ChannelError as error:
        return await _fail_pass(feed_pass, row, error)


async def _confirm_pass(feed_pass: FeedPass, row: FeedCursorRow) -> FeedCursorRow:
    """Tell the plugin that the pass is committed, at least once, so that it can release what it holds for the pass."""
    if row.taken:
        return row
    await feed_pass.sync.channel.confirm_pass(feed_pass.feed.name, row.mark, feed_pass.sync.table.call_deadline)
    return await _store_pass(feed_pass, replace(row, taken=True))


async def _fail_pass(feed_pass: FeedPass, row: FeedCursorRow, error: ChannelError) -> FeedCursorRow:
    """Store a fault. The pass continues later at the same page."""
    sync = feed_pass.sync
    row = set_fault(row, build_fault(error, sync.now()))
    return await _store_pass(feed_pass, replace(row, due_at=await record_failure(sync, error)))


async def _store_pass(feed_pass: FeedPass, row: FeedCursorRow) -> FeedCursorRow:
    await feed_pass.sync.throttle.write(_store_fenced, feed_pass.lease, row)
    return row


def _store_fenced(conn: Connection, lease: Lease, row: FeedCursorRow) -> None:
    leases.check_lease(conn, lease)
    feed_cursors.store_cursor(conn, row)
