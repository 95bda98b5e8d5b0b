"""Measurements, each in a process of its own, one after the other: none inherits another's caches, heap or threads."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.progress import Progress, TaskID

Measured = dict[str, float]


class MeasurementError(Exception):
    """A measurement failed; what its process said."""


@dataclass(slots=True)
class Runs:
    """Runs measurements, and shows which one. `task`: the bar of all that are planned."""

    progress: Progress
    task: TaskID
    failures: list[str] = field(default_factory=list)

    def once(self, module: str, **arguments: Any) -> Measured:
        """What `tests.bench.MODULE.measure(**arguments)` gives."""
        said = " ".join(f"{name} {value}" for name, value in arguments.items() if value is not None)
        self.progress.update(self.task, description=f"{module}: {said}")
        command = [sys.executable, "-m", "tests.bench.child", module, json.dumps(arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.progress.advance(self.task)
        if done.returncode:
            raise MeasurementError(f"{module} failed:\n{done.stderr[-4000:]}")
        found: Measured = json.loads(done.stdout.splitlines()[-1])
        return found

    def medians(self, times: int, module: str, **arguments: Any) -> Measured:
        """Of each figure the median over so many runs; the memory is the most of them."""
        found = [self.once(module, **arguments) for _ in range(times)]
        return {name: (max if name == "memory" else median)(run[name] for run in found) for name in found[0]}
