"""The leaky bucket that queries are paid from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Bucket:
    """A bucket that really runs empty.

    Attributes:
        capacity, per_second: points it holds at most, and regains.
        spent: points that were paid out of it, ever.
        throttled: how often it could not pay.
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
        """What it holds now."""
        now = self.clock()
        self._left = min(self.capacity, self._left + (now - self._at) * self.per_second)
        self._at = now
        return self._left

    def take(self, points: float) -> bool:
        """Pay, if it holds as much."""
        if self.left < points:
            self.throttled += 1
            return False
        self._left -= points
        self.spent += points
        return True

    def give_back(self, points: float) -> None:
        """What was asked for and not used."""
        self._left = min(self.capacity, self.left + points)
        self.spent -= points

    def drain(self) -> None:
        """Somebody else has taken all there was."""
        self._left = min(0.0, self.left)
