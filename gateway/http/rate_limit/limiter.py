"""Rate limits: how much the operations of one client may cost in a minute, and the response headers about it.

The headers are those of draft-ietf-httpapi-ratelimit-headers.
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

from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.error_codes import Code
from gateway.http.auth import Client
from gateway.http.errors import RequestError
from gateway.http.rate_limit.memory_storage import MAX_CLIENTS, SlidingWindowStorage
from gateway.settings.schema import LimitsTable

WINDOW_SECONDS = 60

STORAGE_TIMEOUT = 0.25
"""Seconds that the shared storage may take."""

STORAGE_RETRY_DELAY = timedelta(seconds=10)
"""How long a process counts alone before it tries the shared storage again."""

REQUEST_COST = 500
"""Cost of every request, added to that of its operation: the gateway works for any request."""

ANONYMOUS_QUOTA, AUTHENTICATED_QUOTA = 3_000_000, 30_000_000
"""Default quotas in production: cost in one minute."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RateLimitStatus:
    """Status of a client's quota. `reset`: seconds until the whole quota is available, or as much as was requested.

    Windows slide, so that can take two of them. The header tells at most the window that its policy names.
    """

    policy: str
    quota: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """Response headers about the rate limit."""
        return {
            "ratelimit-policy": f'"{self.policy}";q={self.quota};w={WINDOW_SECONDS}',
            "ratelimit": f'"{self.policy}";r={self.remaining};t={min(self.reset, WINDOW_SECONDS)}',
        }


class RateLimitedError(RequestError):
    """The client has used its quota. `retry_after`: seconds."""

    def __init__(self, status: RateLimitStatus, cost: int) -> None:
        self.retry_after = max(1, status.reset)
        super().__init__(
            Code.RATE_LIMITED,
            f"Rate limit exceeded: a cost of {status.quota:,} in {WINDOW_SECONDS} s. {status.remaining:,} remain, "
            f"and this request costs {cost:,}. Try again in {self.retry_after} s.",
            {"retry-after": str(self.retry_after)},
        )


class RateLimiter:
    """Counts the cost of clients' requests.

    Args:
        shared: storage that all processes share. While it fails, this process counts alone.
        has_default_quota: whether quotas apply that the configuration does not set.
    """

    def __init__(
        self,
        table: LimitsTable,
        clock: Callable[[], datetime],
        shared: Storage | None = None,
        *,
        has_default_quota: bool,
    ) -> None:
        self._anonymous_quota = table.anonymous.rate or (ANONYMOUS_QUOTA if has_default_quota else None)
        self._authenticated_quota = table.known.rate or (AUTHENTICATED_QUOTA if has_default_quota else None)
        self._clock = clock
        self._local = SlidingWindowStorage(clock, WINDOW_SECONDS)
        self._shared = shared
        self._local_until: datetime | None = None
        self._exhausted: WeightedLRU[datetime] = WeightedLRU(MAX_CLIENTS)

    def check_exhausted(self, client: Client) -> RateLimitedError | None:
        """Return the error of a client that is known to have no quota left. The caller has not read its request yet."""
        until = self._exhausted.get(client.key)
        if until is None:
            return None
        seconds = (until - self._clock()).total_seconds()
        if not 0 < seconds <= 2 * WINDOW_SECONDS:
            self._exhausted.remove(client.key)
            return None
        status = RateLimitStatus(_get_policy(client), self._get_quota(client) or 0, 0, math.ceil(seconds))
        return RateLimitedError(status, REQUEST_COST)

    @property
    def is_local(self) -> bool:
        """Whether this process counts alone, as configured."""
        return self._shared is None

    async def charge(self, client: Client, cost: int) -> RateLimitStatus | None:
        """Count a request whose operation has this cost. Return the client's status, or None if it has no quota.

        Raises:
            RateLimitedError: the quota does not suffice.
        """
        quota = self._find_quota(client)
        if quota is None or self._shared is None or self._is_shared_down:
            return self.charge_locally(client, cost)
        try:
            counted = await _charge_shared(self._shared, client, quota, REQUEST_COST + cost)
        except StorageError as error:
            self._local_until = self._clock() + STORAGE_RETRY_DELAY
            _log.error("rate limits: the shared storage failed; this process counts alone", exc_info=error)
            return self.charge_locally(client, cost)
        return self._accept(client, REQUEST_COST + cost, *counted)

    def charge_locally(self, client: Client, cost: int) -> RateLimitStatus | None:
        """Count a request in this process, as `charge` does."""
        quota, cost = self._find_quota(client), REQUEST_COST + cost
        if quota is None:
            return None
        windows, elapsed = self._local.find_windows(client.key)
        is_within = windows.add(cost, quota, elapsed)
        if not is_within:
            windows.add(min(REQUEST_COST, quota), quota, elapsed)
        counted = (windows.previous, (1 - elapsed) * WINDOW_SECONDS, windows.current)
        status = _build_status(client, quota, quota if is_within else quota - cost, *counted)
        return self._accept(client, cost, status, is_within)

    @property
    def _is_shared_down(self) -> bool:
        """Whether the shared storage has failed a moment ago."""
        return self._local_until is not None and self._clock() < self._local_until

    def _find_quota(self, client: Client) -> int | None:
        return None if client.is_admin else self._get_quota(client)

    def _accept(self, client: Client, cost: int, status: RateLimitStatus, is_within: bool) -> RateLimitStatus:
        if is_within:
            return status
        if status.remaining < REQUEST_COST:
            self._mark_exhausted(client.key, status.reset)
        raise RateLimitedError(status, cost)

    def get_max_cost(self, client: Client) -> int:
        """Return the highest cost of an operation that fits into the quota of a minute."""
        quota = self._find_quota(client)
        return sys.maxsize if quota is None else max(0, quota - REQUEST_COST)

    def _get_quota(self, client: Client) -> int | None:
        return self._authenticated_quota if client.is_known else self._anonymous_quota

    def _mark_exhausted(self, key: str, seconds: int) -> None:
        self._exhausted.put(key, self._clock() + timedelta(seconds=min(seconds, 5)), 1)


