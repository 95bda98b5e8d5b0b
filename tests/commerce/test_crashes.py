"""O1, O2, L3: a gateway that dies at any moment of placing an order loses nothing and doubles nothing.

The moments are counted: just before and just after every commit, and just before and just after every call of a
channel. Whoever dies writes and sends nothing more; the channels live on, and another gateway opens the database.
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

from gateway.channels.guard import OpenChannel
from gateway.runtime import Gateway
from gateway.sdk.testing.memory import MemoryStore
from gateway.storage import outbox, tables
from gateway.storage.database import Database
from tests.databases import sqlite_database
from tests.graphql.buying import CONTACT, TABLES, Shopper, cents, stores
from tests.graphql.mutating import codes
from tests.graphql.selling import on_hand
from tests.graphql.world import TOKENS, World, client_of
from tests.house import Clock, running

pytestmark = pytest.mark.anyio

CAREFUL = {"writes": ["adjust", "set", "place", "cancel", "ship"], "read_your_writes": True, "enforces_keys": False}
"""A channel that does everything again that it is told again, and can be asked what it has done."""

DELIVERED, COLLECTED = "sent from the depot", "brought to Leeds and collected"
WAYS = {DELIVERED: ("Delivery", 2), COLLECTED: ("Pickup in Leeds", 3)}


class Death(BaseException):
    """The process is no more."""


@dataclass
class Life:
    """How many moments a gateway has before it dies; None: it lives."""

    moments: int | None = None
    passed: int = 0
    dead: bool = False
    seen: list[str] = field(default_factory=list)

    def moment(self, what: str) -> None:
        if self.dead:
            raise Death(what)
        self.passed += 1
        self.seen.append(what)
        if self.passed == self.moments:
            self.dead = True
            raise Death(what)


@contextlib.contextmanager
def lived(life: Life) -> Iterator[None]:
    """Whatever is written and sent meanwhile, is as long as this life lasts."""
    write: Callable[..., Awaitable[Any]] = Database.write
    send: Callable[..., Awaitable[Any]] = OpenChannel.send

    async def writing(self: Database, work: Callable[..., Any], *given: Any, **options: Any) -> Any:
        def within(conn: Connection, *inner: Any, **named: Any) -> Any:
            result = work(conn, *inner, **named)
            life.moment("before a commit")
            return result

        result = await write(self, within, *given, **options)
        life.moment("after a commit")
        return result

    async def sending(self: OpenChannel, *given: Any) -> Any:
        life.moment("before a call")
        result = await send(self, *given)
        life.moment("after a call")
        return result

    with patch.object(Database, "write", writing), patch.object(OpenChannel, "send", sending):
        yield


@contextlib.asynccontextmanager
async def opened(url: str, channels: dict[str, MemoryStore], clock: Clock) -> Any:
    tables = {**TABLES, "tokens": TOKENS, "catalogue": {"priority": ["web", "till"]}}
    calm = {"every": {"products": "1d", "customers": "1d"}}  # they have no part in it, and their reads take their time
    tables["channels"] = {"till": calm | {"config": CAREFUL | {"ledger": True}}, "web": calm | {"config": CAREFUL}}
    async with running(url, channels, clock, **tables) as gateway, client_of(gateway) as client:
        yield World(gateway, channels, clock, client)


async def die_placing(world: World, life: Life, way: str) -> tuple[Shopper, dict[str, Any]]:
    """Place an order in this life; whoever asked, and what she asked for."""
    label, quantity = WAYS[way]
    shopper = Shopper(world)
    await shopper.fill("web", MUG=quantity)
    (option,) = [one for one in await shopper.options() if one["label"] == label]
    total = f"{(cents(shopper.cart['total']) + cents(option['price'])) / 100:.2f}"
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
    with lived(life), contextlib.suppress(Death, AssertionError):
        await shopper.ask("orderPlace", **asked)
        await world.gateway.run_due()
    return shopper, asked


async def revived(url: str, channels: dict[str, MemoryStore], clock: Clock, asked: dict[str, Any]) -> dict[str, Any]:
    """What another gateway makes of it: first by itself, then because the shopper asks again."""
    clock.forward(minutes=3)
    async with opened(url, channels, clock) as world:
        for _ in range(4):
            await world.gateway.run_due()
            clock.forward(minutes=6)
        payload = await Shopper(world).ask("orderPlace", **asked)
        assert codes(payload) in ([], ["OPTION_EXPIRED"]), payload
        for _ in range(3):
            await world.gateway.run_due()
            clock.forward(minutes=6)
        known = await world.gateway.database.read(balance)
        return {**known, "answered": codes(payload) == []}


def balance(conn: Connection) -> dict[str, Any]:
    """What the gateway knows of stock and orders."""
    held = conn.execute(sa.select(tables.stock.c.item, tables.stock.c.place, tables.stock.c.held)).all()
    placed = conn.execute(sa.select(tables.orders.c.status).where(tables.orders.c.external_id.like("gateway:%"))).all()
    return {
        "held": {(row.item, row.place): row.held for row in held if row.held},
        "placed": [row.status for row in placed],
        "open": sum(outbox.pending(conn, key) for key in ("till", "web")),
        "dead": conn.scalar(sa.select(sa.func.count()).where(tables.outbox.c.state == "DEAD")),
    }


def counts(channels: dict[str, MemoryStore]) -> dict[str, int]:
    """What the channels themselves count, and how many orders the store has."""
    return {
        "depot": on_hand(channels["web"], "w-mug", "D"),
        "leeds": on_hand(channels["till"], "t-mug", "M"),
        "london": on_hand(channels["till"], "t-mug", "L"),
        "orders": len(channels["web"].rows("orders")),
    }


@pytest.mark.parametrize("way", [DELIVERED, pytest.param(COLLECTED, marks=pytest.mark.long)])
async def test_whenever_a_gateway_dies_the_order_is_there_once_or_not_at_all(tmp_path: Path, way: str) -> None:
    moment, seen = 0, ["…"]
    while True:
        moment += 1
        clock, channels = Clock(), stores()
        url = sqlite_database(tmp_path / f"{moment}.db")
        before, life = counts(channels), Life(moment)
        async with opened(url, channels, clock) as world:
            await world.gateway.run_due()
            _, asked = await die_placing(world, life, way)
        found = await revived(url, channels, clock, asked)
        after = counts(channels)
        where = f"moment {moment}: {life.seen[-1]}"
        assert found["held"] == {} and found["open"] == 0 and found["dead"] == 0, (where, found)
        assert len(found["placed"]) == (1 if found["answered"] else 0), (where, found)
        sold = before["depot"] + before["leeds"] - after["depot"] - after["leeds"]
        assert sold == (WAYS[way][1] if found["placed"] else 0), (where, before, after)
        told = after["orders"] - before["orders"]
        assert told == (1 if found["placed"] and way == DELIVERED else 0), (where, after)
        if not life.dead:
            break
        seen.append(life.seen[-1])
    assert {"before a commit", "after a commit", "before a call", "after a call"} <= set(seen)
    assert moment > 8


async def sent_again(self: OpenChannel, command: Any, ticket: str | None, deadline: Any) -> None:
    """As though a channel that cannot be asked had never got it."""


async def test_without_the_look_up_an_order_would_be_there_twice(tmp_path: Path) -> None:
    for moment in range(1, 12):
        clock, channels = Clock(), stores()
        url = sqlite_database(tmp_path / f"{moment}.db")
        async with opened(url, channels, clock) as world:
            await world.gateway.run_due()
            _, asked = await die_placing(world, Life(moment), DELIVERED)
        with patch.object(OpenChannel, "find", sent_again):
            await revived(url, channels, clock, asked)
        if counts(channels)["orders"] - 1 == 2:
            return
    pytest.fail("no moment was found at which the look-up is needed")


async def test_one_key_asked_at_once_from_many_sides_is_one_order(database_url: str) -> None:
    clock, channels = Clock(), stores()
    async with opened(database_url, channels, clock) as world:
        await world.gateway.run_due()
        _, asked = await die_placing(world, Life(1), DELIVERED)  # it dies before anything is written
        answers = await asyncio.gather(*(Shopper(world).ask("orderPlace", **asked) for _ in range(20)))
        placed = {one["order"]["id"] for one in answers if one["order"]}
        assert len(placed) == 1 and {tuple(codes(one)) for one in answers} <= {(), ("IN_PROGRESS",)}
        other = await Shopper(world).ask("orderPlace", **asked | {"cartVersion": 77})
        assert codes(other) == ["IDEMPOTENCY_KEY_REUSED"]
        await world.gateway.run_due()
        assert counts(channels)["orders"] == 2
        assert isinstance(world.gateway, Gateway)
