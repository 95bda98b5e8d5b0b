"""Requests over sockets at a given rate, whatever becomes of them, and what they were answered: cheap, so that the
machine is the server's."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.timing import compute_percentile

ADDRESSES = 200
"""The number of clients of a load."""


def build_request(body: bytes, address: str) -> bytes:
    """Build a POST request as a client with this address sends it through a proxy."""
    return (
        b"POST /graphql HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\nx-forwarded-for: %s\r\n"
        b"accept: application/graphql-response+json\r\ncontent-length: %d\r\n\r\n%s"
        % (address.encode(), len(body), body)
    )


def generate_addresses(count: int = ADDRESSES) -> list[str]:
    """Generate the addresses of this many clients."""
    return [f"192.0.2.{number}" if number < 256 else f"198.51.100.{number - 256}" for number in range(count)]


@dataclass(slots=True)
class LoadResult:
    """The results of a load: the seconds of each response, by status."""

    took: dict[int, list[float]] = field(default_factory=dict)
    broken: int = 0

    def record(self, status: int, begun: float) -> None:
        self.took.setdefault(status, []).append(time.perf_counter() - begun)

    def add(self, other: LoadResult) -> None:
        """Add the results of another run."""
        for status, took in other.took.items():
            self.took.setdefault(status, []).extend(took)
        self.broken += other.broken

    def count(self, status: int) -> int:
        return len(self.took.get(status, ()))

    def compute_percentile_ms(self, status: int, share: float) -> float:
        """Compute a percentile in milliseconds."""
        return 1000 * compute_percentile(self.took.get(status) or [0.0], share)

    @property
    def statuses(self) -> Counter[int]:
        return Counter({status: len(took) for status, took in self.took.items()})


class LoadConnection(asyncio.Protocol):
    """A persistent connection with one request at a time."""

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

    def send(self, message: bytes, begun: float) -> None:
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
            self._load.result.record(self._status, self._begun)
            self._begun = 0.0
            self._load.mark_idle(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.mark_lost(self, unanswered=bool(self._begun))


class Load:
    """Sends requests to one address at a given rate, and records the results."""

    def __init__(self, port: int, messages: Iterable[bytes], most: int = 1_000) -> None:
        self.result = LoadResult()
        self._port = port
        self._messages = deque(messages)
        self._most = most
        self._idle: deque[LoadConnection] = deque()
        self._lines: set[LoadConnection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._waiting: deque[tuple[bytes, float]] = deque()

    async def run(self, rate: float, seconds: float) -> LoadResult:
        """Run an open loop: requests are sent on schedule, whether or not earlier ones were answered."""
        begun = time.perf_counter()
        sent, total = 0, int(rate * seconds)
        while sent < total:
            due = min(total, int((time.perf_counter() - begun) * rate) + 1)
            for _ in range(due - sent):
                self.send(self._get_next_message())
            sent = due
            await asyncio.sleep(0.001)
        return self.result

    async def settle(self, within: float = 5) -> None:
        """Wait for outstanding responses."""
        until = time.perf_counter() + within
        while (self._waiting or len(self._idle) < len(self._lines)) and time.perf_counter() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        for line in [*self._lines]:
            if line.transport is not None:
                line.transport.abort()

    def mark_idle(self, line: LoadConnection) -> None:
        if self._waiting:
            line.send(*self._waiting.popleft())
        else:
            self._idle.append(line)

    def mark_lost(self, line: LoadConnection, *, unanswered: bool) -> None:
        self.result.broken += unanswered
        self._lines.discard(line)
        if line in self._idle:
            self._idle.remove(line)

    def _get_next_message(self) -> bytes:
        self._messages.rotate(-1)
        return self._messages[0]

    def send(self, message: bytes) -> None:
        """Send a request now, on an idle or a new connection."""
        begun = time.perf_counter()
        if self._idle:
            self._idle.pop().send(message, begun)
            return
        self._waiting.append((message, begun))
        if len(self._lines) + len(self._opening) < self._most:
            task = asyncio.create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: LoadConnection(self), "127.0.0.1", self._port)
        self._lines.add(line)
        self.mark_idle(line)
