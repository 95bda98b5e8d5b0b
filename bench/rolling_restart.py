"""Two processes with one PostgreSQL, restarted one after the other under load, and clients that retry once."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter

import orjson

from bench.databases import create_databases
from bench.load_generator import build_request, generate_addresses
from bench.processes import ServerProcess
from bench.timing import compute_percentile

BODY = orjson.dumps({"query": "{ channels { key state } }"})

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class RetryingClients:
    """Clients that alternate between the servers, and retry a failed request on the other one."""

    def __init__(self, ports: list[int]) -> None:
        self.outcomes: Counter[str] = Counter()
        self.took: list[float] = []
        self._ports = ports
        self._idle: dict[int, list[Connection]] = {port: [] for port in ports}

    async def run(self, rate: float, over: asyncio.Event) -> None:
        """Send requests at this rate until `over` is set."""
        async with asyncio.TaskGroup() as tasks:
            begun = time.perf_counter()
            for number, address in zip(itertools.count(), itertools.cycle(generate_addresses())):
                if over.is_set():
                    break
                tasks.create_task(self._ask(number, build_request(BODY, address)))
                await asyncio.sleep(max(0, begun + number / rate - time.perf_counter()))
        for line in itertools.chain(*self._idle.values()):
            line[1].close()

    async def _ask(self, number: int, message: bytes) -> None:
        begun = time.perf_counter()
        for attempt in range(2):
            if await self._is_answered(self._ports[(number + attempt) % 2], message):
                self.outcomes["first" if attempt == 0 else "second"] += 1
                self.took.append(time.perf_counter() - begun)
                return
        self.outcomes["failed"] += 1

    async def _is_answered(self, port: int, message: bytes) -> bool:
        """Return whether the response has status 200."""
        try:
            reader, writer = self._idle[port].pop() if self._idle[port] else await self._connect(port)
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

    async def _connect(self, port: int) -> Connection:
        return await asyncio.open_connection("127.0.0.1", port)


async def measure(*, products: int, rate: float) -> dict[str, float]:
    """Measure the responses while each server is restarted, and the exit codes of the processes."""
    async with create_databases("postgresql") as (url, _):
        servers = [ServerProcess.create(url, products=products) for _ in range(2)]
        for server in servers:
            await server.start()
        clients, over = RetryingClients([server.port for server in servers]), asyncio.Event()
        asking = asyncio.create_task(clients.run(rate, over))
        codes = []
        for server in servers:
            await asyncio.sleep(2)
            codes.append(await server.stop())
            await server.start()
        await asyncio.sleep(2)
        over.set()
        await asking
        codes += [await server.stop() for server in servers]
    return {
        **{name: clients.outcomes[name] for name in ("first", "second", "failed")},
        "p50": 1000 * compute_percentile(clients.took, 0.5),
        "p99": 1000 * compute_percentile(clients.took, 0.99),
        "bad_codes": sum(code != 0 for code in codes),
    }
