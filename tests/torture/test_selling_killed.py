"""kill -9 at any moment of selling: no order is lost, none is there twice, and the next start goes on selling.

The gateway is a real one, over HTTP, on a file; its channels are a store and a till that live on, and count for
themselves. Some of the store's answers are lost besides, after it has done what it was told.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import random
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

import gateway_shopify.sandbox
import gateway_sqlpos.sandbox
from gateway.channels.plugins import discover
from gateway.runtime import open_gateway
from gateway.sdk.testing.sandbox import small_world
from gateway.settings import parse
from gateway.storage import checking, tables
from gateway.storage.database import Database
from gateway_shopify.sandbox import ShopSandbox
from gateway_shopify.sandbox.shop import number
from gateway_sqlpos.sandbox import TillSandbox, schema
from gateway_sqlpos.sandbox.loading import product_id
from tests.databases import sqlite_database
from tests.graphql.buying import ADDRESS, CONTACT, OPTIONS, SELLING, cents
from tests.graphql.mutating import codes, document
from tests.graphql.world import Client
from tests.torture import seller

pytestmark = pytest.mark.anyio

KILLS = 200
SHOPPERS = 3
COLD = 3
PLENTY = 100_000
SKUS = ("TEA-1", "MUG-1")
READY = 2.0
"""Seconds after which it sells again."""

PATIENCE = 300.0
VARIANTS = "query ($skus: [String!]) { productVariants(filter: { skus: $skus }) { nodes { id } } }"


@dataclass
class House:
    """The channels, where the gateway keeps what it knows, and the configuration under which it is started."""

    web: ShopSandbox
    till: TillSandbox
    url: str
    port: int
    document: dict[str, Any]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def places(self) -> dict[str, str]:
        """Where each channel counts what it sells, in its own words."""
        return {"web": self.web.places["leeds"], "till": "london"}

    async def left(self) -> dict[str, int]:
        """What the channels themselves count, of all things together."""
        items = [number(self.web.shop.variant(sku)["inventoryItem"]["id"]) for sku in SKUS]
        place = int(self.web.places["leeds"])
        counts = schema.stockcurrent.c
        ids = [product_id(sku) for sku in SKUS]
        chosen = sa.select(sa.func.sum(counts.units)).where(counts.product.in_(ids), counts.location == "london")
        return {
            "SHIPPING": sum(self.web.shop.levels[item][place]["counts"]["available"] for item in items),
            "PICKUP": int(await self.till.run(lambda conn: conn.execute(chosen).scalar_one())),
        }


@dataclass
class Street:
    """Shoppers, who ask again for as long as nobody answers. `sold`: units by way; `orders`: what each key became."""

    client: Client
    variants: list[str]
    up: asyncio.Event = field(default_factory=asyncio.Event)
    closing: bool = False
    unanswered: int = 0
    orders: dict[str, str] = field(default_factory=dict)
    sold: dict[str, int] = field(default_factory=lambda: {"SHIPPING": 0, "PICKUP": 0})

    async def data(self, query: str, **variables: Any) -> Any:
        """The answer, once there is one."""
        while True:
            await self.up.wait()
            try:
                return (await self.client.ask(query, **variables)).data
            except httpx2.TransportError:
                self.unanswered += 1

    async def shopping(self) -> None:
        """Buy one thing after the other."""
        while not self.closing:
            await self.buy(random.choice(("SHIPPING", "PICKUP")), random.randint(1, 3))

    async def buy(self, way: str, quantity: int) -> None:
        """Fill a cart, and order it until that is answered for good."""
        line = {"variantId": random.choice(self.variants), "quantity": quantity}
        created = {"channelKey": "web", "lines": [line], "idempotencyKey": str(uuid4())}
        cart = (await self.data(document("cartCreate"), input=created))["cartCreate"]["cart"]
        options = (await self.data(OPTIONS, cart=cart["token"]))["fulfillmentOptions"]
        option = next(one for one in options if [part["method"] for part in one["parts"]] == [way])
        wish = _wish(cart, option)
        payload = await self._ordered(wish)
        assert codes(payload) == [], payload
        self.orders[wish["idempotencyKey"]] = payload["order"]["id"]
        self.sold[way] += quantity

    async def _ordered(self, wish: dict[str, Any]) -> dict[str, Any]:
        while True:
            payload: dict[str, Any] = (await self.data(document("orderPlace"), input=wish))["orderPlace"]
            if codes(payload) != ["IN_PROGRESS"]:
                return payload


def _wish(cart: dict[str, Any], option: dict[str, Any]) -> dict[str, Any]:
    money = {"amount": f"{(cents(cart['total']) + cents(option['price'])) / 100:.2f}", "currencyCode": "GBP"}
    return {
        "cartToken": cart["token"],
        "cartVersion": cart["version"],
        "fulfillmentOptionToken": option["token"],
        "contact": CONTACT,
        "shippingAddress": ADDRESS,
        "payments": [{"kind": "PROVIDER", "amount": money}],
        "expectedTotal": money,
        "idempotencyKey": str(uuid4()),
    }


# ------------------------------------------------------------------------------------------------ the house


@contextlib.asynccontextmanager
async def opened(directory: Path, port: int) -> AsyncIterator[House]:
    """The channels, and a gateway's file in which everything of theirs is known."""
    stock = {(sku, place): PLENTY for sku in SKUS for place in ("london", "leeds")}
    world = replace(small_world(), receipts=(), stock=stock)
    web = await gateway_shopify.sandbox.start(world, directory, scale=1000)
    till = await gateway_sqlpos.sandbox.start(world, directory)
    url = sqlite_database(directory / "gateway.db")
    house = House(web, till, url, port, _document(url, web, till))
    try:
        async with open_gateway(parse(house.document, {}), plugins=discover()) as gateway:
            await gateway.run_due()
        yield house
    finally:
        await web.close()
        await till.close()


