"""What a call is for: how urgent it is, and how long it has. Whatever the call asks for on the way goes by that."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import TypeVar

T = TypeVar("T")


class Urgency(IntEnum):
    """Who waits, the most urgent first."""

    SHOPPER = 0
    OUTBOX = 1
    DELTA = 2
    SWEEP = 3


@dataclass(frozen=True, slots=True)
class Errand:
    """One call. `ends_at`: of `time.monotonic`; after it nobody waits for the answer."""

    urgency: Urgency
    ends_at: float

    @property
    def left(self) -> float:
        """Seconds that it still has."""
        return self.ends_at - time.monotonic()


_errand: ContextVar[Errand] = ContextVar("errand")

UNASKED = timedelta(seconds=30)
"""What a plugin does of itself, outside of any call, has so much time for each thing."""


def current() -> Errand:
    """The call that this is done for."""
    return _errand.get(None) or Errand(Urgency.SWEEP, time.monotonic() + UNASKED.total_seconds())


def on(urgency: Urgency, within: timedelta, work: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
    """The same work, which knows what it is for."""
    errand = Errand(urgency, time.monotonic() + within.total_seconds())

    async def sent() -> T:
        _errand.set(errand)  # each call is a task, with a context of its own
        return await work()

    return sent
