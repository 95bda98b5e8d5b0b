"""What a page of a list costs: statements, whatever its size, and time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from tests.bench.databases import two_databases
from tests.bench.goods import Goods
from tests.bench.house import ORDERS, PRODUCTS, Client, gateway_over
from tests.bench.times import summary, timed

SIZES = (5, 20, 100)


async def measure(*, dialect: str, products: int, queries: int, seed: int) -> dict[str, float]:
    """Products with three variants over three channels, counted in two shops, and orders of each channel."""
    goods = Goods(products=products, seed=seed, sizes=3, places=("shop", "outlet"), tills=products)
    found: dict[str, float] = {}
    channels = {key: {"plugin": "goods", "required": True} for key in ("till", "market")}
    async with two_databases(dialect) as (url, _), gateway_over(url, goods, channels=channels) as gateway:
        await gateway.run_due()
        client = Client(gateway)
        for name, query in (("products", PRODUCTS), ("orders", ORDERS)):
            for size in SIZES:
                with statements() as seen:
                    data = await client.data(query, first=size)
                if len(data[name]["nodes"]) != size:
                    raise AssertionError(f"{len(data[name]['nodes'])} {name} instead of {size}")
                found[f"{name}_{size}_statements"] = len(seen)
                seconds = await timed(partial(client.data, query, first=size), queries)
                found |= summary(f"{name}_{size}", seconds)
    return found


@contextlib.contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement but those that begin a transaction."""
    seen: list[str] = []

    def see(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    sa.event.listen(Engine, "before_cursor_execute", see)
    try:
        yield seen
    finally:
        sa.event.remove(Engine, "before_cursor_execute", see)
