"""Time measurement."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median

Seconds = list[float]


async def time_runs(work: Callable[[], Awaitable[object]], times: int) -> Seconds:
    """Time this many runs, one after the other."""
    return [await time_once(work) for _ in range(times)]


async def time_once(work: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await work()
    return time.perf_counter() - begun


def compute_percentile(seconds: Sequence[float], share: float) -> float:
    """Return the smallest value that is not less than this share of them."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def summarize(name: str, seconds: Sequence[float]) -> dict[str, float]:
    """Summarize the median, 99th percentile and maximum in milliseconds, and the count."""
    found = {"p50": median(seconds), "p99": compute_percentile(seconds, 0.99), "max": max(seconds)}
    return {f"{name}_{key}": value * 1000 for key, value in found.items()} | {f"{name}_count": len(seconds)}
