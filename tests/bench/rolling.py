"""Two processes on one PostgreSQL, restarted one after the other under load, and clients that try once more."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter

import orjson

from tests.bench.databases import two_databases
from tests.bench.processes import Listening
from tests.bench.times import percentile
from tests.bench.wire import addresses, request

BODY = orjson.dumps({"query": "{ channels { key state } }"})

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Clients:
    """Ask one server or the other, in turn; the other one once more, where the first does not answer well."""

    def __init__(self, ports: list[int]) -> None:
        self.outcomes: Counter[str] = Counter()
        self.took: list[float] = []
        self._ports = ports
        self._idle: dict[int, list[Connection]] = {port: [] for port in ports}

    async def run(self, rate: float, over: asyncio.Event) -> None:
        """Until it is over, so many a second."""
        async with asyncio.TaskGroup() as tasks:
            begun = time.perf_counter()
            for number, address in zip(itertools.count(), itertools.cycle(addresses())):
                if over.is_set():
                    break
                tasks.create_task(self._ask(number, request(BODY, address)))
                await asyncio.sleep(max(0, begun + number / rate - time.perf_counter()))
        for line in itertools.chain(*self._idle.values()):
            line[1].close()

    async def _ask(self, number: int, message: bytes) -> None:
        begun = time.perf_counter()
        for attempt in range(2):
            if await self._answered(self._ports[(number + attempt) % 2], message):
                self.outcomes["first" if attempt == 0 else "second"] += 1
                self.took.append(time.perf_counter() - begun)
                return
        self.outcomes["failed"] += 1

    async def _answered(self, port: int, message: bytes) -> bool:
        """Whether there is an answer with 200."""
        try:
            reader, writer = self._idle[port].pop() if self._idle[port] else await self._connected(port)
            writer.write(message)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        except (OSError, asyncio.IncompleteReadError):
            return False
        if b"connection: close" in head:
            writer.close()
        else:
            self._idle[port].append((reader, writer))
        return head[9:12] == b"200"

    async def _connected(self, port: int) -> Connection:
        return await asyncio.open_connection("127.0.0.1", port)


async def measure(*, products: int, rate: float) -> dict[str, float]:
    """What clients got while each server was restarted, and with which codes the processes ended."""
    async with two_databases("postgresql") as (url, _):
        servers = [Listening.at(url, products) for _ in range(2)]
        for server in servers:
            await server.begin()
        clients, over = Clients([server.port for server in servers]), asyncio.Event()
        asking = asyncio.create_task(clients.run(rate, over))
        codes = []
        for server in servers:
            await asyncio.sleep(2)
            codes.append(await server.end())
            await server.begin()
        await asyncio.sleep(2)
        over.set()
        await asking
        codes += [await server.end() for server in servers]
    return {
        **{name: clients.outcomes[name] for name in ("first", "second", "failed")},
        "p50": 1000 * percentile(clients.took, 0.5),
        "p99": 1000 * percentile(clients.took, 0.99),
        "bad_codes": sum(code != 0 for code in codes),
    }
