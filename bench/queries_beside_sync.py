"""Queries beside a sync after ready, and whether the sync complies with rule L1: short write transactions with gaps."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bench.asgi_gateway import PRODUCTS, Client, open_goods_gateway
from bench.databases import create_databases
from bench.synthetic_channel import Goods
from bench.timing import Seconds, summarize, time_once, time_runs
from gateway.runtime.gateway import Gateway
from gateway.storage import tables

PAGE = 20
EVERY = 0.1
"""Seconds between two queries."""


async def measure(*, products: int, queries: int, seed: int) -> dict[str, float]:
    """Measure a query alone, and beside a sync in which all these products and their stock change."""
    goods = Goods(products=products, seed=seed)
    async with create_databases("sqlite") as (url, _), open_goods_gateway(url, goods) as gateway:
        await gateway.run_due()
        client, serving = Client(gateway), asyncio.create_task(gateway.background.run())
        await time_runs(lambda: client.query(PRODUCTS, first=PAGE), 20)
        alone = await _query_steadily(client, queries)
        goods.edition += 1
        with record_writes() as spans:
            begun = time.perf_counter()
            await gateway.request_sync("web")
            beside = await _query_until_synced(gateway, client, goods)
            seconds = time.perf_counter() - begun
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    return summarize("alone", alone) | summarize("beside", beside) | _summarize(spans) | {"resync_seconds": seconds}


async def _query_until_synced(gateway: Gateway, client: Client, goods: Goods) -> Seconds:
    taken: Seconds = []
    while await gateway.database.read(is_behind, goods.edition):
        taken += await _query_steadily(client, 20)
    return taken


async def _query_steadily(client: Client, queries: int) -> Seconds:
    """Send queries at a steady rate, independent of the responses, as many independent clients do."""
    asked = []
    for _ in range(queries):
        asked.append(asyncio.create_task(time_once(lambda: client.query(PRODUCTS, first=PAGE))))
        await asyncio.sleep(EVERY)
    return list(await asyncio.gather(*asked))


def is_behind(conn: sa.Connection, edition: int) -> bool:
    """Return whether the database has records of an earlier edition of the goods."""
    sources = tables.sources.c
    old = sa.select(sources.id).where(sources.channel == "web", sources.version < edition).limit(1)
    return conn.execute(old).first() is not None


@contextlib.contextmanager
def record_writes() -> Iterator[list[tuple[float, float]]]:
    """Record the begin and commit of each write transaction. Read transactions end without a commit."""
    here, spans = threading.local(), list[tuple[float, float]]()

    def begin(_conn: object) -> None:
        here.begun, here.commits = time.perf_counter(), False

    def commit(_conn: object) -> None:
        here.commits = True

    def check_in(*_: object) -> None:
        if getattr(here, "commits", False):
            spans.append((here.begun, time.perf_counter()))
            here.commits = False

    listeners = ((Engine, "begin", begin), (Engine, "commit", commit), (sa.pool.Pool, "checkin", check_in))
    for target, name, listener in listeners:
        sa.event.listen(target, name, listener)
    try:
        yield spans
    finally:
        for target, name, listener in listeners:
            sa.event.remove(target, name, listener)


def _summarize(spans: list[tuple[float, float]]) -> dict[str, float]:
    gaps = [after[0] - before[1] for before, after in itertools.pairwise(spans)]
    lengths = [end - begin for begin, end in spans]
    return summarize("write", lengths) | summarize("gap", gaps) | {"gap_min": min(gaps) * 1000}
