"""One request's turn to be worked on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.http.gate import Gate

LONG = 0.1
"""Seconds of work after which a request's place is open to another as well, so that the long do not block the short."""


class Turn:
    """Its place: had while it computes, given back while it waits for others."""

    def __init__(self, gate: Gate, client: str) -> None:
        self._gate = gate
        self._client = client
        self._begun = self._computed_before = 0.0
        self._took = self._computed = 0.0
        self._at_once = 1
        self._apart = 0
        self._is_over = False
        self._growing_long: asyncio.TimerHandle | None = None

    async def begin(self) -> None:
        """Wait for the place. Raises as `Gate.enter`."""
        await self._gate.enter(self._client)
        try:
            await asyncio.sleep(0)  # or those who came with one that never waits would not meet it at the gate
        except asyncio.CancelledError:
            self._gate.leave(self._client)
            raise
        self._go_on()

    def end(self) -> None:
        """Give it back for good; also where something of the request still waits for others, and nobody for that."""
        self._is_over = True
        if not self._apart:
            self._pause()
        self._gate.note(self._client, self._took, self._computed, self._at_once)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What is done inside waits for others, such as a channel, and needs no place."""
        if not self._apart:
            self._pause()
        self._apart += 1
        try:
            yield
        finally:
            self._apart -= 1
            if not self._apart and not self._is_over:
                self._gate.take(self._client)
                self._go_on()

    async def stand_back(self) -> None:
        """Between two steps of its work: let those go first who were given much less."""
        if not self._gate.stands_back(self._client):
            return
        with self.apart():
            while self._gate.stands_back(self._client):
                await self._gate.changed()

    def _go_on(self) -> None:
        self._begun, self._computed_before = self._gate.clock(), time.process_time()
        self._at_once = max(self._at_once, self._gate.working)
        self._growing_long = asyncio.get_running_loop().call_later(LONG, self._grow_long)

    def _grow_long(self) -> None:
        self._growing_long = None
        self._gate.share()

    def _pause(self) -> None:
        self._took += self._gate.clock() - self._begun
        self._computed += time.process_time() - self._computed_before
        self._at_once = max(self._at_once, self._gate.working)
        if self._growing_long is None:
            self._gate.unshare()
        else:
            self._growing_long.cancel()
            self._growing_long = None
        self._gate.leave(self._client)
