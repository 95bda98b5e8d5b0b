"""Queries beside a sync after ready, and whether the sync keeps to L1: short write transactions, with gaps."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from gateway.runtime import Gateway
from gateway.storage import tables
from tests.bench.databases import two_databases
from tests.bench.goods import Goods
from tests.bench.house import PRODUCTS, Client, gateway_over
from tests.bench.times import Seconds, once, summary, timed

PAGE = 20
EVERY = 0.1
"""Seconds between two queries."""


async def measure(*, products: int, queries: int, seed: int) -> dict[str, float]:
    """A query alone, and beside the sync of that many products and their stock, all of which have changed."""
    goods = Goods(products=products, seed=seed)
    async with two_databases("sqlite") as (url, _), gateway_over(url, goods) as gateway:
        await gateway.run_due()
        client, serving = Client(gateway), asyncio.create_task(gateway.serve())
        await timed(lambda: client.data(PRODUCTS, first=PAGE), 20)
        alone = await _asking(client, queries)
        goods.edition += 1
        with writes() as spans:
            begun = time.perf_counter()
            await gateway.make_due("web")
            beside = await _asking_until_synced(gateway, client, goods)
            seconds = time.perf_counter() - begun
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    return summary("alone", alone) | summary("beside", beside) | _summary(spans) | {"resync_seconds": seconds}


async def _asking_until_synced(gateway: Gateway, client: Client, goods: Goods) -> Seconds:
    taken: Seconds = []
    while await gateway.database.read(behind, goods.edition):
        taken += await _asking(client, 20)
    return taken


async def _asking(client: Client, queries: int) -> Seconds:
    """At a steady rate, whatever the answers take: as many clients do, and unlike one that waits for each."""
    asked = []
    for _ in range(queries):
        asked.append(asyncio.create_task(once(lambda: client.data(PRODUCTS, first=PAGE))))
        await asyncio.sleep(EVERY)
    return list(await asyncio.gather(*asked))


def behind(conn: sa.Connection, edition: int) -> bool:
    """Whether something of an earlier edition of the goods is known."""
    sources = tables.sources.c
    old = sa.select(sources.id).where(sources.channel == "web", sources.version < edition).limit(1)
    return conn.execute(old).first() is not None


@contextlib.contextmanager
def writes() -> Iterator[list[tuple[float, float]]]:
    """When each write transaction meanwhile began and was committed. Readers end theirs without a commit."""
    here, spans = threading.local(), list[tuple[float, float]]()

    def begin(_conn: object) -> None:
        here.begun, here.commits = time.perf_counter(), False

    def commit(_conn: object) -> None:
        here.commits = True

    def given_back(*_: object) -> None:
        if getattr(here, "commits", False):
            spans.append((here.begun, time.perf_counter()))
            here.commits = False

    heard = ((Engine, "begin", begin), (Engine, "commit", commit), (sa.pool.Pool, "checkin", given_back))
    for target, name, hear in heard:
        sa.event.listen(target, name, hear)
    try:
        yield spans
    finally:
        for target, name, hear in heard:
            sa.event.remove(target, name, hear)


def _summary(spans: list[tuple[float, float]]) -> dict[str, float]:
    gaps = [after[0] - before[1] for before, after in itertools.pairwise(spans)]
    lengths = [end - begin for begin, end in spans]
    return summary("write", lengths) | summary("gap", gaps) | {"gap_min": min(gaps) * 1000}
