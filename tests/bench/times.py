"""How long things take."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median

Seconds = list[float]


async def timed(work: Callable[[], Awaitable[object]], times: int) -> Seconds:
    """How long each of so many runs takes, one after the other."""
    return [await once(work) for _ in range(times)]


async def once(work: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await work()
    return time.perf_counter() - begun


def percentile(seconds: Sequence[float], share: float) -> float:
    """The least of these that is not less than this share of them."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def summary(name: str, seconds: Sequence[float]) -> dict[str, float]:
    """Median, 99th percentile and maximum in milliseconds, and how many there were."""
    found = {"p50": median(seconds), "p99": percentile(seconds, 0.99), "max": max(seconds)}
    return {f"{name}_{key}": value * 1000 for key, value in found.items()} | {f"{name}_count": len(seconds)}
