"""The leaky bucket of query costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class CostBucket:
    """A leaky bucket.

    Attributes:
        capacity, per_second: Maximum number of points, and points that are restored each second.
        spent: Points spent since the start.
        throttled: Number of requests that were throttled.
    """

    capacity: float = 1000
    per_second: float = 100
    clock: Callable[[], float] = time.monotonic
    spent: float = 0
    throttled: int = 0
    _left: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._left, self._at = self.capacity, self.clock()

    @property
    def left(self) -> float:
        """Points that are available now."""
        now = self.clock()
        self._left = min(self.capacity, self._left + (now - self._at) * self.per_second)
        self._at = now
        return self._left

    def take(self, points: float) -> bool:
        """Spend points if they are available."""
        if self.left < points:
            self.throttled += 1
            return False
        self._left -= points
        self.spent += points
        return True

    def refund(self, points: float) -> None:
        """Return points that were requested and not used."""
        self._left = min(self.capacity, self.left + points)
        self.spent -= points

    def drain(self) -> None:
        """Remove all points, as another client would."""
        self._left = min(0.0, self.left)
