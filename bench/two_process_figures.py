"""The figures of `two_processes`: CPU milliseconds per request of two processes, relative to one."""

from __future__ import annotations

from collections.abc import Iterator

from bench.runner import Runs
from bench.table import Figure, format_ms
from bench.two_processes import VISITS

MAX_RATIO = 1.1


def list_process_figures(runs: Runs, orders: int, seed: int) -> Iterator[Figure]:
    """List the figures. The plain operation is one process, with as many clients as each of the two."""
    found = runs.run_once("two_processes", orders=orders, seed=seed)
    for kind in VISITS:
        two, one = found[f"{kind} two"], found[f"{kind} one"]
        met = two <= MAX_RATIO * one
        yield Figure(f"{kind}: CPU per request", format_ms(two), format_ms(one), two / one, f"{MAX_RATIO:g}", met)
