"""How much each client may ask for in a minute, by what its operations cost, and what it is told about that.

The headers are those of the IETF's draft-ietf-httpapi-ratelimit-headers.
"""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from limits import RateLimitItemPerMinute
from limits.aio.storage import SlidingWindowCounterSupport, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string

from gateway.execution.codes import Code
from gateway.execution.memory import Memory
from gateway.http.clients import Client
from gateway.http.counters import REMEMBERED, Counters
from gateway.http.requests import RequestError
from gateway.settings import LimitsTable

WINDOW = 60
"""Seconds."""

PATIENCE = 0.25
"""Seconds for which a count together with others may take."""

ALONE = timedelta(seconds=10)
"""How long a process counts alone before it tries again to count together with others."""

REQUEST = 500
"""What every request counts, on top of what its operation costs: the least work is some."""

ANONYMOUS, KNOWN = 3_000_000, 30_000_000
"""How much each may ask for in a minute in production, where the configuration says nothing else."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a client has left. `reset`: seconds until it has as much as its policy allows again, or enough."""

    policy: str
    quota: int
    left: int
    reset: int

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What an answer says about it."""
        return [
            (b"ratelimit-policy", f'"{self.policy}";q={self.quota};w={WINDOW}'.encode()),
            (b"ratelimit", f'"{self.policy}";r={self.left};t={self.reset}'.encode()),
        ]


class RateLimitedError(RequestError):
    """A client asks for too much. `retry_after`: seconds."""

    def __init__(self, standing: Standing, cost: int) -> None:
        self.retry_after = max(1, standing.reset)
        super().__init__(
            Code.RATE_LIMITED,
            f"At most {standing.quota:,} cost in {WINDOW} s; {standing.left:,} are left, and this costs {cost:,}. "
            f"Try again in {self.retry_after} s.",
            {"retry-after": str(self.retry_after)},
        )


class Rates:
    """Counts what clients cost.

    Args:
        by_default: whether there is a limit where the configuration names none.
        shared: where all processes count together; where it fails, this one counts alone.
    """

    def __init__(
        self, table: LimitsTable, clock: Callable[[], datetime], shared: Storage | None = None, *, by_default: bool
    ) -> None:
        self._anonymous = table.anonymous.rate or (ANONYMOUS if by_default else None)
        self._known = table.known.rate or (KNOWN if by_default else None)
        self._clock = clock
        self._own = Counters(clock)
        self._shared = shared
        self._alone_until: datetime | None = None
        self._spent: Memory[datetime] = Memory(REMEMBERED)

    def spent(self, client: Client) -> RateLimitedError | None:
        """The refusal of a client that is known to have nothing left, before anything is read of its request."""
        until = self._spent.get(client.key)
        if until is None:
            return None
        left = (until - self._clock()).total_seconds()
        if not 0 < left <= 2 * WINDOW:
            self._spent.forget(client.key)
            return None
        return RateLimitedError(Standing(_policy(client), self._quota(client) or 0, 0, math.ceil(left)), REQUEST)

    async def charge(self, client: Client, cost: int) -> Standing | None:
        """Count a request whose operation costs so much, and tell what is left; None: there is no limit.

        Raises:
            RateLimitedError: it is too much.
        """
        quota, cost = self._quota(client), REQUEST + cost
        if quota is None or client.is_admin:
            return None
        standing, fits = await self._counted(client, quota, cost)
        if fits:
            return standing
        if standing.left < REQUEST:
            self._remember(client.key, standing.reset)
        raise RateLimitedError(standing, cost)

    async def _counted(self, client: Client, quota: int, cost: int) -> tuple[Standing, bool]:
        """Together with other processes; alone for a while, where that does not work."""
        if self._shared is not None and (self._alone_until is None or self._clock() >= self._alone_until):
            try:
                return await self._charged(self._shared, client, quota, cost)
            except StorageError as error:
                self._alone_until = self._clock() + ALONE
                _log.error("what clients cost cannot be counted together; this process counts alone", exc_info=error)
        return await self._charged(self._own, client, quota, cost)

    async def _charged(self, storage: Storage, client: Client, quota: int, cost: int) -> tuple[Standing, bool]:
        limiter = SlidingWindowCounterRateLimiter(storage)
        item = RateLimitItemPerMinute(quota, namespace="gateway")
        fits = await limiter.hit(item, client.key, cost=cost)
        if not fits:  # being refused is not free either: who goes on regardless is soon refused unread
            await limiter.hit(item, client.key, cost=min(REQUEST, quota))
        counted: SlidingWindowCounterSupport = storage  # type: ignore[assignment]
        before, before_left, now, now_left = await counted.get_sliding_window(item.key_for(client.key), WINDOW)
        left = before_left if before else max(0.0, now_left - WINDOW)
        used = math.ceil(before * left / WINDOW + now)
        reset = _reset(quota, before, left, now, 0 if fits else cost)
        return Standing(_policy(client), quota, max(0, quota - used), reset), fits

    def largest(self, client: Client) -> int:
        """What one operation can cost and still fit into a minute."""
        quota = None if client.is_admin else self._quota(client)
        return sys.maxsize if quota is None else max(0, quota - REQUEST)

    def _quota(self, client: Client) -> int | None:
        return self._known if client.is_known else self._anonymous

    def _remember(self, key: str, seconds: int) -> None:
        self._spent.put(key, self._clock() + timedelta(seconds=min(seconds, 5)), 1)


def shared_storage(url: str) -> Storage:
    """Where all processes count together. A count that takes longer than a moment is given up."""
    patience: Mapping[str, Any] = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
    made = storage_from_string(f"async+{url}", implementation="redispy", wrap_exceptions=True, **patience)
    if not isinstance(made, Storage):
        raise TypeError(f"{type(made).__name__} blocks")
    return made


def _policy(client: Client) -> str:
    return "known" if client.is_known else "anonymous"


def _reset(most: int, before: int, left: float, now: int, wanted: int) -> int:
    """Seconds until so much is there again; 0: until this window counts for nothing."""
    if not wanted:
        return math.ceil(left + (WINDOW if now else 0)) if before or now else 0
    room = most - wanted - now
    if before and room >= 0:  # what was before counts for less and less
        return math.ceil(left - room * WINDOW / before)
    return math.ceil(left + WINDOW * (1 - (most - wanted) / max(now, 1)))
