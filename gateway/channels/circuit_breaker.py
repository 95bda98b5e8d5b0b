"""Circuit breaker: after repeated failures no call reaches the channel for a while, and then a single one tests it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.sdk.errors import AuthError, ChannelError, RateLimitedError, UnavailableError

FAILURE_THRESHOLD = 5
MIN_PAUSE = timedelta(seconds=1)
MAX_PAUSE = timedelta(seconds=30)
MAX_RETRY_AFTER = timedelta(minutes=15)
"""Longest pause that a channel can request with `Retry-After`."""


def clamp_retry_after(retry_after: timedelta) -> timedelta:
    """Limit the pause that a channel requests."""
    return min(max(retry_after, timedelta(0)), MAX_RETRY_AFTER)


class CircuitOpenError(UnavailableError):
    """The circuit is open: the channel failed too often, and no call is sent before `retry_at`. `reason`: the last
    failure.
    """

    def __init__(self, message: str, reason: ChannelError, retry_at: datetime) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_at = retry_at
        self.retryable = reason.retryable


class CircuitBreaker:
    """Closed: all calls pass. Open: no call passes until `retry_at`. Half-open: one call passes, and its result
    decides.

    Only failures to reach the channel count. A channel that rejects a call or returns invalid data was reached.
    """

    def __init__(self, name: str, now: Callable[[], datetime], jitter: Callable[[], float] = random.random) -> None:
        self.name = name
        self.failures = 0
        self.retry_at: datetime | None = None
        self._now, self._jitter = now, jitter
        self._opened_at: datetime | None = None
        self._open_count = 0
        self._reason: ChannelError | None = None
        self._probing = False

    def admit(self) -> bool:
        """Admit a call. Return whether it is the one that tests the channel.

        Raises:
            CircuitOpenError: the circuit is open.
        """
        if self._reason is None or self.retry_at is None or self._opened_at is None:
            return False
        now = self._now()
        if self._probing or self._opened_at <= now < self.retry_at:  # a clock that was set back does not count
            # the message names no time: it is stored, and the pause can change before anybody reads it
            message = f"{self.name} is paused after failures: {self._reason}"
            raise CircuitOpenError(message, self._reason, self.retry_at)
        self._probing = True
        return True

    def record_success(self) -> None:
        """Record a call that reached the channel."""
        self.failures = self._open_count = 0
        self._reason = self.retry_at = self._opened_at = None
        self._probing = False

    def record_failure(self, error: ChannelError, *, probe: bool) -> None:
        """Record a call that did not reach the channel."""
        self.failures += 1
        if probe:
            self._probing = False
        is_conclusive = isinstance(error, AuthError) or (
            isinstance(error, RateLimitedError) and error.retry_after is not None
        )
        if probe or (self._reason is None and (is_conclusive or self.failures >= FAILURE_THRESHOLD)):
            self._open(error)

    def release(self, *, probe: bool) -> None:
        """Release a call that ended without a result, such as a canceled one."""
        if probe:
            self._probing = False

    def _open(self, error: ChannelError) -> None:
        self._reason, self._opened_at = error, self._now()
        self.retry_at = self._opened_at + self._compute_pause(error)
        self._open_count += 1

    def _compute_pause(self, error: ChannelError) -> timedelta:
        if isinstance(error, RateLimitedError) and error.retry_after is not None:
            return clamp_retry_after(error.retry_after)
        pause = min(MIN_PAUSE * (1 << min(self._open_count, 16)), MAX_PAUSE)
        return pause * (0.5 + self._jitter() / 2)
