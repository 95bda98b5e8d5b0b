"""Which requests are let in to be worked on, which of them wait, and which are refused.

So many are let in at once as `pace` says; a crowd may wait, and what could not begin soon is refused at once: a refusal
is cheap, an answer that comes too late is not.

A crowd and overload are told apart: a crowd comes once, and waits until it is served. Where more come than may wait it
is overload, until for `CALM` nobody had to be refused. As long as that lasts a request begins at once or is refused:
another comes soon enough. Where they go on coming, the crowd is refused as well.

Clients share: of those who wait that one is next who was given least of late, and beside one that floods another may
wait in overload, too; while she is here its queries stand back between two of their steps. Of one client's own requests
the newest is served first: were it the oldest, all would wait as long as one can, and many for nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gateway.execution.memory import Memory
from gateway.http.pace import MOST, Pace

CALM = 0.5
"""Seconds without a refusal after which overload is over."""

SOON = 0.05
"""Seconds after which it is looked whether they who are refused came at once, or go on coming."""

MORE, FLOOD = 1.5, 4
"""So many times what another was given, and so many requests besides: who was given that floods."""

LEAST = 0.001
"""Seconds that a request is taken to need while none was seen."""

HALVED = 1.0
"""Seconds in which what a client was given counts half."""

REMEMBERED = 10_000
"""Clients of whom it is known what they were given of late."""


class OverloadedError(Exception):
    """This request could not begin soon. `retry_after`: seconds."""

    retry_after = 1


@dataclass(slots=True, eq=False)
class Waiting:
    """A request that waits for its turn."""

    client: str
    turn: asyncio.Future[None]


@dataclass(slots=True)
class Gate:
    """Lets requests in.

    Attributes:
        crowd: how many may wait.
        longest: for how many seconds each may.
        clock: seconds that only go forward.
        pace: how many are let in at once.
    """

    crowd: int = 50
    longest: float = 3.0
    clock: Callable[[], float] = time.monotonic
    pace: Pace = field(default_factory=Pace)
    refused: int = 0
    _in_work: Counter[str] = field(default_factory=Counter)
    _working: int = 0
    _sharing: int = 0
    _queues: OrderedDict[str, deque[Waiting]] = field(default_factory=OrderedDict)
    _waiting: int = 0
    _given: Memory[tuple[float, float]] = field(default_factory=lambda: Memory(REMEMBERED))
    _refused_at: float = -CALM
    _looking: asyncio.TimerHandle | None = None
    _changing: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in work, and nothing waits."""
        return not (self._working or self._sharing or self._waiting or self._in_work or self._queues)

    @property
    def is_free(self) -> bool:
        """Whether who comes now is let in at once."""
        return self._has_place() and not self._waiting

    @property
    def is_overloaded(self) -> bool:
        """Whether somebody had to be refused a moment ago."""
        return self.clock() - self._refused_at < CALM

    @property
    def working(self) -> int:
        """Requests in work."""
        return self._working

    # ------------------------------------------------------------------------------------------------ coming

    def admits(self, client: str) -> bool:
        """Whether a request of this client would be let in soon, as it looks now: asked before its body is read."""
        if self._has_place() or self._has_room(client) or self._flooding(self._queues, client) is not None:
            return True
        self._note_refusal()
        return False

    async def enter(self, client: str) -> None:
        """Wait for a place.

        Raises:
            OverloadedError: it would take too long.
        """
        if self.is_free:
            self.take(client)
            return
        self._make_room(client)
        waiting = Waiting(client, asyncio.get_running_loop().create_future())
        self._queues.setdefault(client, deque()).append(waiting)
        self._waiting += 1
        self._let_in()
        await self._turn_of(waiting)

    def _has_place(self) -> bool:
        return self._working - self._sharing < int(self.pace.limit) and self._working < MOST

    def _has_room(self, client: str) -> bool:
        may_wait = not self.is_overloaded or self._flooding(self._in_work, client) is not None
        return may_wait and self._waiting < self.crowd

    def _make_room(self, client: str) -> None:
        if self._has_room(client):
            return
        other = self._flooding(self._queues, client)
        if other is None:
            self._note_refusal()
            raise OverloadedError
        self._refuse(self._queues[other][0])

    def _flooding(self, clients: Iterable[str], beside: str) -> str | None:
        """Which of these clients was given so much more than another one that it has to stand back for her."""
        most = max(clients, key=self._weight, default=beside)
        return most if self._weight(most) > MORE * self._weight(beside) + FLOOD * self._usual else None

    def _weight(self, client: str) -> float:
        """Seconds that a client was given of late, and will have been when all of hers that are here are done."""
        here = len(self._queues.get(client, ())) + self._in_work[client]
        return self._given_to(client) + here * self._usual

    @property
    def _usual(self) -> float:
        return self.pace.usual or LEAST

    def _given_to(self, client: str) -> float:
        seconds, at = self._given.get(client) or (0.0, 0.0)
        return seconds * 0.5 ** ((self.clock() - at) / HALVED) if seconds else 0.0

    async def _turn_of(self, waiting: Waiting) -> None:
        expiry = waiting.turn.get_loop().call_later(self.longest, self._expire, waiting)
        try:
            await waiting.turn
        except asyncio.CancelledError:  # its client has left
            if waiting.turn.done() and not waiting.turn.cancelled() and waiting.turn.exception() is None:
                self.leave(waiting.client)
            else:
                self._remove(waiting)
            raise
        finally:
            expiry.cancel()

    # ------------------------------------------------------------------------------------------------ being in work

    def take(self, client: str) -> None:
        """Have a place, even if there is none: a request goes on after it was waiting for others."""
        self._working += 1
        self._in_work[client] += 1

    def share(self) -> None:
        """A request turns out to be a long one: another may work beside it."""
        self._sharing += 1
        self._let_in()

    def unshare(self) -> None:
        """That one is about to leave."""
        self._sharing -= 1

    def leave(self, client: str) -> None:
        """Give the place back."""
        self._working -= 1
        self._in_work[client] -= 1
        if not self._in_work[client]:
            del self._in_work[client]
        self._let_in()
        self._tell_change()

    def stands_back(self, client: str) -> bool:
        """Whether somebody is here who was given so much less that this client's queries let hers go first."""
        others = {*self._queues, *self._in_work} - {client}
        return any(self._flooding((client,), other) is not None for other in others)

    async def changed(self) -> None:
        """Wait until somebody leaves."""
        change = asyncio.get_running_loop().create_future()
        self._changing.append(change)
        await change

    def _tell_change(self) -> None:
        for change in self._changing:
            if not change.done():
                change.set_result(None)
        self._changing.clear()

    def note(self, client: str, took: float, computed: float, at_once: int) -> None:
        """A request is over: see `Pace.note`."""
        self.pace.note(took, computed, at_once)
        self._given.put(client, (self._given_to(client) + took, self.clock()), 1)

    def _let_in(self) -> None:
        """Those who wait, as many as there are places for."""
        while self._waiting and self._has_place():
            waiting = self._queues[min(self._queues, key=self._weight)].pop()
            self._gone(waiting.client)
            if not waiting.turn.done():
                self.take(waiting.client)
                waiting.turn.set_result(None)

    # ------------------------------------------------------------------------------------------------ going

    def _remove(self, waiting: Waiting) -> None:
        queue = self._queues.get(waiting.client)
        if queue is not None and waiting in queue:
            queue.remove(waiting)
            self._gone(waiting.client)

    def _gone(self, client: str) -> None:
        self._waiting -= 1
        if not self._queues[client]:
            del self._queues[client]
        self._tell_change()

    def _expire(self, waiting: Waiting) -> None:
        if not waiting.turn.done():
            self._refuse(waiting)

    def _refuse(self, waiting: Waiting) -> None:
        self._remove(waiting)
        self._note_refusal()
        if not waiting.turn.done():
            waiting.turn.set_exception(OverloadedError())

    def _note_refusal(self) -> None:
        self.refused += 1
        self._refused_at = self.clock()
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(SOON, self._look_again)

    def _look_again(self) -> None:
        """Where still more come, the crowd is told that it waits in vain."""
        self._looking = None
        if self.clock() - self._refused_at >= SOON / 2:
            return
        for client in [one for one in self._queues if self._flooding(self._in_work, one) is None]:
            for waiting in [*self._queues[client]]:
                self._refuse(waiting)
