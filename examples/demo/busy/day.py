"""A busy day from morning to night.

The day goes by in rounds. In each, people buy everywhere at once while the gateway does what is due; and between two
of them, when nothing is under way any more, the clock that all of them share is moved on. So a day takes minutes, and
nobody is told anything sooner or later than in life.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from examples.demo import marketplace
from examples.demo.busy import books as bookkeeping
from examples.demo.busy.goods import busy_worlds
from examples.demo.busy.shoppers import Shoppers
from examples.demo.busy.trade import Trade
from examples.demo.busy.weather import Weather
from examples.demo.channels import Twins, started
from examples.demo.gateway_process import CONFIG, addresses, run
from examples.demo.retail import Sold
from gateway.app import create_app
from gateway.commerce import pushing
from gateway.runtime import Gateway, open_gateway
from gateway.sdk.testing.sandbox import World
from gateway.sdk.testing.server import Server
from gateway.settings import ChannelTable, Settings, load
from gateway.storage.tables import outbox, reservations

ROUND = timedelta(minutes=3)
AT_ONCE, ROUNDS = 12, 80
"""Sales of one round; more, where there would be more rounds than that."""

GENEROUS = 1000.0
"""How much more often than in life the store and the marketplace let themselves be asked: the clock goes in jumps."""

CALL = timedelta(seconds=5)
"""So long a call to a channel may take: longer than a slow answer, and shorter than two."""

BEFORE = timedelta(days=7)
"""So long before now the day begins: `gateway doctor` comes after it, by its own clock."""

NIGHT = 60
"""Rounds after closing time until all is told and proved: nothing takes that long."""

EVERY = timedelta(minutes=1)


class Clock:
    """The time of the day. The marketplace's seconds go with it."""

    def __init__(self, start: datetime) -> None:
        self.begun = self.time = start

    def __call__(self) -> datetime:
        return self.time

    def ticks(self) -> float:
        """Seconds since it began."""
        return (self.time - self.begun).total_seconds()


@dataclass(frozen=True, slots=True)
class Plan:
    """How busy it is. `seed`: the same makes the same choices."""

    sales: int
    seed: int
    articles: int = 150


@dataclass(frozen=True, slots=True)
class Report:
    """What it came to. `differences`: between the day's own books and what the channels count."""

    sold: Counter[str]
    differences: Sequence[str]
    open: Sequence[str]
    doctor: int

    def told(self, say: Callable[[str], None]) -> int:
        """Say it; 0: all is as it has to be."""
        for title, lines in (("counted otherwise than sold", self.differences), ("not done", self.open)):
            say("\n  ".join([f"{title}: {len(lines)}", *lines]))
        return 1 if self.doctor or self.differences or self.open else 0


