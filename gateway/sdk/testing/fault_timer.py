"""Timer that ends the fault of a sandbox, for `Sandbox.fault` with a duration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from gateway.sdk.testing.sandbox import FAULTS, SandboxError

ClearFault = Callable[[], Coroutine[Any, Any, None]]
"""Clears the fault of a sandbox, for example ``lambda: self.fault("ok")``."""


def check_fault(mode: str) -> None:
    """Check the name of a fault.

    Raises:
        SandboxError: The name is not one of `FAULTS`.
    """
    if mode not in FAULTS:
        raise SandboxError(f"mode: expected one of {', '.join(FAULTS)}, found {mode}")


class FaultTimer:
    """Clears the fault of a sandbox after some seconds. It runs in the event loop of the sandbox."""

    def __init__(self, clear_fault: ClearFault) -> None:
        self._clear_fault = clear_fault
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, seconds: float) -> None:
        """Clear the fault after this many seconds."""
        self._timer = asyncio.get_running_loop().call_later(seconds, self._start_task)

    def cancel(self) -> None:
        """Cancel the timer if it is running."""
        if self._timer is not None:
            self._timer.cancel()

    async def close(self) -> None:
        """Cancel the timer, and wait until a fault that is being cleared is cleared."""
        self.cancel()
        await asyncio.gather(*self._tasks)

    def _start_task(self) -> None:
        task = asyncio.get_running_loop().create_task(self._clear_fault())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
