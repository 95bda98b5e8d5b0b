"""Wake-up: an event that follows the first of several notifications after a while, so that a burst is one event."""

from __future__ import annotations

import asyncio
import contextlib


class WakeUp:
    """Wakes one loop. `delay`: seconds between a notification and the event."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._event = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def notify(self) -> None:
        """Wake the loop after the delay."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._delay, self.set)

    def set(self) -> None:
        """Wake the loop now."""
        self._event.set()

    def clear(self) -> None:
        """Forget what was notified until now."""
        self._event.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def wait(self, seconds: float) -> None:
        """Wait until the loop is to run, at most for these seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # `wait_for` can lose a cancellation that comes with the event
                await self._event.wait()
