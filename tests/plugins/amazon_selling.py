"""A retailer whose till counts what an Amazon seller account offers, through a gateway, over real HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.channels.plugins import discover
from gateway.commerce import pushing
from gateway.runtime import Gateway, open_gateway
from gateway.sdk import ChannelError, Command, Outcome, Ref, SetStock, ShipOrder
from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryPlugin, MemoryStore
from gateway.sdk.testing.sandbox import World, WorldProduct
from gateway.settings import parse
from gateway.storage import tables
from gateway_amazon.config import WriteName
from gateway_amazon.sandbox import AmazonSandbox, start
from gateway_amazon.sandbox.door import Asked
from tests.graphql.world import ADMIN, TOKENS, Client, client_of

from .amazon import SOON, Clock, world

WRITES: Sequence[str] = get_args(WriteName)
AMAZON, TILL = "amazon", "till"
GTINS = {"TEA-1": "05012345678900", "MUG-1": "04006381333931"}
LOCATIONS = {
    "leeds": {
        "name": "Leeds",
        "kind": "WAREHOUSE",
        "authority": TILL,
        "channels": {TILL: "L", AMAZON: "leeds"},
    },
    "fba": {"name": "Amazon", "kind": "MARKETPLACE_FULFILLMENT", "authority": AMAZON, "channels": {AMAZON: "fba"}},
}
TEA, PAIR, KEPT = "TEA-1", "MUG-1-PAIR-OWN", "MUG-1-PAIR"
"""Tea and a pair of mugs that the merchant ships, and a pair that Amazon does."""


def goods() -> World:
    """What the account lists: as always, and a pair of the till's mugs that the merchant ships himself."""
    there = world()
    pair = WorldProduct(sku=PAIR, title="Mug, pair", price=Decimal(8), units=2, barcode=GTINS["MUG-1"][1:])
    return replace(there, products=(*there.products, pair), stock={**there.stock, (PAIR, "leeds"): 4})


def till() -> MemoryStore:
    """A till that counts twenty teas and eleven mugs."""
    store = MemoryStore()
    for sku, units in (("TEA-1", 20), ("MUG-1", 11)):
        store.put("products", rows.product(sku, sku=sku, gtin=GTINS[sku]))
        store.put("stock", rows.stock(sku, "L", units))
    return store


@dataclass(frozen=True)
class Selling:
    """The gateway, a client, the account and the till behind it."""

    gateway: Gateway
    clock: Clock
    client: Client
    sandbox: AmazonSandbox
    till: MemoryStore

    async def arm(self) -> None:
        """An operator lets quantities be sent to the account."""
        await self.gateway.database.write(pushing.arm, AMAZON, self.gateway.rules.ground, self.gateway.now())
        await self.gateway.run_due()

    async def later(self, times: int = 1, **amount: float) -> None:
        """So much later, when everything that was due has been read and told."""
        for _ in range(times):
            self.clock.forward(**(amount or {"minutes": 5}))
            for key in (AMAZON, TILL):
                await self.gateway.make_due(key)
            await self.gateway.run_due()

    def offered(self, sku: str = TEA) -> int | None:
        """How many of a listing the account itself offers."""
        return self.sandbox.offered(sku)

    def counted(self, sku: str = "TEA-1") -> int:
        """How many units the till counts."""
        row = self.till.one("stock", f"{sku}@L")
        assert row is not None
        return int(row["on_hand"])

    def asked(self, operation: str) -> list[Asked]:
        """The requests for an operation that were answered well."""
        return [one for one in self.sandbox.asked if one.operation == operation and one.status < 300]

    def told(self) -> list[tuple[str, int]]:
        """The quantities that the account was told, in their order."""
        patches = [(one.path.rpartition("/")[2], one.body["patches"][0]) for one in self.asked("patchListingsItem")]
        return [(sku.replace("%2E", "."), patch["value"][0]["quantity"]) for sku, patch in patches]

    async def stock(self, sku: str = "TEA-1") -> tuple[int, int]:
        """What the gateway knows to be in the till's place, and how much of it is spoken for."""

        def select(conn: Connection) -> tuple[int, int]:
            here = (tables.stock.c.channel == TILL, tables.stock.c.item == sku)
            row = conn.execute(sa.select(tables.stock.c.on_hand, tables.stock.c.held).where(*here)).one()
            return row.on_hand, row.held

        return await self.gateway.database.read(select)

    async def column(self, column: sa.Column[Any]) -> list[Any]:
        """A column of a table, the oldest row first."""
        return await self.gateway.database.read(
            lambda conn: list(conn.scalars(sa.select(column).order_by(column.table.c.id)))
        )

    async def push(self, sku: str = TEA) -> tuple[str, int | None, int | None]:
        """How the push of a listing stands: its state, what is wanted and what is published."""
        query = """{ listings(channelKey: "amazon") { nodes {
            externalId pushes { state wantedQuantity publishedQuantity } } } }"""
        found = await self.client.data(query, ADMIN)
        (push,) = [one for node in found["listings"]["nodes"] if node["externalId"] == sku for one in node["pushes"]]
        return push["state"], push["wantedQuantity"], push["publishedQuantity"]

    async def send(self, *commands: Command) -> Sequence[Outcome | ChannelError]:
        return list(await self.gateway.syncing[AMAZON].channel.send(commands, SOON))

    async def find(self, command: Command, ticket: str | None) -> Outcome | None:
        return await self.gateway.syncing[AMAZON].channel.find(command, ticket, SOON)


def offer(quantity: int, seen: int | None = None, *, sku: str = TEA, place: str = "leeds", key: str = "k") -> SetStock:
    """A wish that so many of a listing be offered."""
    return SetStock(key=key, subject=Ref(sku), item=sku, place=place, quantity=quantity, seen=seen)


def ship(order: str, quantity: int, *, sku: str = TEA, key: str = "s", **more: Any) -> ShipOrder:
    """A wish that it be told that so many of an order have left."""
    return ShipOrder(key=key, subject=Ref(order), quantities={sku: quantity}, **more)


def document(url: str, sandbox: AmazonSandbox, **options: Any) -> dict[str, Any]:
    """A configuration of both channels."""
    deadline = options.pop("deadline", "5s")
    account = {
        "plugin": "amazon",
        "private_addresses": True,
        "call_deadline": deadline,
        "config": {**sandbox.config, "writes": WRITES, **options},
    }
    counting = {"plugin": "memory", "config": {"writes": ["adjust"], "ledger": True, "read_your_writes": True}}
    return {
        "database": url,
        "channels": {AMAZON: account, TILL: counting},
        "locations": LOCATIONS,
        "tokens": {"admin": TOKENS["admin"]},
        "stock": {"default_channel": TILL},
    }


@contextlib.asynccontextmanager
async def selling(
    url: str, directory: Path, *, lag: float = 0, delay: float = 0, **options: Any
) -> AsyncIterator[Selling]:
    """An account that sells, and a gateway that has read it and the till. `lag`: seconds until a quantity is applied;
    `delay`: until a change is seen."""
    clock = Clock()
    sandbox = await start(goods(), directory, delay=delay, scale=1000, now=clock, ticks=clock.ticks)
    sandbox.offers.lag = lag
    store = till()
    try:
        settings = parse(document(url, sandbox, **options), {})
        plugins = discover(MemoryPlugin({TILL: store}))
        async with open_gateway(settings, plugins=plugins, clock=clock) as gateway, client_of(gateway) as client:
            gateway.turns.gap = 0
            await gateway.run_due()
            yield Selling(gateway, clock, client, sandbox, store)
    finally:
        await sandbox.close()
