"""A process that syncs and is killed (SIGKILL) at a given point: ``python -m tests.sync.killed_process URL POINT …``.

Points are counted: each observation inside its transaction, and each write after its commit. Since the imports are
slow, one process is started and forks a child for each pair of arguments.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import patch

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage.database import Connection, Database
from gateway.storage.sync import source_records
from gateway.sync.channel_sync import BatchSizer
from tests.gateways import Clock, run_gateway
from tests.sync.observed_records import configure_till

ABLE = {
    "till": configure_till("products", "stock", "customers", "orders", page_size=20)["till"],
    "web": configure_till("products", "stock", page_size=20, deltas=False, live=False)["till"],
}
RECORDS_AT_ONCE = 7


def build_stores() -> dict[str, MemoryStore]:
    """Build two channels with the same goods, equal at each call."""
    found = {"till": MemoryStore(), "web": MemoryStore()}
    for n in range(40):
        for key, store in found.items():
            store.put(
                "products", record_builders.build_product(f"{n:02}", sku=f"S{n // 2}" if key == "web" else f"S{n}")
            )
            store.put("stock", record_builders.build_stock(f"{n:02}", "shop", n))
    for n in range(25):
        line = record_builders.build_line("1", f"{n:02}", 1 + n % 3)
        found["till"].put("orders", record_builders.build_order(f"o{n:02}", [line], customer=f"c{n % 4}", place="shop"))
    for n in range(4):
        found["till"].put("customers", record_builders.build_customer(f"c{n}", email=f"c{n}@example.org"))
    found["till"].put("products", record_builders.build_product("bad", price="-1.00"))
    return found


def main(arguments: list[str]) -> None:
    """Fork a child for each URL and point; fail if one of them was not killed."""
    for url, moment in zip(arguments[::2], arguments[1::2], strict=True):
        child = os.fork()
        if child == 0:
            asyncio.run(sync(url, int(moment)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            sys.exit(f"the sync came to its end before moment {moment}")


async def sync(url: str, moment: int) -> None:
    """Sync everything until the given point."""
    count = itertools.count(1)

    def pass_point() -> None:
        if next(count) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    write: Callable[..., Awaitable[Any]] = Database.write
    next_count = source_records.take_next_count

    async def write_and_pass(self: Database, *work: Any, **options: Any) -> Any:
        result = await write(self, *work, **options)
        pass_point()
        return result

    def count_and_pass(conn: Connection) -> int:
        pass_point()
        return next_count(conn)

    with (
        patch.object(Database, "write", write_and_pass),
        patch.object(source_records, "take_next_count", count_and_pass),
        patch.object(BatchSizer, "_get_size", lambda self, feed: RECORDS_AT_ONCE),
    ):
        async with run_gateway(url, build_stores(), Clock(), ABLE) as gateway:
            await gateway.run_due()


if __name__ == "__main__":
    main(sys.argv[1:])
