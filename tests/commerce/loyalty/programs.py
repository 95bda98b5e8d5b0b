"""A gateway with a loyalty program, over a till and a web store, and what its accounts say."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from gateway.runtime.gateway import Gateway
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.sdk.testing.record_builders import build_customer, build_line, build_order, build_product
from gateway.storage import tables
from gateway.storage.database import Connection
from tests.gateways import START, Clock, run_gateway

PROGRAM: Mapping[str, Any] = {
    "since": datetime(2025, 1, 1, tzinfo=START.tzinfo),
    "issuer": "till",
    "rates": {"GBP": "1"},
    "worth": {"GBP": "0.01"},
    "expires_after": "100d",
    "time_zone": "Europe/London",
    "tiers": [{"key": "silver", "points": 100}, {"key": "gold", "points": 200, "multiplier": "2"}],
}


class Program:
    """A running gateway with a till and a web store, whose clock the test sets."""

    def __init__(self, gateway: Gateway, stores: Mapping[str, MemoryStore], clock: Clock) -> None:
        self.gateway, self.clock = gateway, clock
        self.till, self.web = stores["till"], stores["web"]

    async def sync(self) -> None:
        """Read both channels again, and post points. Then time passes."""
        for key in ("till", "web"):
            await self.gateway.request_sync(key, sweep=True)
        await self.gateway.run_due()
        self.clock.forward(seconds=1)

    def sell(self, number: str, price: str, **more: Any) -> None:
        """Sell something at the till."""
        id = more.pop("id", f"row-{number}")
        lines = more.pop("lines", [build_line(f"{id}-1", "t-mug", 1, price)])
        placed_at = more.pop("placed_at", self.clock() - timedelta(minutes=1))
        row = build_order(id, lines, placed_at=placed_at, **{"place": "L", "customer": "ada", **more})
        self.till.put("orders", {**row, "number": number})

    async def read_accounts(self) -> dict[str, int]:
        """Return the balance of every account, by its key. The ledger adds up to it and to what is pending."""
        return await self.gateway.database.read(read_accounts)

    async def count_commands(self) -> int:
        """Return the number of commands for channels."""
        count = sa.select(sa.func.count()).select_from(tables.outbox)
        return await self.gateway.database.read(lambda conn: conn.scalar(count) or 0)

    async def read_entries(self) -> list[tuple[str, int]]:
        """Return the kind and points of all entries, in the order in which they were posted."""

        def read(conn: Connection) -> list[tuple[str, int]]:
            columns = sa.select(tables.loyalty_entries.c.kind, tables.loyalty_entries.c.points)
            return [(row.kind, row.points) for row in conn.execute(columns.order_by(tables.loyalty_entries.c.id))]

        return await self.gateway.database.read(read)


def read_accounts(conn: Connection) -> dict[str, int]:
    accounts, entries = tables.loyalty_accounts, tables.loyalty_entries
    sums = sa.select(entries.c.account_id, sa.func.sum(entries.c.points)).group_by(entries.c.account_id)
    posted = {id_: int(points) for id_, points in conn.execute(sums).all()}
    for row in conn.execute(sa.select(accounts)):
        assert posted.get(row.id, 0) == row.balance + row.pending, "the ledger is the balance"
    return {row.key: row.balance for row in conn.execute(sa.select(accounts))}


@contextlib.asynccontextmanager
async def open_program(url: str, writes: Sequence[str] = (), **settings: Any) -> AsyncIterator[Program]:
    """Open a gateway with a loyalty program. Ada has the card C1, Bob none."""
    stores, clock = {"till": MemoryStore(), "web": MemoryStore()}, Clock()
    stores["till"].put("products", build_product("t-mug"))
    for key, card in (("till", "C1"), ("web", None)):
        stores[key].put("customers", build_customer("ada", card=card))
        stores[key].put("customers", build_customer("bob", name="Bob Bee"))
    channels = {"till": {"config": {"writes": list(writes)}}, "web": {}}
    async with run_gateway(url, stores, clock, channels, loyalty={**PROGRAM, **settings}) as gateway:
        await gateway.run_due()
        yield Program(gateway, stores, clock)
