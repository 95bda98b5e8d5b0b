"""Graceful shutdown: the server first reports that it is not ready, then stops accepting connections, then finishes
requests.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from uvicorn.server import ServerState


class SharedState(ServerState):
    """State that all connections of a server share. `is_draining`: the next response of each connection is its last."""

    def __init__(self) -> None:
        super().__init__()
        self.is_draining = False

    @classmethod
    def narrow(cls, state: ServerState) -> SharedState:
        """Return the state as this class. uvicorn declares the base class."""
        if not isinstance(state, cls):
            raise TypeError("the connections belong to a server of another class")
        return state


class Server(uvicorn.Server):
    """A server that continues for a while after SIGTERM, until load balancers have noticed.

    Args:
        linger: seconds from SIGTERM until the server stops accepting connections. After SIGINT it stops at once.
        on_shutdown: called on the first signal.
    """

    server_state: SharedState

    def __init__(self, config: uvicorn.Config, linger: float, on_shutdown: Callable[[], None]) -> None:
        super().__init__(config)
        self.server_state = SharedState()
        self._linger = linger
        self._on_shutdown = on_shutdown
        self._exit_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal: the first SIGTERM starts the graceful shutdown, any other ends the server at once."""
        begins = not self.server_state.is_draining
        self.server_state.is_draining = True
        self._on_shutdown()
        if begins and sig == signal.SIGTERM and self._linger:
            self._captured_signals.append(sig)
            self._exit_at = time.monotonic() + self._linger
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Check every 100 ms whether the server must exit."""
        if self._exit_at is not None and time.monotonic() >= self._exit_at:
            self.should_exit = True
        return await super().on_tick(counter)
