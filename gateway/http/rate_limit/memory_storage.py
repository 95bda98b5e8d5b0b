"""In-memory storage for the `limits` library: sliding window counters of one process.

The library's own storage uses the machine's clock, and scans all clients on every request. This one uses the gateway's
clock and has a bounded size: it evicts the least recently used clients.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from limits.aio.storage import SlidingWindowCounterSupport, Storage

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


class SlidingWindowStorage(Storage, SlidingWindowCounterSupport):
    """Sliding window counters of one process."""

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._clock = clock
        self._windows: OrderedDict[str, WindowCounts] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return ()

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count the amount, unless the sliding window that ends now would exceed the limit."""
        windows, elapsed = self._get_window(key, expiry)
        if windows.previous * (1 - elapsed) + windows.current + amount > limit:
            return False
        windows.current += amount
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return the previous window's count and the seconds for which it counts, then the same of the current one."""
        windows, elapsed = self._get_window(key, expiry)
        left = (1 - elapsed) * expiry
        return windows.previous, left, windows.current, left + expiry

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        self._windows.pop(key, None)

    def _get_window(self, key: str, expiry: int) -> tuple[WindowCounts, float]:
        """Return the client's windows, and the elapsed share of the current one."""
        number, elapsed = divmod(self._clock().timestamp() / expiry, 1)
        windows = self._windows.get(key)
        if windows is None:
            windows = self._windows[key] = WindowCounts(int(number))
            if len(self._windows) > MAX_CLIENTS:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(key)
        return windows.advance_to(int(number)), elapsed

    async def check(self) -> bool:
        return True

    async def reset(self) -> int | None:
        count = len(self._windows)
        self._windows.clear()
        return count

    async def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    # Fixed windows, which the gateway does not use, need the methods below.

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError

    async def get(self, key: str) -> int:
        raise NotImplementedError

    async def get_expiry(self, key: str) -> float:
        raise NotImplementedError