def _document(url: str, web: ShopSandbox, till: TillSandbox) -> dict[str, Any]:
    soon: dict[str, Any] = {"call_deadline": "2s", "required": True}
    often = "1s"
    told: dict[str, dict[str, Any]] = {
        "till": {
            "plugin": "sqlpos",
            "every": {"stock": often, "receipts": often},
            "config": {**till.config, "stock_movements": True},
        },
        "web": {
            "plugin": "shopify",
            "private_addresses": True,
            "every": {"stock": often, "orders": often},
            "config": {**web.config, "webhook_secrets": [], "writes": ["adjust_stock", "place_orders"]},
        },
    }
    shop = {"kind": "STORE", "authority": "till", "channels": {"till": "london"}, "fulfillment_methods": ["PICKUP"]}
    depot = {
        "kind": "WAREHOUSE",
        "authority": "web",
        "channels": {"web": web.places["leeds"]},
        "fulfillment_methods": ["SHIPPING"],
    }
    return {
        "database": url,
        "channels": {key: {**table, **soon} for key, table in told.items()},
        "locations": {"london": {"name": "London", **shop}, "leeds": {"name": "Leeds", **depot}},
        "selling": SELLING,
    }


# ------------------------------------------------------------------------------------------------ starting and killing


async def ready(house: House, client: Client) -> None:
    """Wait until it says so, as whoever watches over it does."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(httpx2.TransportError):
                if (await client.http.get("/health/ready")).status_code == 200:
                    return
            await asyncio.sleep(0.01)


async def killed_again_and_again(house: House, street: Street, chance: random.Random) -> list[float]:
    """Start it and kill it so often, at random; the seconds until it was ready, as often as it came to that."""
    taken = []
    for _ in range(KILLS):
        if chance.random() < 0.3:
            house.web.manners.lost["PlaceOrder"] = chance.random() < 0.7
        begun = time.perf_counter()
        async with serving(house):
            if chance.random() < 0.1:
                await asyncio.sleep(chance.uniform(0, 0.4))  # it is killed while it is starting
            else:
                await ready(house, street.client)
                taken.append(time.perf_counter() - begun)
                street.up.set()
                await asyncio.sleep(chance.uniform(0, 0.6))
            street.up.clear()
    return taken


@contextlib.asynccontextmanager
async def serving(house: House) -> AsyncIterator[None]:
    """A gateway in a process of its own, which is killed at the end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.torture.seller"])  # or each would take seconds to import
    process = context.Process(target=seller.serve, args=(house.document, house.port), daemon=True)
    process.start()
    try:
        yield
    finally:
        ended = process.exitcode
        process.kill()
        await asyncio.to_thread(process.join)
        process.close()
    assert ended is None, "it ended by itself"


