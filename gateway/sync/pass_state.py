"""State of a pass: how it advances, ends, restarts and fails (rule S3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from gateway.model.channels import Fault
from gateway.sdk.feeds import AnyFeed, Page
from gateway.storage.sync.feed_cursors import DELTA, SWEEP, FeedCursorRow
from gateway.sync.channel_sync import (
    ChannelSync,
    FeedPass,
    get_resource,
)
from gateway.sync.read_version import is_outdated, restart_outdated

UPGRADES_ONLY = timedelta(days=50 * 365)
"""Interval of sweeps of a feed that does not list everything: only an upgrade lets one begin."""

MAX_TOKEN_TRIES = 5
"""Contract errors for one page token before the pass restarts, because the token may be the cause."""


def get_mark(row: FeedCursorRow) -> str | None:
    """Return the mark to read from. A sweep reads everything."""
    return row.mark if row.kind == DELTA else None


def advance_pass(feed_pass: FeedPass, row: FeedCursorRow, page: Page) -> FeedCursorRow:
    """Advance the pass by a page. The mark advances only if the feed is ascending (rule S3)."""
    row = replace(row, pages=row.pages + 1, reached=page.mark or row.reached, token=page.next if page.resume else None)
    if (
        row.kind == DELTA
        and feed_pass.feed.ascending
        and page.mark is not None
        and not is_complete_pass(feed_pass.feed, row)
    ):
        return replace(row, mark=page.mark)
    return row


def is_complete_pass(feed: AnyFeed, row: FeedCursorRow) -> bool:
    """Whether the pass returns all records, so that missing ones are absent."""
    return feed.lists_all and get_mark(row) is None


def keep_ephemeral_token(feed_pass: FeedPass, row: FeedCursorRow, page: Page) -> None:
    """Keep an ephemeral token in memory only: after a restart the pass begins anew."""
    key = (feed_pass.feed.name, row.kind)
    if page.next is not None and not page.resume:
        feed_pass.sync.ephemeral_tokens[key] = (row.begin, row.pages, page.next)
    else:
        feed_pass.sync.ephemeral_tokens.pop(key, None)


def get_ephemeral_token(sync: ChannelSync, row: FeedCursorRow) -> str | None:
    """Return the ephemeral token with which this pass continues; None if there is none."""
    begin, pages, token = sync.ephemeral_tokens.get((row.feed, row.kind), (None, 0, None))
    return token if (begin, pages) == (row.begin, row.pages) else None


def end_pass(feed_pass: FeedPass, row: FeedCursorRow) -> FeedCursorRow:
    begun = row.begun_at or feed_pass.sync.now()
    due_at = max(begun + _get_interval(feed_pass, row), feed_pass.sync.now())
    return replace(row, token=None, begin=None, begun_at=None, reached=None, due_at=due_at)


def _get_interval(feed_pass: FeedPass, row: FeedCursorRow) -> timedelta:
    if row.kind == DELTA:
        return feed_pass.sync.get_interval(feed_pass.feed)
    return feed_pass.sync.table.sweep_every if feed_pass.feed.lists_all else UPGRADES_ONLY


def restart_pass(feed_pass: FeedPass, row: FeedCursorRow) -> FeedCursorRow:
    feed_pass.sync.ephemeral_tokens.pop((feed_pass.feed.name, row.kind), None)
    return replace(row, token=None, begin=None, begun_at=None, reached=None)


def retry_or_restart(feed_pass: FeedPass, row: FeedCursorRow) -> FeedCursorRow:
    """Retry the page after a contract error; restart the pass if its token keeps failing."""
    key, token = (row.feed, row.kind), get_ephemeral_token(feed_pass.sync, row) or row.token
    if token is None:
        return row
    before, times = feed_pass.sync.refused_tokens.get(key, ("", 0))
    times = times + 1 if before == token else 1
    feed_pass.sync.refused_tokens[key] = (token, times % MAX_TOKEN_TRIES)
    return row if times < MAX_TOKEN_TRIES else restart_pass(feed_pass, row)


def set_fault(row: FeedCursorRow, fault: Fault) -> FeedCursorRow:
    return replace(
        row,
        fault_code=fault.code.value,
        fault_message=fault.message,
        fault_retryable=fault.retryable,
        fault_at=fault.occurred_at,
    )


def list_new_passes(
    sync: ChannelSync, feed: AnyFeed, passes: Mapping[tuple[str, str], FeedCursorRow]
) -> list[FeedCursorRow]:
    """List the passes of a feed to store: those that it should have, and one that must read an upgraded feed again."""
    delta = passes.get((feed.name, DELTA))
    if delta is None:
        return [_build_pass(sync, feed, DELTA, None)]
    sweep = passes.get((feed.name, SWEEP))
    if sweep is None and delta.mark is not None and (feed.lists_all or is_outdated(sync, delta)):
        sweep = _build_pass(sync, feed, SWEEP, delta.version)
        return [restart_outdated(sync, feed, sweep) or sweep]
    restarted = restart_outdated(sync, feed, sweep)
    return [] if restarted is None else [restarted]


def _build_pass(sync: ChannelSync, feed: AnyFeed, kind: str, version: str | None) -> FeedCursorRow:
    due_at = sync.now() if kind == DELTA else sync.now() + sync.table.sweep_every
    return FeedCursorRow(
        channel=sync.key,
        feed=feed.name,
        kind=kind,
        resource=get_resource(feed).value,
        due_at=due_at,
        version=version,
    )
