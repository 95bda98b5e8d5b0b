"""One round of sync, watched."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from gateway.cli.errors import CommandError
from gateway.runtime import Gateway, open_gateway, settle
from gateway.settings import Settings
from gateway.storage import passes
from gateway.sync import schedule
from gateway.sync.channel import Progress as Step


async def synced(settings: Settings, channel: str | None, *, sweep: bool, accept_absent: bool) -> bool:
    """Read what there is of one channel or all; whether all of it went well."""
    if channel is not None and channel not in settings.channels:
        raise CommandError(f"there is no channel {channel}; expected one of {', '.join(settings.channels) or 'none'}")
    console = Console(stderr=True)
    bars = Bars(console)
    async with open_gateway(settings, progress=bars.step) as gateway:
        settle()
        keys = [key for key in gateway.syncing if channel in (None, key)]
        problems = [model.failure for key, model in gateway.channels.items() if channel in (None, key)]
        for key in keys:
            await gateway.make_due(key, sweep=sweep, accept_absent=accept_absent)
        with bars:
            problems += await _round(gateway, keys)
    told = [problem for problem in problems if problem]
    for problem in told:
        console.print(problem, style="red", markup=False, highlight=False, soft_wrap=True)
    return not told


async def _round(gateway: Gateway, keys: Sequence[str]) -> list[str]:
    """Do what is due for these channels; what went wrong."""
    holder = secrets.token_hex(8)
    problems: list[str] = []
    done = await schedule.run_channels((gateway.syncing[key] for key in keys), holder)
    for key, worked in zip(keys, done, strict=True):
        if not worked:
            problems.append(f"channel {key} was not read: it is paused, or a running `gateway serve` is reading it")
        for row in (await gateway.database.read(passes.of_channel, key)).values():
            if row.fault_code is not None:
                problems.append(f"channel {key}, feed {row.feed}: {row.fault_code}: {row.fault_message}")
    await schedule.stamp(gateway.turns)
    await gateway.ready()
    return problems


class Bars:
    """A bar for each feed that is being read. How long it will be is not known before it is."""

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

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._progress.stop()

    def step(self, step: Step) -> None:
        """A page has been taken."""
        key = (step.channel, step.feed)
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(f"{step.channel} {step.feed}", total=None)
        task = self._tasks[key]
        self._progress.advance(task, step.records)
        if step.done:
            self._progress.update(task, total=self._progress.tasks[task].completed or 1)
