"""kill -9 at any moment of selling: no order is lost or duplicated, and the next start continues to sell.

The gateway is a real one, over HTTP, on a database file; its channels are a store and a till that survive and have
counts of their own. In addition, some responses of the store are lost after it has executed the command.
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

import gateway_shopify_sandbox
import gateway_sqlpos_sandbox
from gateway.channels.plugin_registry import discover
from gateway.runtime.gateway import open_gateway
from gateway.sdk.testing.sandbox import build_small_world
from gateway.settings.loading import parse
from gateway.storage import consistency, tables
from gateway.storage.database import Database
from gateway_shopify_sandbox import ShopifySandbox
from gateway_shopify_sandbox.state import parse_number
from gateway_sqlpos_sandbox import SqlPosSandbox, schema
from gateway_sqlpos_sandbox.seed import derive_product_id
from tests.databases import create_sqlite_database
from tests.graphql.mutation_documents import build_document, list_user_error_codes
from tests.graphql.shopper import ADDRESS, CONTACT, OPTIONS, TRUSTING, to_cents
from tests.graphql.world import Client
from tests.torture import selling_process

pytestmark = pytest.mark.anyio

KILLS = 200
SHOPPERS = 3
COLD = 3
PLENTY = 100_000
SKUS = ("TEA-1", "MUG-1")
READY = 2.0
"""Maximum seconds until the gateway sells again."""

PATIENCE = 300.0
VARIANTS = "query ($skus: [String!]) { productVariants(filter: { skus: $skus }) { nodes { id } } }"


@dataclass
class SalesTestbed:
    """The channels, the database, and the configuration of the gateway."""

    web: ShopifySandbox
    till: SqlPosSandbox
    url: str
    port: int
    document: dict[str, Any]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def locations(self) -> dict[str, str]:
        """The external location from which each channel sells, by channel."""
        return {"web": self.web.locations["leeds"], "till": "london"}

    async def count_left(self) -> dict[str, int]:
        """Read the remaining units of all products in the channels."""
        items = [parse_number(self.web.shop.get_variant(sku)["inventoryItem"]["id"]) for sku in SKUS]
        location_id = int(self.web.locations["leeds"])
        counts = schema.stockcurrent.c
        ids = [derive_product_id(sku) for sku in SKUS]
        chosen = sa.select(sa.func.sum(counts.units)).where(counts.product.in_(ids), counts.location == "london")
        return {
            "SHIPPING": sum(self.web.shop.levels[item][location_id]["counts"]["available"] for item in items),
            "PICKUP": int(await self.till.run(lambda conn: conn.execute(chosen).scalar_one())),
        }


@dataclass
class ShopperPool:
    """Shoppers who retry while the gateway is down. `sold`: units by fulfillment method; `orders`: order id of each
    key.
    """

    client: Client
    variants: list[str]
    up: asyncio.Event = field(default_factory=asyncio.Event)
    closing: bool = False
    unanswered: int = 0
    orders: dict[str, str] = field(default_factory=dict)
    sold: dict[str, int] = field(default_factory=lambda: {"SHIPPING": 0, "PICKUP": 0})

    async def fetch_data(self, query: str, **variables: Any) -> Any:
        """Run a query, retrying until there is a response."""
        while True:
            await self.up.wait()
            try:
                return (await self.client.ask(query, **variables)).data
            except httpx2.TransportError:
                self.unanswered += 1

    async def keep_shopping(self) -> None:
        """Buy repeatedly until the pool is closed."""
        while not self.closing:
            await self.buy(random.choice(("SHIPPING", "PICKUP")), random.randint(1, 3))

    async def buy(self, way: str, quantity: int) -> None:
        """Fill a cart and place the order until the result is final."""
        line = {"variantId": random.choice(self.variants), "quantity": quantity}
        created = {"channelKey": "web", "lines": [line], "idempotencyKey": str(uuid4())}
        cart = (await self.fetch_data(build_document("cartCreate"), input=created))["cartCreate"]["cart"]
        options = (await self.fetch_data(OPTIONS, cart=cart["token"]))["fulfillmentOptions"]
        option = next(one for one in options if [part["method"] for part in one["parts"]] == [way])
        order_input = _build_order_input(cart, option)
        payload = await self._submit(order_input)
        assert list_user_error_codes(payload) == [], payload
        self.orders[order_input["idempotencyKey"]] = payload["order"]["id"]
        self.sold[way] += quantity

    async def _submit(self, order_input: dict[str, Any]) -> dict[str, Any]:
        while True:
            payload: dict[str, Any] = (await self.fetch_data(build_document("orderPlace"), input=order_input))[
                "orderPlace"
            ]
            if list_user_error_codes(payload) != ["IN_PROGRESS"]:
                return payload


def _build_order_input(cart: dict[str, Any], option: dict[str, Any]) -> dict[str, Any]:
    money = {"amount": f"{(to_cents(cart['total']) + to_cents(option['price'])) / 100:.2f}", "currencyCode": "GBP"}
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


# ------------------------------------------------------------------------------------------------ testbed


@contextlib.asynccontextmanager
async def open_testbed(directory: Path, port: int) -> AsyncIterator[SalesTestbed]:
    """Start the channels and prepare a database in which all their data is synced."""
    stock = {(sku, location_id): PLENTY for sku in SKUS for location_id in ("london", "leeds")}
    world = replace(build_small_world(), receipts=(), stock=stock)
    web = await gateway_shopify_sandbox.start(world, directory, scale=1000)
    till = await gateway_sqlpos_sandbox.start(world, directory)
    url = create_sqlite_database(directory / "gateway.db")
    testbed = SalesTestbed(web, till, url, port, _build_document(url, web, till))
    try:
        async with open_gateway(parse(testbed.document, {}), plugins=discover()) as gateway:
            await gateway.run_due()
        yield testbed
    finally:
        await web.close()
        await till.close()


def _build_document(url: str, web: ShopifySandbox, till: SqlPosSandbox) -> dict[str, Any]:
    soon: dict[str, Any] = {"call_deadline": "2s", "required": True}
    often = "1s"
    channels: dict[str, dict[str, Any]] = {
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
    shop = {
        "kind": "STORE",
        "authority": "till",
        "channels": {"till": "london"},
        "sold_by": ["web"],
        "fulfillment_methods": ["PICKUP"],
    }
    depot = {
        "kind": "WAREHOUSE",
        "authority": "web",
        "channels": {"web": web.locations["leeds"]},
        "fulfillment_methods": ["SHIPPING"],
    }
    return {
        "database": url,
        "channels": {key: {**table, **soon} for key, table in channels.items()},
        "locations": {"london": {"name": "London", **shop}, "leeds": {"name": "Leeds", **depot}},
        "selling": TRUSTING["selling"],
    }


# ------------------------------------------------------------------------------------------------ starts and kills


async def wait_until_ready(testbed: SalesTestbed, client: Client) -> None:
    """Wait until the readiness check succeeds, as a supervisor does."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(httpx2.TransportError):
                if (await client.http.get("/health/ready")).status_code == 200:
                    return
            await asyncio.sleep(0.01)


