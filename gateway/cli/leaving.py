"""The server that leaves in order: first it says that it is not ready, then it lets nobody in, then it finishes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from uvicorn.server import ServerState


class State(ServerState):
    """What the connections of a server share. `leaving`: whatever they answer now is the last."""

    def __init__(self) -> None:
        super().__init__()
        self.leaving = False

    @classmethod
    def of(cls, state: ServerState) -> State:
        """The same, known to be one of ours."""
        if not isinstance(state, cls):
            raise TypeError("these connections belong to a server of their own kind")
        return state


class Server(uvicorn.Server):
    """A server that goes on for a while after SIGTERM, until balancers have noticed.

    Args:
        linger: seconds from SIGTERM until no connection is accepted any more. SIGINT is at once.
        leave: called when the first signal comes.
    """

    server_state: State

    def __init__(self, config: uvicorn.Config, linger: float, leave: Callable[[], None]) -> None:
        super().__init__(config)
        self.server_state = State()
        self._linger = linger
        self._leave = leave
        self._until: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal: the first SIGTERM begins the end, any other makes it short."""
        begins = not self.server_state.leaving
        self.server_state.leaving = True
        self._leave()
        if begins and sig == signal.SIGTERM and self._linger:
            self._captured_signals.append(sig)
            self._until = time.monotonic() + self._linger
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Every 100 ms; whether it is over."""
        if self._until is not None and time.monotonic() >= self._until:
            self.should_exit = True
        return await super().on_tick(counter)
