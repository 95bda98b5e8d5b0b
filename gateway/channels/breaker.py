"""A circuit breaker: a channel that fails again and again is left alone for a while, and then tried with one call."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.sdk.errors import AuthError, ChannelError, RateLimitedError, UnavailableError

FAILURES = 5
FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=30)
LONGEST_WISH = timedelta(minutes=15)
"""Of a channel that says when to come back: no longer is it left alone, whatever it says."""


def wished(retry_after: timedelta) -> timedelta:
    """How long a channel is really left alone that wants to be for so long."""
    return min(max(retry_after, timedelta(0)), LONGEST_WISH)


class LeftAloneError(UnavailableError):
    """The channel failed too often and is not asked before `retry_at`. `reason`: how it failed last."""

    def __init__(self, message: str, reason: ChannelError, retry_at: datetime) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_at = retry_at
        self.retryable = reason.retryable


class Breaker:
    """Closed: every call passes. Open: none does until `retry_at`. Then one does, and its outcome decides.

    It is about reach alone: a channel that answers nonsense or refuses has been reached.
    """

    def __init__(self, name: str, now: Callable[[], datetime], jitter: Callable[[], float] = random.random) -> None:
        self.name = name
        self.failures = 0
        self.retry_at: datetime | None = None
        self._now, self._jitter = now, jitter
        self._opened_at: datetime | None = None
        self._openings = 0
        self._reason: ChannelError | None = None
        self._probing = False

    def admit(self) -> bool:
        """Let a call pass; whether it is the one that probes.

        Raises:
            LeftAloneError: none passes now.
        """
        if self._reason is None or self.retry_at is None or self._opened_at is None:
            return False
        now = self._now()
        if self._probing or self._opened_at <= now < self.retry_at:  # a clock that was set back does not count
            when = f"{self.retry_at:%H:%M:%S} UTC"
            raise LeftAloneError(f"{self.name} is left alone until {when}: {self._reason}", self._reason, self.retry_at)
        self._probing = True
        return True

    def reached(self) -> None:
        """A call was answered."""
        self.failures = self._openings = 0
        self._reason = self.retry_at = self._opened_at = None
        self._probing = False

    def failed(self, error: ChannelError, *, probe: bool) -> None:
        """A call failed for want of reach."""
        self.failures += 1
        if probe:
            self._probing = False
        told = isinstance(error, AuthError) or (isinstance(error, RateLimitedError) and error.retry_after is not None)
        if probe or (self._reason is None and (told or self.failures >= FAILURES)):
            self._open(error)

    def forget(self, *, probe: bool) -> None:
        """A call ended without telling anything."""
        if probe:
            self._probing = False

    def _open(self, error: ChannelError) -> None:
        self._reason, self._opened_at = error, self._now()
        self.retry_at = self._opened_at + self._pause(error)
        self._openings += 1

    def _pause(self, error: ChannelError) -> timedelta:
        if isinstance(error, RateLimitedError) and error.retry_after is not None:
            return wished(error.retry_after)
        pause = min(FIRST_PAUSE * (1 << min(self._openings, 16)), LONGEST_PAUSE)
        return pause * (0.5 + self._jitter() / 2)