async def kill_repeatedly(testbed: SalesTestbed, pool: ShopperPool, chance: random.Random) -> list[float]:
    """Start and kill the gateway repeatedly at random; return the seconds until readiness of each start that reached
    it.
    """
    taken = []
    for _ in range(KILLS):
        if chance.random() < 0.3:
            testbed.web.behavior.lost_responses["PlaceOrder"] = chance.random() < 0.7
        begun = time.perf_counter()
        async with run_process(testbed):
            if chance.random() < 0.1:
                await asyncio.sleep(chance.uniform(0, 0.4))  # killed during the start
            else:
                await wait_until_ready(testbed, pool.client)
                taken.append(time.perf_counter() - begun)
                pool.up.set()
                await asyncio.sleep(chance.uniform(0, 0.6))
            pool.up.clear()
    return taken


@contextlib.asynccontextmanager
async def run_process(testbed: SalesTestbed) -> AsyncIterator[None]:
    """Run the gateway in a separate process and kill it at the end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["tests.torture.selling_process"]
    )  # otherwise each process would take seconds to import
    process = context.Process(target=selling_process.serve, args=(testbed.document, testbed.port), daemon=True)
    process.start()
    try:
        yield
    finally:
        ended = process.exitcode
        process.kill()
        await asyncio.to_thread(process.join)
        process.close()
    assert ended is None, "it ended by itself"


async def measure_cold_start(testbed: SalesTestbed, client: Client) -> float:
    """Measure the seconds until a process is ready that has to import everything first."""
    begun = time.perf_counter()
    command = (sys.executable, "-m", "tests.torture.selling_process", json.dumps(testbed.document), str(testbed.port))
    process = await asyncio.create_subprocess_exec(*command, cwd=Path(__file__).parents[2])
    await wait_until_ready(testbed, client)
    taken = time.perf_counter() - begun
    process.kill()
    await process.wait()
    return taken


# ------------------------------------------------------------------------------------------------ final state


@dataclass(frozen=True)
class FinalState:
    """The final state of the gateway."""

    orders: int
    parts: int
    open_: int
    dead: int
    held: int
    free: dict[str, int]
    unbalanced: list[consistency.UnbalancedCounter]
    tasks: list[consistency.OperatorTask]


def read_final_state(conn: Connection, locations: Mapping[str, str]) -> FinalState:
    """Read the final state. `locations`: the external location of each channel."""

    def count(*which: sa.ColumnElement[bool]) -> int:
        return conn.scalar(sa.select(sa.func.count()).where(*which)) or 0

    stock = tables.stock.c
    rows = conn.execute(
        sa.select(stock.channel, sa.func.sum(stock.on_hand - stock.committed - stock.held), sa.func.sum(stock.held))
        .where(stock.known, sa.tuple_(stock.channel, stock.place).in_(locations.items()))
        .group_by(stock.channel)
    ).all()
    return FinalState(
        orders=count(tables.orders.c.external_id.like("gateway:%")),
        parts=count(tables.channel_orders.c.state == "ACCEPTED"),
        open_=count(tables.outbox.c.state.in_(("QUEUED", "SENDING"))),
        dead=count(tables.outbox.c.state == "DEAD"),
        held=sum(row[2] for row in rows),
        free={row[0]: row[1] for row in rows},
        unbalanced=consistency.find_unbalanced_counters(conn),
        tasks=consistency.list_tasks(conn),
    )


async def wait_until_settled(testbed: SalesTestbed, database: Database) -> FinalState:
    """Wait until no work is pending and read the final state."""
    until = time.monotonic() + PATIENCE
    while True:
        found = await database.read(read_final_state, testbed.locations)
        if not found.open_ and not found.held:
            return found
        assert time.monotonic() < until, f"work is still pending: {found}"
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
        open_testbed(tmp_path, free_port) as testbed,
        httpx2.AsyncClient(base_url=testbed.address, timeout=30) as http,
        contextlib.AsyncExitStack() as stack,
    ):
        before, pool = await testbed.count_left(), ShopperPool(Client(http), [])
        async with run_process(testbed):
            await wait_until_ready(testbed, pool.client)
            found = (await pool.client.fetch_data(VARIANTS, skus=list(SKUS)))["productVariants"]["nodes"]
            pool.variants = [node["id"] for node in found]
        async with asyncio.TaskGroup() as shoppers:
            for _ in range(SHOPPERS):
                shoppers.create_task(pool.keep_shopping())
            taken = await kill_repeatedly(testbed, pool, random.Random(seed))
            pool.closing = True
            await stack.enter_async_context(run_process(testbed))
            await wait_until_ready(testbed, pool.client)
            pool.up.set()
        database = Database(testbed.url)
        end = await wait_until_settled(testbed, database)
        await database.close()
        await stack.aclose()
        loading = [await measure_cold_start(testbed, pool.client) for _ in range(COLD)]
        sources = [order["sourceIdentifier"] for order in testbed.web.shop.list_nodes("Order")]
        after = await testbed.count_left()
    with capsys.disabled():
        print(
            f"\n{KILLS} kills, {len(pool.orders)} orders, {len(sources)} of them in the store, "
            f"{pool.unanswered} answers lost; ready again after {median(taken):.2f} s, at most {max(taken):.2f} s; "
            f"with everything to load {median(loading):.2f} s; seed {seed}"
        )
    assert len(set(pool.orders.values())) == len(pool.orders) == end.orders
    assert len(set(sources)) == len(sources) == end.parts
    assert {way: before[way] - after[way] for way in before} == pool.sold
    assert end.free == {"web": after["SHIPPING"], "till": after["PICKUP"]}
    assert (end.dead, end.unbalanced, end.tasks) == (0, [], [])
    assert sqlite3.connect(tmp_path / "gateway.db").execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert pool.unanswered > KILLS // 4, "too few requests were in flight at the kills: the test proved nothing"
    assert min(taken) < READY  # the others depend on the load of this machine
