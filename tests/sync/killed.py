"""A process that syncs and is killed (SIGKILL) at a given moment: ``python -m tests.sync.killed URL MOMENT …``.

Moments are counted: each observation inside its transaction, and each write once it is committed. The imports of the
stack take long, so one process is started, and forks a child for each pair of arguments.
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

from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import sources
from gateway.storage.database import Connection, Database
from gateway.sync.channel import Pace
from tests.house import Clock, running
from tests.sync.observed import channel

ABLE = {
    "till": channel("products", "stock", "customers", "orders", page_size=20)["till"],
    "web": channel("products", "stock", page_size=20, deltas=False, live=False)["till"],
}
RECORDS_AT_ONCE = 7


def stores() -> dict[str, MemoryStore]:
    """Two channels of the same goods, the same whenever they are made."""
    found = {"till": MemoryStore(), "web": MemoryStore()}
    for n in range(40):
        for key, store in found.items():
            store.put("products", rows.product(f"{n:02}", sku=f"S{n // 2}" if key == "web" else f"S{n}"))
            store.put("stock", rows.stock(f"{n:02}", "shop", n))
    for n in range(25):
        line = rows.line("1", f"{n:02}", 1 + n % 3)
        found["till"].put("orders", rows.order(f"o{n:02}", [line], customer=f"c{n % 4}", place="shop"))
    for n in range(4):
        found["till"].put("customers", rows.customer(f"c{n}", email=f"c{n}@example.org"))
    found["till"].put("products", rows.product("bad", price="-1.00"))
    return found


def main(arguments: list[str]) -> None:
    """Fork a child for each URL and moment; fail if one of them was not killed."""
    for url, moment in zip(arguments[::2], arguments[1::2], strict=True):
        child = os.fork()
        if child == 0:
            asyncio.run(sync(url, int(moment)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            sys.exit(f"the sync came to its end before moment {moment}")


async def sync(url: str, moment: int) -> None:
    """Sync everything, until the moment comes."""
    count = itertools.count(1)

    def passes() -> None:
        if next(count) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    write: Callable[..., Awaitable[Any]] = Database.write
    next_count = sources.next_count

    async def writing(self: Database, *work: Any, **options: Any) -> Any:
        result = await write(self, *work, **options)
        passes()
        return result

    def counting(conn: Connection) -> int:
        passes()
        return next_count(conn)

    with (
        patch.object(Database, "write", writing),
        patch.object(sources, "next_count", counting),
        patch.object(Pace, "_size", lambda self, feed: RECORDS_AT_ONCE),
    ):
        async with running(url, stores(), Clock(), ABLE) as gateway:
            await gateway.run_due()


if __name__ == "__main__":
    main(sys.argv[1:])
