"""A gateway that crashes at any point of placing an order loses nothing and duplicates nothing (rule O1, rule O2, rule
L3).

The crash points are counted: just before and after every commit, and just before and after every channel call. After
its crash the gateway writes and sends nothing more; the channels continue, and another gateway opens the database.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.channels.open_channel import OpenChannel
from gateway.runtime.gateway import Gateway
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.storage import outbox, tables
from gateway.storage.database import Database
from tests.conftest import TORTURE
from tests.databases import create_sqlite_database
from tests.gateways import Clock, run_gateway
from tests.graphql.mutation_documents import list_user_error_codes
from tests.graphql.shopper import CONTACT, TRUSTING, Shopper, build_stores, to_cents
from tests.graphql.world import TOKENS, World, open_client
from tests.graphql.writable_channels import read_on_hand

pytestmark = pytest.mark.anyio

CAREFUL = {"writes": ["adjust", "set", "place", "cancel", "ship"], "read_your_writes": True, "enforces_keys": False}
"""A channel that executes a repeated command again, and can be asked what it has executed."""

STEP = 1 if TORTURE else 3
"""All crash points at channel calls are tried, and every third at a commit. `make torture` tries all."""

DELIVERED, COLLECTED = "shipped from the depot", "transferred to Leeds and collected"
WAYS = {DELIVERED: ("Delivery", 2), COLLECTED: ("Pickup in Leeds", 3)}


class SimulatedCrash(BaseException):
    """The process ends here."""


@dataclass
class CrashPlan:
    """The number of crash points that a gateway passes before it crashes; None: it does not crash."""

    crash_point: int | None = None
    passed: int = 0
    has_crashed: bool = False
    seen: list[str] = field(default_factory=list)

    def pass_point(self, what: str) -> None:
        if self.has_crashed:
            raise SimulatedCrash(what)
        self.passed += 1
        self.seen.append(what)
        if self.passed == self.crash_point:
            self.has_crashed = True
            raise SimulatedCrash(what)


@contextlib.contextmanager
def apply_plan(plan: CrashPlan) -> Iterator[None]:
    """Count the crash points of all writes and channel calls in this block."""
    write: Callable[..., Awaitable[Any]] = Database.write
    send: Callable[..., Awaitable[Any]] = OpenChannel.send

    async def write_and_pass(self: Database, work: Callable[..., Any], *given: Any, **options: Any) -> Any:
        def run_and_pass(conn: Connection, *inner: Any, **named: Any) -> Any:
            result = work(conn, *inner, **named)
            plan.pass_point("before a commit")
            return result

        result = await write(self, run_and_pass, *given, **options)
        plan.pass_point("after a commit")
        return result

    async def send_and_pass(self: OpenChannel, *given: Any) -> Any:
        plan.pass_point("before a call")
        result = await send(self, *given)
        plan.pass_point("after a call")
        return result

    with patch.object(Database, "write", write_and_pass), patch.object(OpenChannel, "send", send_and_pass):
        yield


@contextlib.asynccontextmanager
async def open_gateway_world(url: str, channels: dict[str, MemoryStore], clock: Clock) -> Any:
    tables = {**TRUSTING, "tokens": TOKENS, "catalogue": {"priority": ["web", "till"]}}
    calm = {"every": {"products": "1d", "customers": "1d"}}  # irrelevant here, and their reads take time
    tables["channels"] = {"till": calm | {"config": CAREFUL | {"ledger": True}}, "web": calm | {"config": CAREFUL}}
    async with run_gateway(url, channels, clock, **tables) as gateway, open_client(gateway) as client:
        yield World(gateway, channels, clock, client)


async def crash_while_placing(world: World, plan: CrashPlan, way: str) -> tuple[Shopper, dict[str, Any]]:
    """Place an order until the crash; return the shopper and the request."""
    label, quantity = WAYS[way]
    shopper = Shopper(world)
    await shopper.fill("web", MUG=quantity)
    (option,) = [one for one in await shopper.list_options() if one["label"] == label]
    total = f"{(to_cents(shopper.cart['total']) + to_cents(option['price'])) / 100:.2f}"
    money = {"amount": total, "currencyCode": "GBP"}
    asked = {
        "cartToken": shopper.cart["token"],
        "cartVersion": shopper.cart["version"],
        "fulfillmentOptionToken": option["token"],
        "contact": CONTACT,
        "shippingAddress": {"line1": "1 Road"},
        "payments": [{"kind": "PROVIDER", "amount": money}],
        "expectedTotal": money,
        "idempotencyKey": "the-only-key-there-is",
    }
    with apply_plan(plan), contextlib.suppress(SimulatedCrash, AssertionError):
        await shopper.ask("orderPlace", **asked)
        await world.gateway.run_due()
    return shopper, asked


async def recover(url: str, channels: dict[str, MemoryStore], clock: Clock, asked: dict[str, Any]) -> dict[str, Any]:
    """Run another gateway on the database: first by itself, then with the retry of the client."""
    clock.forward(minutes=3)
    async with open_gateway_world(url, channels, clock) as world:
        for _ in range(4):
            await world.gateway.run_due()
            clock.forward(minutes=6)
        payload = await Shopper(world).ask("orderPlace", **asked)
        assert list_user_error_codes(payload) in ([], ["OPTION_EXPIRED"]), payload
        for _ in range(3):
            await world.gateway.run_due()
            clock.forward(minutes=6)
        known = await world.gateway.database.read(read_balance)
        return {**known, "answered": list_user_error_codes(payload) == []}


def read_balance(conn: Connection) -> dict[str, Any]:
    """Read the stock and the orders of the gateway."""
    held = conn.execute(sa.select(tables.stock.c.item, tables.stock.c.place, tables.stock.c.held)).all()
    placed = conn.execute(sa.select(tables.orders.c.status).where(tables.orders.c.external_id.like("gateway:%"))).all()
    return {
        "held": {(row.item, row.place): row.held for row in held if row.held},
        "placed": [row.status for row in placed],
        "open": sum(outbox.count_pending(conn, key) for key in ("till", "web")),
        "dead": conn.scalar(sa.select(sa.func.count()).where(tables.outbox.c.state == "DEAD")),
    }


def count_channels(channels: dict[str, MemoryStore]) -> dict[str, int]:
    """Read the counts of the channels, and the number of orders of the store."""
    return {
        "depot": read_on_hand(channels["web"], "w-mug", "D"),
        "leeds": read_on_hand(channels["till"], "t-mug", "M"),
        "london": read_on_hand(channels["till"], "t-mug", "L"),
        "orders": len(channels["web"].rows("orders")),
    }


async def select_crash_points(folder: Path, way: str) -> list[int]:
    """Select the points at which to crash, and one after the last, at which the gateway does not crash."""
    plan, url = CrashPlan(), create_sqlite_database(folder / "points.db")
    async with open_gateway_world(url, build_stores(), Clock()) as world:
        await world.gateway.run_due()
        await crash_while_placing(world, plan, way)
    points = [n for n, what in enumerate(plan.seen, 1) if "call" in what or n % STEP == 0]
    assert len(plan.seen) > 8
    return [*points, len(plan.seen) + 1]


@pytest.mark.parametrize("way", [DELIVERED, pytest.param(COLLECTED, marks=pytest.mark.long)])
async def test_whenever_a_gateway_dies_the_order_is_there_once_or_not_at_all(tmp_path: Path, way: str) -> None:
    seen = []
    for moment in await select_crash_points(tmp_path, way):
        clock, channels = Clock(), build_stores()
        url = create_sqlite_database(tmp_path / f"{moment}.db")
        before, plan = count_channels(channels), CrashPlan(moment)
        async with open_gateway_world(url, channels, clock) as world:
            await world.gateway.run_due()
            _, asked = await crash_while_placing(world, plan, way)
        found = await recover(url, channels, clock, asked)
        after = count_channels(channels)
        where = f"moment {moment}: {plan.seen[-1]}"
        assert found["held"] == {} and found["open"] == 0 and found["dead"] == 0, (where, found)
        assert len(found["placed"]) == (1 if found["answered"] else 0), (where, found)
        sold = before["depot"] + before["leeds"] - after["depot"] - after["leeds"]
        assert sold == (WAYS[way][1] if found["placed"] else 0), (where, before, after)
        placed = after["orders"] - before["orders"]
        assert placed == (1 if found["placed"] and way == DELIVERED else 0), (where, after)
        seen.append(plan.seen[-1])
    assert {"before a commit", "after a commit", "before a call", "after a call"} <= set(seen)


async def send_unconditionally(self: OpenChannel, command: Any, ticket: str | None, deadline: Any) -> None:
    """Always send, as if a channel without lookups had never received the command."""


async def test_without_the_look_up_an_order_would_be_there_twice(tmp_path: Path) -> None:
    for moment in range(1, 12):
        clock, channels = Clock(), build_stores()
        url = create_sqlite_database(tmp_path / f"{moment}.db")
        async with open_gateway_world(url, channels, clock) as world:
            await world.gateway.run_due()
            _, asked = await crash_while_placing(world, CrashPlan(moment), DELIVERED)
        with patch.object(OpenChannel, "find", send_unconditionally):
            await recover(url, channels, clock, asked)
        if count_channels(channels)["orders"] - 1 == 2:
            return
    pytest.fail("no moment was found at which the look-up is needed")


async def test_one_key_asked_at_once_from_many_sides_is_one_order(database_url: str) -> None:
    clock, channels = Clock(), build_stores()
    async with open_gateway_world(database_url, channels, clock) as world:
        await world.gateway.run_due()
        _, asked = await crash_while_placing(world, CrashPlan(1), DELIVERED)  # crashes before anything is written
        answers = await asyncio.gather(*(Shopper(world).ask("orderPlace", **asked) for _ in range(20)))
        placed = {one["order"]["id"] for one in answers if one["order"]}
        assert len(placed) == 1 and {tuple(list_user_error_codes(one)) for one in answers} <= {(), ("IN_PROGRESS",)}
        other = await Shopper(world).ask("orderPlace", **asked | {"cartVersion": 77})
        assert list_user_error_codes(other) == ["IDEMPOTENCY_KEY_REUSED"]
        await world.gateway.run_due()
        assert count_channels(channels)["orders"] == 2
        assert isinstance(world.gateway, Gateway)
