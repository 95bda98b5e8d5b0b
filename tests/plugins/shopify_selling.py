"""A retailer who sells from a web store's two warehouses, through a gateway, over real HTTP."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.channels.plugins import discover
from gateway.runtime import open_gateway
from gateway.sdk import (
    ChannelError,
    Command,
    Money,
    OrderFulfillmentStatus,
    OrderLineRecord,
    OrderRecord,
    OrderStatus,
    Outcome,
    PaymentStatus,
    PlaceOrder,
    Ref,
)
from gateway.settings import parse
from gateway.storage import tables
from gateway_shopify.config import WriteName
from gateway_shopify.sandbox import ShopSandbox, start
from gateway_shopify.sandbox.shop import Node, number
from tests.graphql.buying import SELLING, Shopper
from tests.graphql.mutating import codes
from tests.graphql.world import TOKENS, World, client_of
from tests.house import Clock

from .shopify import CHANNEL, SOON, document, world

WRITES: Sequence[str] = get_args(WriteName)
_keys = itertools.count()


@dataclass(frozen=True)
class Selling(World):
    """The gateway, a client, and the store behind it."""

    sandbox: ShopSandbox

    def counts(self, sku: str, place: str) -> tuple[int, int, int]:
        """What the store itself counts: available, committed, on hand."""
        item = number(self.sandbox.shop.variant(sku)["inventoryItem"]["id"])
        counted = self.sandbox.shop.levels[item][int(self.sandbox.places[place])]["counts"]
        return counted.get("available", 0), counted.get("committed", 0), counted.get("on_hand", 0)

    def item(self, sku: str) -> str:
        return str(number(self.sandbox.shop.variant(sku)["inventoryItem"]["id"]))

    def variant(self, sku: str) -> str:
        return str(number(self.sandbox.shop.variant(sku)["id"]))

    @property
    def orders(self) -> list[Node]:
        """What was sold since the store was opened."""
        return self.sandbox.shop.all("Order")[1:]

    def asked(self, name: str) -> int:
        """How often the store was asked this, and answered."""
        return self.sandbox.manners.asked.count(name)

    async def later(self, times: int = 1, **amount: float) -> None:
        """So much later, when everything that was due has been read and told."""
        for _ in range(times):
            self.clock.forward(**(amount or {"minutes": 3}))
            await self.gateway.make_due(CHANNEL)
            await self.gateway.run_due()

    async def bought(self, quantity: int = 2, place: str = "leeds", **other: Any) -> dict[str, Any]:
        """An order of tea, as the payload shows it."""
        shopper = Shopper(self)
        assert codes(await shopper.fill(CHANNEL, TEA_1=quantity)) == []
        payload = await shopper.buy(await shopper.option("SHIPPING", place), **other)
        assert codes(payload) == [], payload["userErrors"]
        order: dict[str, Any] = payload["order"]
        return order

    async def stock(self, sku: str, place: str) -> tuple[int, int]:
        """What the gateway knows to be there, and how much of it is spoken for."""

        def select(conn: Connection) -> tuple[int, int]:
            here = (tables.stock.c.item == self.item(sku), tables.stock.c.place == self.sandbox.places[place])
            row = conn.execute(sa.select(tables.stock.c.on_hand, tables.stock.c.held).where(*here)).one()
            return row.on_hand, row.held

        return await self.gateway.database.read(select)

    async def column(self, column: sa.Column[Any]) -> list[Any]:
        """A column of a table, the oldest row first."""
        return await self.gateway.database.read(
            lambda conn: list(conn.scalars(sa.select(column).order_by(column.table.c.id)))
        )

    async def send(self, *commands: Command) -> Sequence[Outcome | ChannelError]:
        return list(await self.gateway.syncing[CHANNEL].channel.send(commands, SOON))

    async def find(self, command: Command, ticket: str | None) -> Outcome | None:
        return await self.gateway.syncing[CHANNEL].channel.find(command, ticket, SOON)

    def order(self, quantity: int = 1, place: str = "leeds", **fields: Any) -> PlaceOrder:
        """An order of tea, to be placed."""
        key = fields.pop("key", f"reference-{next(_keys)}")
        price, there = Money.of("3.06", "GBP"), self.sandbox.places[place]
        line = OrderLineRecord(
            ref=Ref("1"),
            variant=self.variant("TEA-1"),
            place=there,
            title="Breakfast tea",
            quantity=quantity,
            unit_price=price,
            total=Money(price.minor * quantity, "GBP"),
        )
        given: dict[str, Any] = {
            "number": "G-1",
            "status": OrderStatus.OPEN,
            "fulfillment_status": OrderFulfillmentStatus.UNFULFILLED,
            "payment_status": PaymentStatus.PAID,
            "placed_at": self.clock() - timedelta(minutes=1),
            "tax_included": True,
            "total": line.total,
            **fields,
        }
        return PlaceOrder(key=key, subject=Ref(key), order=OrderRecord(ref=Ref(key), lines=[line], **given))


def configuration(url: str, sandbox: ShopSandbox, **options: Any) -> Mapping[str, Any]:
    """A configuration under which the store's two warehouses are sold from."""
    config = {"writes": WRITES, **options.pop("config", {})}
    told = document(url, sandbox, config=config, **options)
    for place in told["locations"].values():
        place["fulfillment_methods"] = ["SHIPPING"]
    return {**told, "tokens": TOKENS, "selling": SELLING, "stock": {"default_channel": CHANNEL}}


@contextlib.asynccontextmanager
async def selling(url: str, directory: Path, *, lag: float = 0, **options: Any) -> AsyncIterator[Selling]:
    """A store that sells, and a gateway that has read it. `lag`: seconds until an order is in the stock."""
    clock = Clock()
    sandbox = await start(world(), directory, scale=1000, now=clock)
    sandbox.shop.lag = lag
    try:
        settings = parse(configuration(url, sandbox, **options), {})
        async with open_gateway(settings, plugins=discover(), clock=clock) as gateway, client_of(gateway) as client:
            gateway.turns.gap = 0
            await gateway.run_due()
            yield Selling(gateway, {}, clock, client, sandbox)
    finally:
        await sandbox.close()


def amount(node: Node, field: str) -> Decimal:
    """What the store says of an amount."""
    return Decimal(node[field]["shopMoney"]["amount"])
