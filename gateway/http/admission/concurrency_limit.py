"""Adaptive concurrency limit: as few requests at once as keep the processor busy.

All requests of a process compute on one processor core. Requests that compute at the same time gain nothing and slow
each other down; while one waits for a remote database, another can compute.
"""

from __future__ import annotations

from dataclasses import dataclass

MIN_CONCURRENCY, MAX_CONCURRENCY = 1, 16
"""Requests at once. With more the connection pool of the database runs out."""

MAX_SLOWDOWN = 1.6
"""Average duration of requests, as a multiple of the baseline, above which the limit decreases."""

MIN_IDLE_SHARE = 0.25
"""Share of a request's duration in which the processor is idle, above which the limit increases."""

SMOOTHING = 0.1
"""Weight of the latest request in the moving averages."""


@dataclass(slots=True)
class ConcurrencyLimit:
    """How many requests are in progress at once, from their durations. Durations are in seconds, without waits.

    Attributes:
        limit: the limit. It is rounded down.
        baseline: duration of a request that runs alone, or None before the first request.
        average: duration of a request among others.
        idle: share of that duration in which the process computes nothing.
    """

    limit: float = MIN_CONCURRENCY
    baseline: float | None = None
    average: float = 0.0
    idle: float = 0.0

    def record(self, duration: float, computed: float, concurrency: int) -> None:
        """Record a completed request and adjust the limit.

        Args:
            duration: seconds that the request took.
            computed: seconds of processor time that the process used meanwhile.
            concurrency: most requests that were in progress meanwhile, with this one.
        """
        self._update_averages(duration, computed, concurrency)
        if self.average > MAX_SLOWDOWN * (self.baseline or 0.0):
            self.limit = max(MIN_CONCURRENCY, self.limit - 1 / self.limit)
        elif concurrency >= int(self.limit) and self.idle > MIN_IDLE_SHARE:
            self.limit = min(MAX_CONCURRENCY, self.limit + 0.2 / self.limit)

    def _update_averages(self, duration: float, computed: float, concurrency: int) -> None:
        self.average += (duration - self.average) * SMOOTHING if self.average else duration
        self.idle += (max(0.0, 1 - computed / duration) - self.idle) * SMOOTHING if duration else 0.0
        if self.baseline is None:
            self.baseline = duration / concurrency
        elif concurrency == 1:
            self.baseline += (duration - self.baseline) * SMOOTHING
        else:  # rises slowly where no request runs alone, because the queries of clients change
            self.baseline += min(0.0, duration - self.baseline) * SMOOTHING + self.baseline * 0.0005
