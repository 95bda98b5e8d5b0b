"""Call context: the urgency and deadline of the current call to a channel. Rate budgets and timeouts use it."""

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
    """Who waits for a call, most urgent first."""

    SHOPPER = 0
    OUTBOX = 1
    DELTA = 2
    SWEEP = 3


@dataclass(frozen=True, slots=True)
class CallContext:
    """Context of one call. `ends_at`: time of `time.monotonic` after which no one awaits the result."""

    urgency: Urgency
    ends_at: float

    @property
    def remaining(self) -> float:
        """Seconds until the deadline."""
        return self.ends_at - time.monotonic()


_current: ContextVar[CallContext] = ContextVar("call_context")

DEFAULT_DEADLINE = timedelta(seconds=30)
"""Deadline of requests that a plugin sends outside of any call."""


def get_current() -> CallContext:
    """Return the context of the current call."""
    return _current.get(None) or CallContext(Urgency.SWEEP, time.monotonic() + DEFAULT_DEADLINE.total_seconds())


def bind(urgency: Urgency, deadline: timedelta, work: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
    """Bind the work to a call context that it sees while it runs."""
    context = CallContext(urgency, time.monotonic() + deadline.total_seconds())

    async def run() -> T:
        _current.set(context)  # each call is a task, with its own copy of the context variables
        return await work()

    return run
