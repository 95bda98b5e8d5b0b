"""How often an operation may be asked, as Amazon counts it, and how long tokens live."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

RATES = {
    "searchListingsItems": (5.0, 5),
    "getListingsItem": (5.0, 10),
    "getInventorySummaries": (2.0, 2),
    "searchOrders": (0.0056, 20),
    "getOrder": (0.5, 30),
    "patchListingsItem": (5.0, 5),
    "createFeedDocument": (0.5, 15),
    "createFeed": (0.0083, 15),
    "getFeeds": (0.0222, 10),
    "getFeed": (2.0, 15),
    "getFeedDocument": (0.0222, 10),
}
"""Requests a second, and at once. Source: the usage plans in Amazon's models, 2026-08."""

PAGE_TOKEN_LASTS = {"getInventorySummaries": 30.0}
"""Seconds; other tokens last longer than any pass."""

ACCESS_LASTS = 3600


@dataclass(frozen=True, slots=True)
class Times:
    """When what happens: see `twin.start`."""

    delay: float
    scale: float
    now: Callable[[], datetime]
    given: Callable[[], float] | None

    def fast(self) -> float:
        """The sandbox's own clock."""
        return time.monotonic() * self.scale

    def ticks(self) -> float:
        """The seconds by which tokens and delays go."""
        return self.given() if self.given else self.fast()

    @property
    def access_lasts(self) -> int:
        """What an access token's hour is in seconds of those who ask."""
        return ACCESS_LASTS if self.given else max(1, int(ACCESS_LASTS / self.scale))


@dataclass(slots=True)
class Bucket:
    """The requests that one operation has left."""

    per_second: float
    burst: int
    ticks: Callable[[], float]
    left: float
    at: float

    def take(self) -> bool:
        """Whether there was one left."""
        now = self.ticks()
        self.left = min(self.burst, self.left + (now - self.at) * self.per_second)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


def buckets(ticks: Callable[[], float]) -> dict[str, Bucket]:
    """Full ones for all operations."""
    return {name: Bucket(rate, burst, ticks, burst, ticks()) for name, (rate, burst) in RATES.items()}
