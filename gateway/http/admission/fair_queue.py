"""Fair admission queue: which requests run, which wait, and which are rejected (load shedding).

The concurrency limit says how many requests run at once. A burst waits in the queue. What cannot begin soon is rejected
at once, because a rejection is cheap and a response that comes too late is useless.

A burst is not overload: it comes once and waits until it is served. If more requests arrive than the queue holds it is
overload, until no request was rejected for `OVERLOAD_COOLDOWN`. During overload a request begins at once or is
rejected. If requests keep arriving, the queued ones are rejected as well.

Capacity is shared among clients. The next request is that of the client that used least lately. Beside a dominant
client others may wait even during overload, and the queries of the dominant client yield to theirs between two steps.
Of one client's requests the newest runs first: with the oldest first all would wait as long as they can, and many in
vain.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.http.admission.concurrency_limit import MAX_CONCURRENCY, ConcurrencyLimit
from gateway.http.errors import OverloadedError

OVERLOAD_COOLDOWN = 0.5
"""Seconds without a rejection after which overload ends."""

RECHECK_DELAY = 0.05
"""Seconds after a rejection until the queue checks whether requests keep arriving."""

DOMINANCE_FACTOR, DOMINANCE_REQUESTS = 1.5, 4
"""A client is dominant beside another if it used this many times as much, and this many average requests more."""

MIN_DURATION = 0.001
"""Seconds that a request is assumed to take before the first one has ended."""

HALF_LIFE = 1.0
"""Seconds in which the recorded usage of a client halves."""

MAX_TRACKED_CLIENTS = 10_000
"""Clients whose usage is recorded."""


@dataclass(slots=True, eq=False)
class QueuedRequest:
    """A request in the queue. `admission` completes when it may run."""

    client: str
    admission: asyncio.Future[None]


@dataclass(slots=True)
class AdmissionQueue:
    """Admits requests.

    Attributes:
        size: how many requests may wait.
        timeout: seconds that each may wait.
        clock: monotonic time in seconds.
        concurrency: how many requests run at once.
        rejected: count of rejected requests.
    """

    size: int = 50
    timeout: float = 3.0
    clock: Callable[[], float] = time.monotonic
    concurrency: ConcurrencyLimit = field(default_factory=ConcurrencyLimit)
    rejected: int = 0
    _active_by_client: Counter[str] = field(default_factory=Counter)
    _active: int = 0
    _extra: int = 0
    _queues: OrderedDict[str, deque[QueuedRequest]] = field(default_factory=OrderedDict)
    _queued: int = 0
    _usage: WeightedLRU[tuple[float, float]] = field(default_factory=lambda: WeightedLRU(MAX_TRACKED_CLIENTS))
    _rejected_at: float = -OVERLOAD_COOLDOWN
    _recheck_timer: asyncio.TimerHandle | None = None
    _change_waiters: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def is_idle(self) -> bool:
        """Whether no request runs and none waits."""
        return not (self._active or self._extra or self._queued or self._active_by_client or self._queues)

    @property
    def is_free(self) -> bool:
        """Whether a request that arrives now begins at once."""
        return self._has_free_slot() and not self._queued

    @property
    def is_overloaded(self) -> bool:
        """Whether a request was rejected a moment ago."""
        return self.clock() - self._rejected_at < OVERLOAD_COOLDOWN

    @property
    def active(self) -> int:
        """Count of requests that run."""
        return self._active

    # ------------------------------------------------------------------------------------------------ arrival

    def can_admit(self, client: str) -> bool:
        """Whether a request of this client can begin soon. The caller asks before it reads the body."""
        if (
            self._has_free_slot()
            or self._can_queue(client)
            or self._find_dominant_client(self._queues, client) is not None
        ):
            return True
        self._record_rejection()
        return False

    async def enter(self, client: str) -> None:
        """Wait until a request of this client may run.

        Raises:
            OverloadedError: the wait would be too long.
        """
        if self.is_free:
            self.acquire(client)
            return
        self._reserve_queue_entry(client)
        request = QueuedRequest(client, asyncio.get_running_loop().create_future())
        self._queues.setdefault(client, deque()).append(request)
        self._queued += 1
        self._admit_queued()
        await self._wait_for_admission(request)

    def _has_free_slot(self) -> bool:
        return self._active - self._extra < int(self.concurrency.limit) and self._active < MAX_CONCURRENCY

    def _can_queue(self, client: str) -> bool:
        may_wait = not self.is_overloaded or self._find_dominant_client(self._active_by_client, client) is not None
        return may_wait and self._queued < self.size

    def _reserve_queue_entry(self, client: str) -> None:
        if self._can_queue(client):
            return
        dominant = self._find_dominant_client(self._queues, client)
        if dominant is None:
            self._record_rejection()
            raise OverloadedError
        self._reject(self._queues[dominant][0])

    def _find_dominant_client(self, clients: Iterable[str], beside: str) -> str | None:
        """Return the client that is dominant beside another one, or None."""
        top = max(clients, key=self._compute_load, default=beside)
        threshold = DOMINANCE_FACTOR * self._compute_load(beside) + DOMINANCE_REQUESTS * self._average
        return top if self._compute_load(top) > threshold else None

    def _compute_load(self, client: str) -> float:
        """Compute the seconds that a client used lately, with its requests that run or wait."""
        pending = len(self._queues.get(client, ())) + self._active_by_client[client]
        return self._get_usage(client) + pending * self._average

    @property
    def _average(self) -> float:
        return self.concurrency.average or MIN_DURATION

    def _get_usage(self, client: str) -> float:
        seconds, at = self._usage.get(client) or (0.0, 0.0)
        return seconds * 0.5 ** ((self.clock() - at) / HALF_LIFE) if seconds else 0.0

    async def _wait_for_admission(self, request: QueuedRequest) -> None:
        admission = request.admission
        expiry = admission.get_loop().call_later(self.timeout, self._expire, request)
        try:
            await admission
        except asyncio.CancelledError:  # the client has disconnected
            if admission.done() and not admission.cancelled() and admission.exception() is None:
                self.release(request.client)
            else:
                self._remove(request)
            raise
        finally:
            expiry.cancel()

    # ------------------------------------------------------------------------------------------------ execution

    def acquire(self, client: str) -> None:
        """Take a slot, even if none is free: a request that waited for a channel continues."""
        self._active += 1
        self._active_by_client[client] += 1

    def allow_extra(self) -> None:
        """Allow an extra request beside a long one."""
        self._extra += 1
        self._admit_queued()

    def withdraw_extra(self) -> None:
        """Withdraw the extra request: the long one is about to release its slot."""
        self._extra -= 1

    def release(self, client: str) -> None:
        """Release a slot."""
        self._active -= 1
        self._active_by_client[client] -= 1
        if not self._active_by_client[client]:
            del self._active_by_client[client]
        self._admit_queued()
        self._notify_change()

    def should_yield(self, client: str) -> bool:
        """Whether this client is dominant beside another one that has requests here."""
        others = {*self._queues, *self._active_by_client} - {client}
        return any(self._find_dominant_client((client,), other) is not None for other in others)

    async def wait_for_change(self) -> None:
        """Wait until a request ends or leaves the queue."""
        change = asyncio.get_running_loop().create_future()
        self._change_waiters.append(change)
        await change

    def _notify_change(self) -> None:
        for change in self._change_waiters:
            if not change.done():
                change.set_result(None)
        self._change_waiters.clear()

    def record(self, client: str, duration: float, computed: float, concurrency: int) -> None:
        """Record a completed request. Arguments as in `ConcurrencyLimit.record`."""
        self.concurrency.record(duration, computed, concurrency)
        self._usage.put(client, (self._get_usage(client) + duration, self.clock()), 1)

    def _admit_queued(self) -> None:
        while self._queued and self._has_free_slot():
            request = self._queues[min(self._queues, key=self._compute_load)].pop()
            self._forget_queued(request.client)
            if not request.admission.done():
                self.acquire(request.client)
                request.admission.set_result(None)

    # ------------------------------------------------------------------------------------------------ rejection

    def _remove(self, request: QueuedRequest) -> None:
        queue = self._queues.get(request.client)
        if queue is not None and request in queue:
            queue.remove(request)
            self._forget_queued(request.client)

    def _forget_queued(self, client: str) -> None:
        self._queued -= 1
        if not self._queues[client]:
            del self._queues[client]
        self._notify_change()

    def _expire(self, request: QueuedRequest) -> None:
        if not request.admission.done():
            self._reject(request)

    def _reject(self, request: QueuedRequest) -> None:
        self._remove(request)
        self._record_rejection()
        if not request.admission.done():
            request.admission.set_exception(OverloadedError())

    def _record_rejection(self) -> None:
        self.rejected += 1
        self._rejected_at = self.clock()
        if self._recheck_timer is None:
            self._recheck_timer = asyncio.get_running_loop().call_later(RECHECK_DELAY, self._recheck_overload)

    def _recheck_overload(self) -> None:
        """Reject the queued requests if others keep arriving: they would wait in vain."""
        self._recheck_timer = None
        if self.clock() - self._rejected_at >= RECHECK_DELAY / 2:
            return
        clients = [
            client for client in self._queues if self._find_dominant_client(self._active_by_client, client) is None
        ]
        for client in clients:
            for request in [*self._queues[client]]:
                self._reject(request)
