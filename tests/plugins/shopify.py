"""A gateway over the sandbox of a web store, through real HTTP."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection

from gateway.channels.plugins import discover
from gateway.runtime import Gateway, open_gateway
from gateway.sdk import Delivery, Page, Raw, Ref
from gateway.sdk.testing.sandbox import StartSandbox, World, WorldProduct, small_world
from gateway.settings import parse
from gateway.storage import passes
from gateway_shopify.sandbox import ShopSandbox, start
from gateway_shopify.sandbox.shop import Node, Shop
from gateway_shopify.sandbox.twin import SECRET
from tests.databases import sqlite_database
from tests.house import Clock
from tests.sync.state import state

TWIN: StartSandbox = start
"""What the command line and the demo take it for."""

SOON = timedelta(seconds=20)
CHANNEL = "web"


def shirts() -> tuple[WorldProduct, ...]:
    """One product in two sizes."""
    return tuple(
        WorldProduct(
            sku=f"SHIRT-{size}", title=f"Shirt {size}", price=Decimal(10), group="Shirt", options=(("Size", size),)
        )
        for size in ("S", "M")
    )


def world(products: Iterable[WorldProduct] = ()) -> World:
    """The small world, and these products with stock in Leeds."""
    more = tuple(products)
    small = small_world()
    stock = {**small.stock, **{(product.sku, "leeds"): 5 for product in more}}
    return replace(small, products=(*small.products, *more), stock=stock)


def many(count: int, group: str | None = None) -> list[WorldProduct]:
    """So many products, or variants of one."""
    return [
        WorldProduct(
            sku=f"P{number:05}",
            title=f"Product {number}",
            price=Decimal(1),
            group=group,
            options=(("Number", str(number)),) if group else (),
        )
        for number in range(count)
    ]


def another(shop: Shop, node: Node) -> Node:
    """A second node that says the same."""
    return shop.add(
        node["__typename"], **{key: value for key, value in node.items() if key not in ("__typename", "id")}
    )


@dataclass
class House:
    """A gateway and the sandbox that it reads."""

    sandbox: ShopSandbox
    gateway: Gateway
    clock: Clock = field(default_factory=Clock)

    @property
    def channel(self) -> Any:
        return self.gateway.syncing[CHANNEL].channel

    async def state(self) -> dict[str, Any]:
        """What the gateway knows."""
        return await self.gateway.database.read(state)

    async def next_pass(self, **amount: float) -> dict[str, Any]:
        """What the gateway knows after the next pass of every feed."""
        self.clock.forward(**amount or {"minutes": 15})
        await self.gateway.run_due()
        return await self.state()

    async def pages(self, feed: str, mark: str | None = None) -> list[Page]:
        """A whole pass of a feed."""
        found = [await self.channel.page(feed, mark, None, SOON)]
        while (token := found[-1].next) is not None:
            found.append(await self.channel.page(feed, mark, token, SOON))
        return found

    async def items(self, feed: str, mark: str | None = None) -> list[Raw]:
        """The raw records of a pass."""
        return [raw for page in await self.pages(feed, mark) for raw in page.items]

    async def read(self, feed: str, raws: Sequence[Raw]) -> dict[str, Any]:
        """What raw records say, by id."""
        said = await self.channel.read(feed, raws)
        return {raw.id: one for raw, one in zip(raws, said, strict=True)}

    async def records(self, feed: str, mark: str | None = None) -> dict[str, Any]:
        """What a pass says, by id."""
        return await self.read(feed, await self.items(feed, mark))

    async def fetched(self, feed: str, *ids: str) -> dict[str, Any]:
        """What a fetch gives."""
        return dict(await self.channel.fetch(feed, [Ref(one) for one in ids], SOON))

    async def faults(self) -> dict[str, str]:
        """The fault of each feed that has one."""
        return await self.gateway.database.read(faults)

    def delivery(self, topic: str, body: object, *, secret: str = SECRET, **headers: str) -> Delivery:
        """A delivery of the shop, signed and received now."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = replace(self.sandbox.deliveries, secret=secret).signed(topic, content)
        return Delivery(headers={**signed, **headers}, body=content, received_at=self.clock())

    async def hints(self, topic: str, body: object) -> list[tuple[str, str]]:
        """What a delivery hints at, once it is proved."""
        delivery = self.delivery(topic, body)
        assert await self.channel.verify(delivery, SOON) == delivery.headers["x-shopify-webhook-id"]
        return [(hint.feed, hint.id) for hint in await self.channel.hints(delivery, SOON)]

    def id(self, sku: str) -> str:
        """The id of the product that a SKU belongs to."""
        return str(self.sandbox.shop.variant(sku)["product"]["id"]).rpartition("/")[2]

    def level(self, sku: str, place: str) -> str:
        """The id of a stock record."""
        item = str(self.sandbox.shop.variant(sku)["inventoryItem"]["id"]).rpartition("/")[2]
        return f"{item}/{self.sandbox.places[place]}"


def faults(conn: Connection) -> dict[str, str]:
    """The faults of the passes, by feed."""
    known = passes.of_channel(conn, CHANNEL)
    return {feed: row.fault_code for (feed, _), row in known.items() if row.fault_code is not None}


_databases = itertools.count()


def document(url: str, sandbox: ShopSandbox, **options: Any) -> dict[str, Any]:
    """A configuration with this store as its only channel."""
    table = {"plugin": "shopify", "private_addresses": True}
    locations = {
        key: {"name": key, "kind": "WAREHOUSE", "authority": CHANNEL, "channels": {CHANNEL: place}}
        for key, place in sandbox.places.items()
    }
    config = {**sandbox.config, **options.pop("config", {})}
    return {"database": url, "channels": {CHANNEL: {**table, **options, "config": config}}, "locations": locations}


@contextlib.asynccontextmanager
async def house(
    directory: Path, there: World | None = None, *, scale: float = 1000.0, **options: Any
) -> AsyncIterator[House]:
    """A sandbox that holds this world, and a gateway that has read nothing yet. Its bucket fills `scale` times as fast
    as a real one, so that only a test of throttling waits for it."""
    clock = Clock()
    sandbox = await start(there or world(), directory, scale=scale, now=clock)
    try:
        url = sqlite_database(directory / f"gateway-{next(_databases)}.db")
        settings = parse(document(url, sandbox, **options), {})
        async with open_gateway(settings, plugins=discover(), clock=clock) as gateway:
            gateway.turns.gap = 0
            yield House(sandbox, gateway, clock)
    finally:
        await sandbox.close()
