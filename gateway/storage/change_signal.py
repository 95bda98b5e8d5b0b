"""Change signal: tells background work that the database has changed, so that an idle process asks nothing.

It is a hint (rule L7): it may come late or not at all, for example while a connection is down. So its receivers also
look on their own from time to time.
"""

from __future__ import annotations

from collections.abc import Callable

CHANGE_CHANNEL = "gateway_changes"
"""Channel of PostgreSQL's LISTEN and NOTIFY."""


class ChangeSignal:
    """Calls its receivers, in the event loop, when this or another process has changed the database."""

    def __init__(self) -> None:
        self._receivers: list[Callable[[], None]] = []

    def subscribe(self, receiver: Callable[[], None]) -> None:
        """Call this receiver at every change from now on. It must return at once."""
        self._receivers.append(receiver)

    def notify(self) -> None:
        """Tell all receivers."""
        for receiver in self._receivers:
            receiver()
