"""Retry schedule: when a notice is sent again, and when its endpoint is paused (rule N3)."""

from __future__ import annotations

import random
from datetime import timedelta

RETRY_DELAYS = (
    *(timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=3), timedelta(minutes=15), timedelta(hours=1)),
    *(timedelta(hours=3), timedelta(hours=6)),
    *(timedelta(hours=12) for _ in range(5)),
)
"""After the first, second, … try. Together three days."""

PAUSE_AFTER = timedelta(days=1)
"""How long an endpoint fails until it is paused."""

JITTER = 0.1
"""A delay is shorter by up to this share, so that what failed together is not sent together."""


def compute_retry_delay(attempts: int) -> timedelta | None:
    """Compute when a notice is sent again that has failed so often. None: not at all."""
    if attempts > len(RETRY_DELAYS):
        return None
    delay: timedelta = RETRY_DELAYS[attempts - 1] * random.uniform(1 - JITTER, 1)  # noqa: S311 jitter, no secret
    return max(delay, RETRY_DELAYS[0])
