"""Requests over sockets at a given rate, whatever becomes of them, and what they were answered: cheap, so that the
machine is the server's."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.bench.times import percentile

ADDRESSES = 200
"""Clients that a load comes from."""


def request(body: bytes, address: str) -> bytes:
    """A POST as a client of this address sends it through a proxy."""
    return (
        b"POST /graphql HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\nx-forwarded-for: %s\r\n"
        b"accept: application/graphql-response+json\r\ncontent-length: %d\r\n\r\n%s"
        % (address.encode(), len(body), body)
    )


def addresses(count: int = ADDRESSES) -> list[str]:
    """Of so many clients."""
    return [f"192.0.2.{number}" if number < 256 else f"198.51.100.{number - 256}" for number in range(count)]


@dataclass(slots=True)
class Heard:
    """What a load was answered: by status, the seconds that each answer took."""

    took: dict[int, list[float]] = field(default_factory=dict)
    broken: int = 0

    def note(self, status: int, begun: float) -> None:
        self.took.setdefault(status, []).append(time.perf_counter() - begun)

    def add(self, other: Heard) -> None:
        """What was heard another time."""
        for status, took in other.took.items():
            self.took.setdefault(status, []).extend(took)
        self.broken += other.broken

    def count(self, status: int) -> int:
        return len(self.took.get(status, ()))

    def ms(self, status: int, share: float) -> float:
        """A percentile, in milliseconds."""
        return 1000 * percentile(self.took.get(status) or [0.0], share)

    @property
    def statuses(self) -> Counter[int]:
        return Counter({status: len(took) for status, took in self.took.items()})


class Line(asyncio.Protocol):
    """A connection that is kept, with one request at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._begun = 0.0
        self._missing: int | None = None
        self._received = b""
        self._status = 0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, message: bytes, begun: float) -> None:
        assert self.transport is not None
        self._begun, self._missing, self._received = begun, None, b""
        self.transport.write(message)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._missing is None:
            head, end, _ = self._received.partition(b"\r\n\r\n")
            if not end:
                return
            self._status = int(head[9:12])
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self._missing = len(head) + 4 + int(length)
        if len(self._received) >= self._missing:
            self._load.heard.note(self._status, self._begun)
            self._begun = 0.0
            self._load.idle(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost(self, unanswered=bool(self._begun))


class Load:
    """Requests to one address, as many a second as asked for, and all that was heard."""

    def __init__(self, port: int, messages: Iterable[bytes], most: int = 1_000) -> None:
        self.heard = Heard()
        self._port = port
        self._messages = deque(messages)
        self._most = most
        self._idle: deque[Line] = deque()
        self._lines: set[Line] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._waiting: deque[tuple[bytes, float]] = deque()

    async def run(self, rate: float, seconds: float) -> Heard:
        """An open loop: the next one is sent when it is time, whether or not the last one is answered."""
        begun = time.perf_counter()
        sent, total = 0, int(rate * seconds)
        while sent < total:
            due = min(total, int((time.perf_counter() - begun) * rate) + 1)
            for _ in range(due - sent):
                self.ask(self._next())
            sent = due
            await asyncio.sleep(0.001)
        return self.heard

    async def settle(self, within: float = 5) -> None:
        """Wait for what is not answered yet."""
        until = time.perf_counter() + within
        while (self._waiting or len(self._idle) < len(self._lines)) and time.perf_counter() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        for line in [*self._lines]:
            if line.transport is not None:
                line.transport.abort()

    def idle(self, line: Line) -> None:
        if self._waiting:
            line.ask(*self._waiting.popleft())
        else:
            self._idle.append(line)

    def lost(self, line: Line, *, unanswered: bool) -> None:
        self.heard.broken += unanswered
        self._lines.discard(line)
        if line in self._idle:
            self._idle.remove(line)

    def _next(self) -> bytes:
        self._messages.rotate(-1)
        return self._messages[0]

    def ask(self, message: bytes) -> None:
        """Send one now, on a connection that is free, or on another."""
        begun = time.perf_counter()
        if self._idle:
            self._idle.pop().ask(message, begun)
            return
        self._waiting.append((message, begun))
        if len(self._lines) + len(self._opening) < self._most:
            task = asyncio.create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: Line(self), "127.0.0.1", self._port)
        self._lines.add(line)
        self.idle(line)
