"""Rate limits of operations, as documented by Amazon, and lifetimes of tokens."""

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
"""Requests per second, and burst. Source: the usage plans in Amazon's models, 2026-08."""

TOKEN_LIFETIME = 3600


@dataclass(frozen=True, slots=True)
class SandboxClock:
    """The clock of the sandbox: see `sandbox.start`."""

    delay: float
    scale: float
    now: Callable[[], datetime]
    external_ticks: Callable[[], float] | None

    def get_scaled_seconds(self) -> float:
        """Return the seconds of the sandbox's own clock."""
        return time.monotonic() * self.scale

    def get_seconds(self) -> float:
        """Return the seconds that apply to tokens and delays."""
        return self.external_ticks() if self.external_ticks else self.get_scaled_seconds()

    @property
    def token_lifetime(self) -> int:
        """Lifetime of an access token in seconds of the client."""
        return TOKEN_LIFETIME if self.external_ticks else max(1, int(TOKEN_LIFETIME / self.scale))


@dataclass(slots=True)
class RateBucket:
    """The rate bucket of an operation."""

    per_second: float
    burst: int
    ticks: Callable[[], float]
    left: float
    at: float

    def take(self) -> bool:
        """Take a request from the bucket; False if it is empty."""
        now = self.ticks()
        self.left = min(self.burst, self.left + (now - self.at) * self.per_second)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


def build_buckets(ticks: Callable[[], float]) -> dict[str, RateBucket]:
    """Build full buckets for all operations."""
    return {name: RateBucket(rate, burst, ticks, burst, ticks()) for name, (rate, burst) in RATES.items()}
