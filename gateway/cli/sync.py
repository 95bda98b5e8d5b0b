"""One round of sync, with progress bars."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from gateway.cli.errors import CommandError
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.runtime.process import tune_process
from gateway.settings.schema import Settings
from gateway.storage.sync import feed_cursors, rejects
from gateway.storage.sync.rejects import FeedCounts
from gateway.sync import channel_sync, scheduler


@dataclass(frozen=True, slots=True)
class SyncResult:
    """The result of a round of sync.

    Attributes:
        problems: why channels or feeds were not read completely, a line each.
        summaries: how many records of each channel were read and rejected, a line each.
        rejected: number of rejected records.
    """

    problems: Sequence[str]
    summaries: Sequence[str]
    rejected: int


async def run_sync(settings: Settings, channel: str | None, *, sweep: bool, accept_absent: bool) -> SyncResult:
    """Read one channel or all channels."""
    if channel is not None and channel not in settings.channels:
        raise CommandError(f"there is no channel {channel}; expected one of {', '.join(settings.channels) or 'none'}")
    console = Console(stderr=True)
    bars = ProgressBars(console)
    async with open_gateway(settings, progress=bars.advance) as gateway:
        tune_process()
        keys = [key for key in gateway.channel_syncs if channel in (None, key)]
        problems = [model.failure for key, model in gateway.channels.items() if channel in (None, key)]
        for key in keys:
            await gateway.request_sync(key, sweep=sweep, accept_absent=accept_absent)
        with bars:
            problems += await _run_round(gateway, keys)
        counts = await _count_records(gateway, keys)
    for key, feeds in counts.items():
        problems += _list_rejected_feeds(key, feeds)
    failures = [problem for problem in problems if problem]
    for problem in failures:
        console.print(problem, style="red", markup=False, highlight=False, soft_wrap=True)
    summaries = [_summarize(key, bars.count_records(key), feeds.values()) for key, feeds in counts.items()]
    rejected = sum(feed.rejected for feeds in counts.values() for feed in feeds.values())
    return SyncResult(failures, summaries, rejected)


async def _count_records(gateway: Gateway, keys: Sequence[str]) -> Mapping[str, Mapping[str, FeedCounts]]:
    mapped = [item for location in gateway.locations.values() for item in location.external_ids.items()]
    return {key: await gateway.database.read(rejects.count_by_feed, key, mapped) for key in keys}


def _list_rejected_feeds(key: str, feeds: Mapping[str, FeedCounts]) -> list[str]:
    return [
        f"channel {key}, feed {feed}: every record was rejected; see `gateway rejects list`"
        for feed, counts in feeds.items()
        if counts.is_all_rejected
    ]


def _summarize(key: str, read: int, feeds: Collection[FeedCounts]) -> str:
    """Summarize the records of a channel: those that were read now, and those that are not applied by now."""
    rejected, warned = sum(feed.rejected for feed in feeds), sum(feed.warned for feed in feeds)
    return f"{key}: {read:,} read, {rejected:,} rejected, {warned:,} {'warning' if warned == 1 else 'warnings'}"


async def _run_round(gateway: Gateway, keys: Sequence[str]) -> list[str]:
    """Run what is due for these channels. Returns the problems."""
    holder = secrets.token_hex(8)
    problems: list[str] = []
    results = await scheduler.run_channels((gateway.channel_syncs[key] for key in keys), holder)
    for key, worked in zip(keys, results, strict=True):
        if not worked:
            problems.append(f"channel {key} was not read: it is paused, or a running `gateway serve` is reading it")
        for row in (await gateway.database.read(feed_cursors.find_cursors, key)).values():
            if row.fault_code is not None:
                problems.append(f"channel {key}, feed {row.feed}: {row.fault_code}: {row.fault_message}")
    await scheduler.stamp_log(gateway.write_throttle)
    await gateway.check_ready()
    return problems


class ProgressBars:
    """A progress bar for each feed that is read. The total is unknown until the feed ends."""

    def __init__(self, console: Console) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,} records"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=console)
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __enter__(self) -> ProgressBars:
        self._progress.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._progress.stop()

    def advance(self, step: channel_sync.SyncProgress) -> None:
        """Advance the bar of a feed by a page."""
        key = (step.channel, step.feed)
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(f"{step.channel} {step.feed}", total=None)
        task = self._tasks[key]
        self._progress.advance(task, step.records)
        if step.done:
            self._progress.update(task, total=self._progress.tasks[task].completed)  # 0: the feed is empty, and done

    def count_records(self, channel: str) -> int:
        """Count the records of a channel that were read."""
        return sum(
            int(self._progress.tasks[task].completed) for (key, _), task in self._tasks.items() if key == channel
        )
