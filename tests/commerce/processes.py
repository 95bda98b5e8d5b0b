"""Processes that start their work at the same moment."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def run_processes(module: str, processes: int, *arguments: object) -> list[Any]:
    """Run a module in several processes at once and return their output, parsed as JSON.

    Each is `python -m MODULE ARGUMENTS`, prints `ready` when it is prepared, and starts when it reads a line: all
    get the line when the last one is ready.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with ExitStack() as stack:
        running = [stack.enter_context(_start(command)) for _ in range(processes)]
        for one in running:
            stack.callback(one.kill)  # no process survives when another one has failed
        return _collect_output(running)


def _start(command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _collect_output(running: Sequence[subprocess.Popen[str]]) -> list[Any]:
    for one in running:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    outs = [one.communicate()[0] for one in running]
    assert [one.returncode for one in running] == [0] * len(running)
    return [json.loads(out) for out in outs]
