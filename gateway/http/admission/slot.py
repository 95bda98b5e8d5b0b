"""Execution slot of one request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.http.admission.fair_queue import AdmissionQueue

EXTRA_SLOT_DELAY = 0.1
"""Seconds after which a request in progress allows an extra one, so that long requests do not block short ones."""


class RequestSlot:
    """A slot of the admission queue. The request holds it while it computes, and releases it while it waits."""

    def __init__(self, queue: AdmissionQueue, client: str) -> None:
        self._queue = queue
        self._client = client
        self._resumed_at = self._computed_before = 0.0
        self._duration = self._computed = 0.0
        self._concurrency = 1
        self._releases = 0
        self._is_over = False
        self._extra_timer: asyncio.TimerHandle | None = None

    async def begin(self) -> None:
        """Wait for the slot.

        Raises:
            OverloadedError: as `AdmissionQueue.enter`.
        """
        await self._queue.enter(self._client)
        try:
            await asyncio.sleep(0)  # lets requests that arrived together enter the queue before one runs without a wait
        except asyncio.CancelledError:
            self._queue.release(self._client)
            raise
        self._resume()

    def end(self) -> None:
        """Release the slot for good, even if a part of the request, which no one awaits any more, has not ended."""
        self._is_over = True
        if not self._releases:
            self._pause()
        self._queue.record(self._client, self._duration, self._computed, self._concurrency)

    @contextmanager
    def release_temporarily(self) -> Iterator[None]:
        """Release the slot inside the `with` statement, where the request waits for a channel."""
        if not self._releases:
            self._pause()
        self._releases += 1
        try:
            yield
        finally:
            self._releases -= 1
            if not self._releases and not self._is_over:
                self._queue.acquire(self._client)
                self._resume()

    async def yield_to_others(self) -> None:
        """Between two steps of a query, let clients that used much less go first."""
        if not self._queue.should_yield(self._client):
            return
        with self.release_temporarily():
            while self._queue.should_yield(self._client):
                await self._queue.wait_for_change()

    def _resume(self) -> None:
        self._resumed_at, self._computed_before = self._queue.clock(), time.process_time()
        self._concurrency = max(self._concurrency, self._queue.active)
        self._extra_timer = asyncio.get_running_loop().call_later(EXTRA_SLOT_DELAY, self._allow_extra)

    def _allow_extra(self) -> None:
        self._extra_timer = None
        self._queue.allow_extra()

    def _pause(self) -> None:
        self._duration += self._queue.clock() - self._resumed_at
        self._computed += time.process_time() - self._computed_before
        self._concurrency = max(self._concurrency, self._queue.active)
        if self._extra_timer is None:
            self._queue.withdraw_extra()
        else:
            self._extra_timer.cancel()
            self._extra_timer = None
        self._queue.release(self._client)
