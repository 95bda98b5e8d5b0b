"""Runs each measurement in a separate process, one after the other: no shared caches, heap or threads."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from rich.progress import Progress, TaskID

from bench.line_chart import Chart

Measured = dict[str, float]


class MeasurementError(Exception):
    """A measurement failed; the message is the output of its process."""


@dataclass(slots=True)
class Runs:
    """Runs measurements and shows the progress. `task`: the progress bar; `charts`: the folder of charts, if any."""

    progress: Progress
    task: TaskID
    charts: Path | None = None
    failures: list[str] = field(default_factory=list)

    def run_once(self, module: str, **arguments: Any) -> Measured:
        """Return the result of `bench.MODULE.measure(**arguments)`."""
        said = " ".join(f"{name} {value}" for name, value in arguments.items() if value is not None)
        self.progress.update(self.task, description=f"{module}: {said}")
        command = [sys.executable, "-m", "bench.child_process", module, json.dumps(arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.progress.advance(self.task)
        if done.returncode:
            raise MeasurementError(f"{module} failed:\n{done.stderr[-4000:]}")
        found: Measured = json.loads(done.stdout.splitlines()[-1])
        return found

    def write_chart(self, name: str, chart: Chart) -> None:
        """Write a chart to the folder of charts, if there is one."""
        if self.charts is not None:
            self.charts.mkdir(parents=True, exist_ok=True)
            (self.charts / f"{name}.svg").write_text(chart.render(), encoding="utf-8")

    def compute_medians(self, times: int, module: str, **arguments: Any) -> Measured:
        """Return the median of each figure over several runs, and the maximum for memory."""
        found = [self.run_once(module, **arguments) for _ in range(times)]
        return {name: (max if name == "memory" else median)(run[name] for run in found) for name in found[0]}