def create_shared_storage(url: str) -> Storage:
    """Create the storage that all processes share. It fails if an operation takes longer than `STORAGE_TIMEOUT`."""
    timeouts: Mapping[str, Any] = {"socket_timeout": STORAGE_TIMEOUT, "socket_connect_timeout": STORAGE_TIMEOUT}
    storage = storage_from_string(f"async+{url}", implementation="redispy", wrap_exceptions=True, **timeouts)
    if not isinstance(storage, Storage):
        raise TypeError(f"{type(storage).__name__} is not an asynchronous storage")
    return storage


async def _charge_shared(storage: Storage, client: Client, quota: int, cost: int) -> tuple[RateLimitStatus, bool]:
    """Charge in a shared storage. Returns the status, and whether the quota suffices."""
    limiter = SlidingWindowCounterRateLimiter(storage)
    item = RateLimitItemPerMinute(quota, namespace="gateway")
    is_within = await limiter.hit(item, client.key, cost=cost)
    if not is_within:  # a rejection costs too: a client that goes on is soon rejected unread
        await limiter.hit(item, client.key, cost=min(REQUEST_COST, quota))
    windows: SlidingWindowCounterSupport = storage  # type: ignore[assignment]
    previous, previous_left, current, current_left = await windows.get_sliding_window(
        item.key_for(client.key), WINDOW_SECONDS
    )
    left = previous_left if previous else max(0.0, current_left - WINDOW_SECONDS)
    return _build_status(client, quota, quota if is_within else quota - cost, previous, left, current), is_within


def _build_status(client: Client, quota: int, target: int, previous: int, left: float, current: int) -> RateLimitStatus:
    """Build a client's status. Arguments as in `_compute_reset`; with the quota as target, nothing is to be waited for
    but the whole quota.
    """
    used = math.ceil(previous * left / WINDOW_SECONDS + current)
    reset = _compute_reset(target, previous, left, current, is_full=target == quota)
    return RateLimitStatus(_get_policy(client), quota, max(0, quota - used), reset)


def _get_policy(client: Client) -> str:
    return "known" if client.is_known else "anonymous"


def _compute_reset(target: int, previous: int, left: float, current: int, *, is_full: bool) -> int:
    """Compute the seconds until a cost counts again as at most `target`; if `is_full`, until nothing counts.

    Args:
        previous: cost in the previous window, which counts less and less during the next `left` seconds.
        current: cost in the current window.
    """
    if is_full:
        return math.ceil(left + (WINDOW_SECONDS if current else 0)) if previous or current else 0
    room = target - current
    if previous and room >= 0:
        return math.ceil(left - room * WINDOW_SECONDS / previous)
    return math.ceil(left + WINDOW_SECONDS * (1 - target / max(current, 1)))