@dataclass(slots=True)
class Day:
    """Everything that takes part."""

    gateway: Gateway
    clock: Clock
    shoppers: Shoppers
    trade: Trade
    weather: Weather
    dice: random.Random
    say: Callable[[str], None]
    sold: Counter[str] = field(default_factory=Counter)

    async def open(self, sales: int) -> None:
        """Sell so much, and have things go wrong meanwhile."""
        shown, at_once = 0, max(AT_ONCE, sales // ROUNDS)
        while (done := sum(self.sold.values())) < sales:
            if done >= shown:
                self.say(f"{self.clock():%a %H:%M} {done:,} of {sales:,} sold ({_listed(self.sold)}); {self.weather}")
                shown += max(1, sales // 20)
            await self.weather.change()
            await self._round(min(at_once, sales - done))
            await self._pass(ROUND)

    async def _round(self, sales: int) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.gateway.run_due())
            for _ in range(sales):
                tasks.create_task(self._sells())
            for _ in range(self.dice.randint(0, sales)):
                tasks.create_task(self._goes_on())
        await self.gateway.run_due()

    async def _sells(self) -> None:
        who, sells = self.dice.choice(
            (
                ("till", self.trade.till_sells),
                ("web", self.trade.store_sells),
                ("amazon", self.trade.amazon_sells),
                *[("gateway", self.shoppers.buy)] * 3,
            )
        )
        sold = await sells()
        self.sold[who] += sold

    async def _goes_on(self) -> None:
        goes_on = (self.trade.till_takes_back, self.trade.store_goes_on, self.shoppers.go_on, self.shoppers.go_on)
        await self.dice.choice(goes_on)()

    async def _pass(self, time: timedelta) -> None:
        """Nothing is under way while the clock is moved; what a slow store still has to do, it does before."""
        await self.trade.settle()
        self.clock.time += time

    async def close(self) -> list[str]:
        """Nothing more is sold, nothing is broken, and all that is due is done; what is left even so."""
        await self.weather.clear()
        for _ in range(NIGHT):
            await self._pass(ROUND)
            for key in self.gateway.syncing:
                await self.gateway.make_due(key)
            await self.gateway.run_due()
            if not (left := await self.gateway.database.read(_left, self.gateway)):
                return []
        return left


def _left(conn: Connection, gateway: Gateway) -> list[str]:
    """What is to be told, or told and not proved; but what only a person can see to."""
    waiting = sa.select(outbox.c.channel, outbox.c.operation, outbox.c.subject, outbox.c.fault_message)
    found = [
        f"{row[0]}: {row[1]} of {row[2]} is not told: {row[3] or 'it waits'}"
        for row in conn.execute(waiting.where(outbox.c.state.in_(("QUEUED", "SENDING"))))
    ]
    moving = sa.select(reservations.c.channel, reservations.c.item, reservations.c.place, reservations.c.quantity)
    dead = sa.select(outbox.c.key).where(outbox.c.state == "DEAD")
    hanging = sa.or_(reservations.c.command.is_(None), reservations.c.command.not_in(dead))
    found += [
        f"{row[0]}: {row[3]} of {row[1]} in {row[2]} are not proved"
        for row in conn.execute(moving.where(reservations.c.state == "COMMITTED", hanging))
    ]
    ground = gateway.rules.ground
    return found + [
        f"{key} is to offer {one.wanted} of {one.offer.external_id}"
        for key in pushing.followers(ground)
        for one in pushing.plan(conn, key, ground)
    ]


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "nothing yet"


# ------------------------------------------------------------------------------------------------ setting up


def _settings(environment: Mapping[str, str]) -> Settings:
    """The demo's, but that no call lasts long."""
    found = load(CONFIG, environment)
    channels = {key: _table(table) for key, table in found.channels.items()}
    return found.model_copy(update={"channels": channels})


def _table(table: ChannelTable) -> ChannelTable:
    often = {"orders": EVERY, "receipts": EVERY}
    every = {feed: often.get(feed, 4 * EVERY) for feed in table.every}
    return table.model_copy(update={"call_deadline": CALL, "live_deadline": CALL, "every": every})


async def spend(lines: Sequence[Sold], kept: Path, port: int, plan: Plan, say: Callable[[str], None]) -> Report:
    """A whole day, and what `gateway doctor` says at its end."""
    clock = Clock(datetime.now(UTC).replace(microsecond=0) - BEFORE)
    worlds = busy_worlds(lines, plan.articles)
    async with started(worlds, kept, scales=(GENEROUS, GENEROUS), now=clock, ticks=clock.ticks) as twins:
        environment = {**twins.environment, **addresses(kept / "gateway.db", port)}
        async with open_gateway(_settings(environment), clock=clock) as gateway, _served(gateway, port) as client:
            day = await _begun(gateway, clock, twins, client, worlds, plan, say)
            began, morning = time.monotonic(), clock()
            await day.open(plan.sales)
            left = await day.close()
            say(_closed(clock() - morning, time.monotonic() - began, day))
            differences = await _differences(day)
        return Report(day.sold, differences, left, await run("doctor", environment))


@asynccontextmanager
async def _served(gateway: Gateway, port: int) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of this gateway, over HTTP."""
    server = Server(create_app(gateway), port)
    await server.open()
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            yield client
    finally:
        await server.close()


async def _begun(
    gateway: Gateway,
    clock: Clock,
    twins: Twins,
    client: httpx2.AsyncClient,
    worlds: Mapping[str, World],
    plan: Plan,
    say: Callable[[str], None],
) -> Day:
    """Everything is read, and followers may be told what to offer."""
    gateway.turns.gap = 0
    await gateway.run_due()
    await gateway.subscribe("web")
    for key in pushing.followers(gateway.rules.ground):
        await gateway.database.write(pushing.arm, key, gateway.rules.ground, clock())
    dice = random.Random(plan.seed)
    books = await bookkeeping.opened(gateway.database, twins)
    skus = [product.sku for product in worlds["web"].products]
    offers = sorted(sku for sku, place in worlds["amazon"].stock if place == marketplace.MERCHANT)
    shoppers = Shoppers(client, dice)
    await shoppers.look(skus)
    say(f"{len(skus)} articles, seed {plan.seed}; channels may be asked {GENEROUS:,.0f} times as often as in life")
    return Day(
        gateway, clock, shoppers, Trade(twins, dice, books, skus, offers), Weather(twins.sandboxes, dice), dice, say
    )


def _closed(passed: timedelta, took: float, day: Day) -> str:
    hours, factor = passed.total_seconds() / 3600, passed.total_seconds() / took
    done = _listed(day.shoppers.said + day.trade.said)
    return (
        f"{day.clock():%a %H:%M} closed: {hours:.1f} hours in {took:.0f} s, {factor:.0f} times as fast as life\n"
        f"done: {done}\nbroken: {_listed(day.weather.seen)}"
    )


async def _differences(day: Day) -> list[str]:
    books = day.trade.books
    found = await bookkeeping.counted(books, day.trade.twins)
    return list(books.differences(await bookkeeping.ordered(day.gateway.database), found))
