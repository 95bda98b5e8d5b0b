"""What clients have cost lately, counted in memory: the storage that the `limits` library counts in.

Its own counts by the time of the machine, and looks through all of its clients whenever one of them asks. This one goes
by the gateway's clock, and has a bounded room: those that were quiet longest are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from limits.aio.storage import SlidingWindowCounterSupport, Storage

REMEMBERED = 50_000
"""Clients. Some 300 bytes each."""


@dataclass(slots=True)
class Windows:
    """What one client has cost: in the window with this number, and in the one before."""

    number: int
    now: int = 0
    before: int = 0

    def at(self, number: int) -> Windows:
        """Moved on to this window."""
        if number != self.number:
            self.before = self.now if number == self.number + 1 else 0
            self.now = 0
            self.number = number
        return self


class Counters(Storage, SlidingWindowCounterSupport):
    """The counts of one process."""

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._clock = clock
        self._known: OrderedDict[str, Windows] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return ()

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count this, if it is not too much together with what was counted within the window that ends now."""
        windows, gone = self._at(key, expiry)
        if windows.before * (1 - gone) + windows.now + amount > limit:
            return False
        windows.now += amount
        return True

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """What was counted in the window before, and for how many seconds that counts; the same of this window."""
        windows, gone = self._at(key, expiry)
        left = (1 - gone) * expiry
        return windows.before, left, windows.now, left + expiry

    async def clear_sliding_window(self, key: str, expiry: int) -> None:
        self._known.pop(key, None)

    def _at(self, key: str, expiry: int) -> tuple[Windows, float]:
        """The client's windows, and the part of the present one that is over."""
        number, gone = divmod(self._clock().timestamp() / expiry, 1)
        windows = self._known.get(key)
        if windows is None:
            windows = self._known[key] = Windows(int(number))
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return windows.at(int(number)), gone

    async def check(self) -> bool:
        return True

    async def reset(self) -> int | None:
        found = len(self._known)
        self._known.clear()
        return found

    async def clear(self, key: str) -> None:
        self._known.pop(key, None)

    # A fixed window, which nothing here asks for, would need these.

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError

    async def get(self, key: str) -> int:
        raise NotImplementedError

    async def get_expiry(self, key: str) -> float:
        raise NotImplementedError
