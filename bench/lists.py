"""The cost of a page of a list: the number of statements, independent of its size, and the time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bench.asgi_gateway import ORDERS, PRODUCTS, Client, open_goods_gateway
from bench.databases import create_databases
from bench.synthetic_channel import Goods
from bench.timing import summarize, time_runs

SIZES = (5, 20, 100)


async def measure(*, dialect: str, products: int, queries: int, seed: int) -> dict[str, float]:
    """Measure products with three variants in three channels, with stock in two shops, and orders of each channel."""
    goods = Goods(products=products, seed=seed, sizes=3, locations=("shop", "outlet"), tills=products)
    found: dict[str, float] = {}
    channels = {key: {"plugin": "goods", "required": True} for key in ("till", "market")}
    async with create_databases(dialect) as (url, _), open_goods_gateway(url, goods, channels=channels) as gateway:
        await gateway.run_due()
        client = Client(gateway)
        for name, query in (("products", PRODUCTS), ("orders", ORDERS)):
            for size in SIZES:
                with record_statements() as seen:
                    data = await client.query(query, first=size)
                if len(data[name]["nodes"]) != size:
                    raise AssertionError(f"{len(data[name]['nodes'])} {name} instead of {size}")
                found[f"{name}_{size}_statements"] = len(seen)
                seconds = await time_runs(partial(client.query, query, first=size), queries)
                found |= summarize(f"{name}_{size}", seconds)
    return found


@contextlib.contextmanager
def record_statements() -> Iterator[list[str]]:
    """Record all statements except those that begin a transaction."""
    seen: list[str] = []

    def record(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    sa.event.listen(Engine, "before_cursor_execute", record)
    try:
        yield seen
    finally:
        sa.event.remove(Engine, "before_cursor_execute", record)
