"""Sliding window counters of one process: a client's cost in a fixed window, and a share of that in the previous one.

Why not the in-memory storage of the `limits` library: it uses the machine's clock, scans all clients on every request,
and has no bound. This one uses the gateway's clock, and evicts the least recently used clients.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

MAX_CLIENTS = 50_000
"""Clients that are counted. Each takes about 300 bytes."""


@dataclass(slots=True)
class WindowCounts:
    """Costs of one client in the window with this number, and in the previous one."""

    number: int
    current: int = 0
    previous: int = 0

    def advance_to(self, number: int) -> WindowCounts:
        """Advance to the window with this number."""
        if number != self.number:
            self.previous = self.current if number == self.number + 1 else 0
            self.current = 0
            self.number = number
        return self

    def add(self, amount: int, limit: int, elapsed: float) -> bool:
        """Count the amount, unless the sliding window that ends now would exceed the limit."""
        if self.previous * (1 - elapsed) + self.current + amount > limit:
            return False
        self.current += amount
        return True


class SlidingWindowStorage:
    """Sliding window counters of one process. `seconds`: the length of a window."""

    def __init__(self, clock: Callable[[], datetime], seconds: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._windows: OrderedDict[str, WindowCounts] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    def find_windows(self, key: str) -> tuple[WindowCounts, float]:
        """Return the client's windows as they are now, and the elapsed share of the current one."""
        number, elapsed = divmod(self._clock().timestamp() / self._seconds, 1)
        windows = self._windows.get(key)
        if windows is None:
            windows = self._windows[key] = WindowCounts(int(number))
            if len(self._windows) > MAX_CLIENTS:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(key)
        return windows.advance_to(int(number)), elapsed
