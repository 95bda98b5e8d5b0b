"""How long a storefront's list takes, and how long the statements that it needs take by themselves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from bench.asgi_gateway import Client
from bench.cost_world import open_cost_gateway
from bench.databases import create_databases
from bench.engines import STOREFRONT, use_engine
from bench.timing import time_runs

PRODUCTS = 20

Statements = list[tuple[str, Any]]
"""Texts with their parameters."""


async def measure(*, dialect: str, variants: int, times: int, seed: int) -> dict[str, float]:
    """Measure a list in a catalog with this many variants, nothing cached, and its statements: medians in
    milliseconds. `count`: of the statements.
    """
    async with create_databases(dialect) as (url, _), open_cost_gateway(url, variants // 2, seed) as gateway:
        request = partial(Client(gateway).query, STOREFRONT, first=PRODUCTS)
        with use_engine(0):
            await request()
            with record_statements() as statements:
                await request()
            requests = await time_runs(request, times)
        bare = [await gateway.database.read(time_statements, statements) for _ in range(times)]
    return {"request": median(requests) * 1000, "bare": median(bare) * 1000, "count": len(statements)}


@contextmanager
def record_statements() -> Iterator[Statements]:
    """Record the statements of all engines inside the `with` statement."""
    statements: Statements = []

    def record(_conn: Connection, _cursor: Any, text: str, parameters: Any, *_: Any) -> None:
        statements.append((text, parameters))

    sa.event.listen(Engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        sa.event.remove(Engine, "before_cursor_execute", record)


def time_statements(conn: Connection, statements: Statements) -> float:
    """Execute statements by the driver and fetch their rows. Returns the seconds that it took."""
    cursor: Any = conn.connection.cursor()
    begun = time.perf_counter()
    for text, parameters in statements:
        cursor.execute(text, parameters)
        cursor.fetchall()
    took = time.perf_counter() - begun
    cursor.close()
    return took
