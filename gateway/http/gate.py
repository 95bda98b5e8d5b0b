"""How many requests are worked on at once, and which of them wait.

Everything that is computed shares one processor core, so requests that are worked on together make each other slower.
So many are let in at once that this costs each of them a bounded part; a crowd may wait, and what could not begin soon
is refused at once: a refusal is cheap, an answer that comes too late is not.

A crowd and overload are told apart: a crowd comes once, and waits until it is served. Where more come than may wait it
is overload, until for `CALM` nobody had to be refused. As long as that lasts a request begins at once or is refused;
and where they go on coming, those who wait are refused as well.

The newest is served first: were it the oldest, all would wait as long as one can, and many for nothing. Clients share:
one alone never has the last place, and where too many wait, one of those goes that has the most of them.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

CALM = 0.5
"""Seconds without a refusal after which overload is over."""

SOON = 0.05
"""Seconds after which it is looked whether they who are refused came at once, or go on coming."""

FEWEST, MOST = 2, 16
"""Requests at once: below, the processor would idle while a database answers; above, connections to it run out."""

SLOWER = 1.6
"""How much slower than alone a request may become through those beside it, before fewer are let in."""


class OverloadedError(Exception):
    """This request could not begin soon. `retry_after`: seconds."""

    retry_after = 1


@dataclass(slots=True, eq=False)
class Waiting:
    """A request that waits for its turn."""

    client: str
    turn: asyncio.Future[None]


@dataclass(slots=True)
class Pace:
    """How long requests take, in seconds of their own turns.

    Attributes:
        alone: by themselves; None: not known yet.
        beside: beside others.
    """

    alone: float | None = None
    beside: float = 0.0

    def note(self, took: float, at_once: int) -> None:
        """A request took so long, and at its begin or end there were so many."""
        self.beside += (took - self.beside) * 0.1 if self.beside else took
        if self.alone is None:
            self.alone = took / at_once
        elif at_once == 1:
            self.alone += (took - self.alone) * 0.1
        else:  # not known any more, if nothing ever runs alone: what is asked changes
            self.alone += min(0.0, took - self.alone) * 0.1 + self.alone * 0.0005

    @property
    def crowded(self) -> bool:
        """Whether requests are slower than they may become."""
        return self.beside > SLOWER * (self.alone or 0.0)


@dataclass(slots=True)
class Gate:
    """Lets requests in.

    Attributes:
        crowd: how many may wait.
        longest: for how many seconds each may.
        clock: seconds that only go forward.
        limit: how many are let in at once.
    """

    crowd: int = 50
    longest: float = 3.0
    clock: Callable[[], float] = time.monotonic
    limit: float = 4.0
    pace: Pace = field(default_factory=Pace)
    refused: int = 0
    _in_work: Counter[str] = field(default_factory=Counter)
    _working: int = 0
    _queues: OrderedDict[str, deque[Waiting]] = field(default_factory=OrderedDict)
    _waiting: int = 0
    _refused_at: float = -CALM
    _looking: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in work, and nothing waits."""
        return not (self._working or self._waiting or self._in_work or self._queues)

    @property
    def is_overloaded(self) -> bool:
        """Whether somebody had to be refused a moment ago."""
        return self.clock() - self._refused_at < CALM

    def admits(self, client: str) -> bool:
        """Whether a request of this client would be let in soon, as it looks now: asked before its body is read."""
        if self._has_place(client) or self._may_wait(client):
            return True
        self._note_refusal()
        return False

    async def enter(self, client: str) -> None:
        """Wait for a place.

        Raises:
            OverloadedError: it would take too long.
        """
        if self._has_place(client) and (not self._waiting or self.is_overloaded):
            self._take(client)
            return
        if not self._may_wait(client):
            self._note_refusal()
            raise OverloadedError
        waiting = Waiting(client, asyncio.get_running_loop().create_future())
        self._queue(waiting)
        self._let_in()
        await self._turn_of(waiting)

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

    def take(self, client: str) -> None:
        """A place for a request that goes on after it was waiting for others, even if there is none."""
        self._take(client)

    def leave(self, client: str) -> None:
        """Give the place back."""
        self._working -= 1
        self._in_work[client] -= 1
        if not self._in_work[client]:
            del self._in_work[client]
        self._let_in()

    def note(self, took: float, at_once: int) -> None:
        """A request is over: more are let in at once, or fewer."""
        self.pace.note(took, at_once)
        if self.pace.crowded:
            self.limit = max(FEWEST, self.limit - 1 / self.limit)
        elif at_once >= int(self.limit) - 1:
            self.limit = min(MOST, self.limit + 1 / self.limit)

    @property
    def working(self) -> int:
        """Requests in work."""
        return self._working

    def _has_place(self, client: str) -> bool:
        return self._working < int(self.limit) and self._in_work[client] < max(1, int(self.limit) - 1)

    def _take(self, client: str) -> None:
        self._working += 1
        self._in_work[client] += 1

    def _queue(self, waiting: Waiting) -> None:
        self._queues.setdefault(waiting.client, deque()).append(waiting)
        self._waiting += 1

    def _remove(self, waiting: Waiting) -> None:
        queue = self._queues.get(waiting.client)
        if queue is not None and waiting in queue:
            queue.remove(waiting)
            self._gone(waiting.client, queue)

    def _gone(self, client: str, queue: deque[Waiting]) -> None:
        self._waiting -= 1
        if not queue:
            del self._queues[client]

    def _let_in(self) -> None:
        """Those who wait, the clients in turn. In overload only who is crowded out: others come all the time."""
        overloaded = self.is_overloaded
        while self._waiting:
            free = (one for one in self._queues if self._has_place(one))
            client = next((one for one in free if not overloaded or self._is_crowded_out(one)), None)
            if client is None:
                return
            queue = self._queues[client]
            self._queues.move_to_end(client)
            waiting = queue.pop()
            self._gone(client, queue)
            if not waiting.turn.done():
                self._take(client)
                waiting.turn.set_result(None)

    def _may_wait(self, client: str) -> bool:
        """Whether there is room; where there is none, another who has more of it makes some."""
        if self.is_overloaded and not self._is_crowded_out(client):
            return False
        if self._waiting < self.crowd:
            return True
        most = max(self._queues, key=self._weight, default=client)
        if self._weight(most) <= self._weight(client) + 1:
            return False
        self._refuse(self._queues[most][0])
        return True

    def _is_crowded_out(self, client: str) -> bool:
        """Whether another has more in work and waiting: in overload, who floods stands back for who does not."""
        others = (self._weight(one) for one in {*self._queues, *self._in_work} if one != client)
        return max(others, default=0) > self._weight(client) + 1

    def _weight(self, client: str) -> int:
        return len(self._queues.get(client, ())) + self._in_work[client]

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
        if self._waiting and self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(SOON, self._look_again)

    def _look_again(self) -> None:
        """Those who wait go on when it is calm. Where still more come they are told at once that they wait in vain."""
        self._looking = None
        if self.clock() - self._refused_at < SOON / 2:
            for waiting in [one for queue in self._queues.values() for one in queue]:
                if not self._is_crowded_out(waiting.client):
                    self._refuse(waiting)
        self._let_in()
        if self._waiting and self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(SOON, self._look_again)


class Turn:
    """One request's place: had while it computes, given back while it waits for others."""

    def __init__(self, gate: Gate, client: str) -> None:
        self._gate = gate
        self._client = client
        self._begun = 0.0
        self._took = 0.0
        self._at_once = 1
        self._apart = 0

    async def begin(self) -> None:
        """Wait for the place. Raises as `Gate.enter`."""
        await self._gate.enter(self._client)
        self._go_on()

    def end(self) -> None:
        """Give it back for good."""
        self._pause()
        self._gate.note(self._took, self._at_once)

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
            if not self._apart:
                self._gate.take(self._client)
                self._go_on()

    def _go_on(self) -> None:
        self._begun = self._gate.clock()
        self._at_once = max(self._at_once, self._gate.working)

    def _pause(self) -> None:
        self._took += self._gate.clock() - self._begun
        self._at_once = max(self._at_once, self._gate.working)
        self._gate.leave(self._client)
