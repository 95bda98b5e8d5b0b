"""Availability of the database: the log says once that it went away and came back, and once a minute between."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

LOG_INTERVAL = 60.0
"""Seconds between two lines that the database is unavailable, also of different outages."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Outage:
    """A time in which the database cannot be used.

    Attributes:
        blocks_writes_only: reads still succeed, so only a write proves the end of the outage.
        is_logged: the log says that it has begun.
    """

    since: float
    blocks_writes_only: bool
    is_logged: bool = False


class Availability:
    """What the transactions of this process show of the database. `clock`: seconds, for example `time.monotonic`.

    Attributes:
        failed_at: when a transaction last failed because the database cannot be used.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._outage: Outage | None = None
        self.failed_at = self._ended_at = self._logged_at = -math.inf

    @property
    def is_available(self) -> bool:
        """Whether the last transactions succeeded."""
        return self._outage is None

    def record_failure(self, reason: str, begun_at: float, *, is_write: bool) -> None:
        """Record a transaction that failed because the database cannot be used.

        One that began before the last outage ended says nothing about the time since.
        """
        if begun_at < self._ended_at:
            return
        self.failed_at = self.clock()
        outage = self._outage = self._outage or Outage(self.clock(), is_write)
        outage.blocks_writes_only &= is_write
        self._log_outage(outage, reason)

    def _log_outage(self, outage: Outage, reason: str) -> None:
        now = self.clock()
        if now - self._logged_at < LOG_INTERVAL:
            return
        since = f" since {now - outage.since:.0f} s" if now - outage.since >= 1 else ""
        _log.warning("the database is unavailable%s: %s", since, reason)
        self._logged_at, outage.is_logged = now, True

    def record_success(self, *, is_write: bool) -> None:
        """Record a transaction that succeeded."""
        outage = self._outage
        if outage is None or (outage.blocks_writes_only and not is_write):
            return
        self._outage, self._ended_at = None, self.clock()
        if outage.is_logged:
            _log.warning("the database is available again, after %.1f s", self._ended_at - outage.since)