async def cold(house: House, client: Client) -> float:
    """Seconds until a process is ready that has to load everything first."""
    begun = time.perf_counter()
    command = (sys.executable, "-m", "tests.torture.seller", json.dumps(house.document), str(house.port))
    process = await asyncio.create_subprocess_exec(*command, cwd=Path(__file__).parents[2])
    await ready(house, client)
    taken = time.perf_counter() - begun
    process.kill()
    await process.wait()
    return taken


# ------------------------------------------------------------------------------------------------ what is known


@dataclass(frozen=True)
class Known:
    """What the gateway knows in the end."""

    orders: int
    parts: int
    open_: int
    dead: int
    held: int
    free: dict[str, int]
    unbalanced: list[checking.Unbalanced]
    tasks: list[checking.Task]


def known(conn: Connection, places: Mapping[str, str]) -> Known:
    """It. `places`: where each channel counts."""

    def count(*which: sa.ColumnElement[bool]) -> int:
        return conn.scalar(sa.select(sa.func.count()).where(*which)) or 0

    stock = tables.stock.c
    rows = conn.execute(
        sa.select(stock.channel, sa.func.sum(stock.on_hand - stock.committed - stock.held), sa.func.sum(stock.held))
        .where(stock.known, sa.tuple_(stock.channel, stock.place).in_(places.items()))
        .group_by(stock.channel)
    ).all()
    return Known(
        orders=count(tables.orders.c.external_id.like("gateway:%")),
        parts=count(tables.channel_orders.c.state == "ACCEPTED"),
        open_=count(tables.outbox.c.state.in_(("QUEUED", "SENDING"))),
        dead=count(tables.outbox.c.state == "DEAD"),
        held=sum(row[2] for row in rows),
        free={row[0]: row[1] for row in rows},
        unbalanced=checking.unbalanced(conn),
        tasks=checking.tasks(conn),
    )


async def settled(house: House, database: Database) -> Known:
    """What is known once nothing is under way any more."""
    until = time.monotonic() + PATIENCE
    while True:
        found = await database.read(known, house.places)
        if not found.open_ and not found.held:
            return found
        assert time.monotonic() < until, f"something goes on for ever: {found}"
        await asyncio.sleep(0.1)


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


async def test_whatever_is_killed_while_it_sells_no_order_is_lost_and_none_is_there_twice(
    tmp_path: Path, free_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.randrange(2**32)
    async with (
        opened(tmp_path, free_port) as house,
        httpx2.AsyncClient(base_url=house.address, timeout=30) as http,
        contextlib.AsyncExitStack() as stack,
    ):
        before, street = await house.left(), Street(Client(http), [])
        async with serving(house):
            await ready(house, street.client)
            found = (await street.client.data(VARIANTS, skus=list(SKUS)))["productVariants"]["nodes"]
            street.variants = [node["id"] for node in found]
        async with asyncio.TaskGroup() as shoppers:
            for _ in range(SHOPPERS):
                shoppers.create_task(street.shopping())
            taken = await killed_again_and_again(house, street, random.Random(seed))
            street.closing = True
            await stack.enter_async_context(serving(house))
            await ready(house, street.client)
            street.up.set()
        database = Database(house.url)
        end = await settled(house, database)
        await database.close()
        await stack.aclose()
        loading = [await cold(house, street.client) for _ in range(COLD)]
        told = [order["sourceIdentifier"] for order in house.web.shop.all("Order")]
        after = await house.left()
    with capsys.disabled():
        print(
            f"\n{KILLS} kills, {len(street.orders)} orders, {len(told)} of them in the store, "
            f"{street.unanswered} answers lost; ready again after {median(taken):.2f} s, at most {max(taken):.2f} s; "
            f"with everything to load {median(loading):.2f} s; seed {seed}"
        )
    assert len(set(street.orders.values())) == len(street.orders) == end.orders
    assert len(set(told)) == len(told) == end.parts
    assert {way: before[way] - after[way] for way in before} == street.sold
    assert end.free == {"web": after["SHIPPING"], "till": after["PICKUP"]}
    assert (end.dead, end.unbalanced, end.tasks) == (0, [], [])
    assert sqlite3.connect(tmp_path / "gateway.db").execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert street.unanswered > KILLS // 4, "hardly anybody was asking when it was killed: nothing was tried"
    assert min(taken) < READY  # the others say how busy this machine was
