"""Work monitor: decides from a few statements which channels have work, so that idle ones cost nothing.

What it finds is a reason to look, not a decision: the loop of a channel checks again what is due.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.storage.reads.pending_work import ChannelWork, PassTime, PendingWork
from gateway.storage.sync.feed_cursors import DELTA
from gateway.sync.channel_sync import ChannelSync
from gateway.sync.webhook_inbox import INBOX


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is due.

    Attributes:
        reads: channels that are to be read; `writes`: channels that something is to be sent to.
        has_changes: the change log is to be handled; `has_expired`: something is to expire.
        has_identities: identities are to be recognized.
        notices: endpoints of webhooks that notices are to be sent to.
        next_at: when more is due that waits already.
    """

    reads: Collection[str]
    writes: Collection[str]
    has_changes: bool
    has_expired: bool
    has_identities: bool
    notices: Collection[str]
    next_at: datetime | None

    @property
    def is_due(self) -> bool:
        """Whether anything is due now."""
        has_shared = self.has_changes or self.has_expired or self.has_identities
        return bool(self.reads or self.writes or self.notices or has_shared)


def judge_work(
    pending: PendingWork,
    syncs: Mapping[str, ChannelSync],
    now: datetime,
    *,
    retries_unplaced: bool,
    notice_times: Mapping[str, datetime],
) -> Outlook:
    """Judge what is due. `retries_unplaced`: sales without a stock source are due, too. `notice_times`: when the next
    notice is due, by endpoint.
    """
    works = {key: work for key, work in pending.channels.items() if key in syncs}
    times = [time for key, work in works.items() for time in _list_times(syncs[key], work)]
    times += notice_times.values()
    times += [] if pending.expires_at is None else [pending.expires_at]
    return Outlook(
        reads=[key for key, work in works.items() if _has_reads(syncs[key], work)],
        writes=[
            key
            for key, work in works.items()
            if _has_writes(syncs[key], work, now) or (retries_unplaced and work.has_unplaced)
        ],
        has_changes=pending.has_changes and bool(syncs),
        has_expired=pending.expires_at is not None and pending.expires_at <= now,
        has_identities=pending.has_identities,
        notices=[name for name, due_at in notice_times.items() if due_at <= now],
        next_at=min((time for time in times if time > now), default=None),
    )


def _has_reads(sync: ChannelSync, work: ChannelWork) -> bool:
    is_hint_due = work.has_hints and not all(sync.is_backing_off(feed) for feed in sync.channel.live_feeds)
    has_deliveries = work.has_deliveries and not sync.is_backing_off(INBOX)
    return has_deliveries or is_hint_due or any(_is_pass_due(sync, time) for time in _list_passes(sync, work))


def _list_passes(sync: ChannelSync, work: ChannelWork) -> Iterator[PassTime]:
    """List the passes of feeds that the channel still has."""
    return (time for time in work.passes if time.feed in sync.channel.feeds)


def _is_pass_due(sync: ChannelSync, time: PassTime) -> bool:
    feed = sync.channel.feeds[time.feed]
    return sync.is_due(time.due_at, sync.get_interval(feed) if time.kind == DELTA else sync.table.sweep_every)


def _has_writes(sync: ChannelSync, work: ChannelWork, now: datetime) -> bool:
    times = (work.command_at, work.proof_at, _get_confirmation_time(sync, work))
    return work.has_pushes or any(time is not None and time <= now for time in times)


def _list_times(sync: ChannelSync, work: ChannelWork) -> Iterable[datetime]:
    """List when the channel has work."""
    yield from (time.due_at for time in _list_passes(sync, work))
    yield from sync.backoff_until.values()
    times = (work.command_at, work.proof_at, _get_confirmation_time(sync, work))
    yield from (time for time in times if time is not None)


def _get_confirmation_time(sync: ChannelSync, work: ChannelWork) -> datetime | None:
    """Return when a quantity that the channel has accepted must be shown."""
    return None if work.accepted_at is None else work.accepted_at + sync.channel.traits.max_processing
