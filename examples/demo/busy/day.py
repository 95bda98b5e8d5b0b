"""A simulated day of sales.

The day consists of rounds. In each round, customers buy in all channels while the gateway does its due work; between
two rounds, when nothing is in progress, the shared clock advances. So a day takes minutes, with the same delays
between events as in reality.
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
from examples.demo.busy.channel_sales import ChannelSales
from examples.demo.busy.customers import ApiCustomers
from examples.demo.busy.faults import FaultSchedule
from examples.demo.busy.goods import build_busy_worlds
from examples.demo.channels import Sandboxes, start_sandboxes
from examples.demo.gateway_process import CONFIG, build_environment, run_command
from examples.demo.retail import ReceiptLine
from gateway.app import create_app
from gateway.commerce.context import SellingContext
from gateway.commerce.push import followers, planner
from gateway.runtime.gateway import Gateway, open_gateway
from gateway.sdk.testing.sandbox import World
from gateway.sdk.testing.sandbox_server import Server
from gateway.settings.loading import load
from gateway.settings.schema import ChannelTable, Settings
from gateway.storage.tables import outbox, reservations

ROUND = timedelta(minutes=3)
SALES_PER_ROUND, MAX_ROUNDS = 12, 80
"""Sales per round; more, if the day would have more rounds than `MAX_ROUNDS`."""

RATE_SCALE = 1000.0
"""The factor by which the sandboxes raise the real rate limits, because the clock advances in steps."""

CALL_DEADLINE = timedelta(seconds=5)
"""The deadline of a call to a channel: more than a slow response takes, less than two."""

START_OFFSET = timedelta(days=7)
"""The day starts this long ago, so that `gateway doctor`, with the real clock, runs after it."""

MAX_CLOSING_ROUNDS = 60
"""Maximum number of rounds after closing time until all commands are delivered and proven."""

FEED_INTERVAL = timedelta(minutes=1)


class Clock:
    """The simulated clock, shared with the sandboxes."""

    def __init__(self, start: datetime) -> None:
        self.start = self.time = start

    def __call__(self) -> datetime:
        return self.time

    def get_elapsed_seconds(self) -> float:
        """Return the seconds since the start."""
        return (self.time - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of the day. The same seed makes the same choices."""

    sales: int
    seed: int
    articles: int = 150


@dataclass(frozen=True, slots=True)
class Report:
    """The result. `differences`: between the expected and the counted stock."""

    sold: Counter[str]
    differences: Sequence[str]
    pending: Sequence[str]
    doctor: int

    def print(self, say: Callable[[str], None]) -> int:
        """Print the result; return the exit code."""
        for title, lines in (("counts that differ from the sales", self.differences), ("pending", self.pending)):
            say("\n  ".join([f"{title}: {len(lines)}", *lines]))
        return 1 if self.doctor or self.differences or self.pending else 0


@dataclass(slots=True)
class Day:
    """All participants of the simulation."""

    gateway: Gateway
    clock: Clock
    customers: ApiCustomers
    channel_sales: ChannelSales
    faults: FaultSchedule
    dice: random.Random
    say: Callable[[str], None]
    sold: Counter[str] = field(default_factory=Counter)

    async def sell(self, sales: int) -> None:
        """Run rounds until this number of sales, with random faults."""
        shown, at_once = 0, max(SALES_PER_ROUND, sales // MAX_ROUNDS)
        while (done := sum(self.sold.values())) < sales:
            if done >= shown:
                self.say(
                    f"{self.clock():%a %H:%M} {done:,} of {sales:,} sold ({_format_counts(self.sold)}); {self.faults}"
                )
                shown += max(1, sales // 20)
            await self.faults.change()
            await self._run_round(min(at_once, sales - done))
            await self._advance_clock(ROUND)

    async def _run_round(self, sales: int) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.gateway.run_due())
            for _ in range(sales):
                tasks.create_task(self._sell_once())
            for _ in range(self.dice.randint(0, sales)):
                tasks.create_task(self._progress_order())
        await self.gateway.run_due()

    async def _sell_once(self) -> None:
        who, sells = self.dice.choice(
            (
                ("till", self.channel_sales.sell_at_till),
                ("web", self.channel_sales.sell_in_store),
                ("amazon", self.channel_sales.sell_on_amazon),
                *[("gateway", self.customers.buy)] * 3,
            )
        )
        sold = await sells()
        self.sold[who] += sold

    async def _progress_order(self) -> None:
        goes_on = (
            self.channel_sales.refund_at_till,
            self.channel_sales.progress_store_order,
            self.channel_sales.take_back_in_store,
            self.customers.progress_order,
            self.customers.progress_order,
        )
        await self.dice.choice(goes_on)()

    async def _advance_clock(self, time: timedelta) -> None:
        """Advance the clock after all requests have completed."""
        await self.channel_sales.settle()
        self.clock.time += time

    async def close(self) -> list[str]:
        """Clear the faults and run the due work; return what remains pending."""
        await self.faults.clear()
        for _ in range(MAX_CLOSING_ROUNDS):
            await self._advance_clock(ROUND)
            for key in self.gateway.channel_syncs:
                await self.gateway.request_sync(key)
            await self.gateway.run_due()
            if not (left := await self.gateway.database.read(_find_pending, self.gateway)):
                return []
        return left


def _find_pending(conn: Connection, gateway: Gateway) -> list[str]:
    """List commands that are not delivered or not proven, except dead ones."""
    waiting = sa.select(outbox.c.channel, outbox.c.operation, outbox.c.subject, outbox.c.fault_message)
    pending = [
        f"{row[0]}: {row[1]} of {row[2]} is not delivered: {row[3] or 'waiting'}"
        for row in conn.execute(waiting.where(outbox.c.state.in_(("QUEUED", "SENDING"))))
    ]
    moving = sa.select(reservations.c.channel, reservations.c.item, reservations.c.place, reservations.c.quantity)
    dead = sa.select(outbox.c.key).where(outbox.c.state == "DEAD")
    hanging = sa.or_(reservations.c.command.is_(None), reservations.c.command.not_in(dead))
    pending += [
        f"{row[0]}: {row[3]} of {row[1]} at {row[2]} are not proven"
        for row in conn.execute(moving.where(reservations.c.state == "COMMITTED", hanging))
    ]
    ground = gateway.rules.topology
    return pending + [
        f"{key} should offer {one.target} of {one.offer.external_id}"
        for key in followers.list_followers(ground)
        for one in planner.plan_follower(conn, key, ground)
    ]


def _format_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none yet"


# ------------------------------------------------------------------------------------------------ setup


def _load_settings(environment: Mapping[str, str]) -> Settings:
    """Load the demo's settings, with short deadlines."""
    settings = load(CONFIG, environment)
    channels = {key: _build_channel_table(table) for key, table in settings.channels.items()}
    return settings.model_copy(update={"channels": channels})


def _build_channel_table(table: ChannelTable) -> ChannelTable:
    often = {"orders": FEED_INTERVAL, "receipts": FEED_INTERVAL}
    every = {feed: often.get(feed, 4 * FEED_INTERVAL) for feed in table.every}
    return table.model_copy(update={"call_deadline": CALL_DEADLINE, "live_deadline": CALL_DEADLINE, "every": every})


async def run_day(
    lines: Sequence[ReceiptLine], directory: Path, port: int, plan: Plan, say: Callable[[str], None]
) -> Report:
    """Simulate a day, then run `gateway doctor`."""
    clock = Clock(datetime.now(UTC).replace(microsecond=0) - START_OFFSET)
    worlds = build_busy_worlds(lines, plan.articles)
    async with start_sandboxes(
        worlds, directory, scales=(RATE_SCALE, RATE_SCALE), now=clock, ticks=clock.get_elapsed_seconds
    ) as sandboxes:
        environment = {**sandboxes.environment, **build_environment(directory / "gateway.db", port)}
        async with open_gateway(_load_settings(environment), clock=clock) as gateway, _serve(gateway, port) as client:
            day = await _open_day(gateway, clock, sandboxes, client, worlds, plan, say)
            began, morning = time.monotonic(), clock()
            await day.sell(plan.sales)
            left = await day.close()
            say(_format_summary(clock() - morning, time.monotonic() - began, day))
            differences = await _find_differences(day)
        return Report(day.sold, differences, left, await run_command("doctor", environment))


@asynccontextmanager
async def _serve(gateway: Gateway, port: int) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve the gateway, and yield an HTTP client."""
    server = Server(create_app(gateway), port)
    await server.open()
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
            yield client
    finally:
        await server.close()


async def _open_day(
    gateway: Gateway,
    clock: Clock,
    sandboxes: Sandboxes,
    client: httpx2.AsyncClient,
    worlds: Mapping[str, World],
    plan: Plan,
    say: Callable[[str], None],
) -> Day:
    """Run the first sync, arm the followers, and open the books."""
    gateway.write_throttle.gap = 0
    await gateway.run_due()
    await gateway.subscribe_webhooks("web")
    for key in followers.list_followers(gateway.rules.topology):
        await gateway.database.write(followers.arm_follower, key, SellingContext(gateway.selling, clock()))
    dice = random.Random(plan.seed)
    books = await bookkeeping.open_books(gateway.database, sandboxes)
    skus = [product.sku for product in worlds["web"].products]
    offers = sorted(
        sku for sku, external_location in worlds["amazon"].stock if external_location == marketplace.MERCHANT
    )
    customers = ApiCustomers(client, dice)
    await customers.load_variants(skus)
    say(f"{len(skus)} articles, seed {plan.seed}; channels may be asked {RATE_SCALE:,.0f} times as often as in life")
    return Day(
        gateway,
        clock,
        customers,
        ChannelSales(sandboxes, dice, books, skus, offers),
        FaultSchedule(sandboxes.by_channel, dice),
        dice,
        say,
    )


def _format_summary(passed: timedelta, took: float, day: Day) -> str:
    hours, factor = passed.total_seconds() / 3600, passed.total_seconds() / took
    done = _format_counts(day.customers.counts + day.channel_sales.counts)
    return (
        f"{day.clock():%a %H:%M} closed: {hours:.1f} hours in {took:.0f} s, {factor:.0f} times as fast as life\n"
        f"done: {done}\nbroken: {_format_counts(day.faults.counts)}"
    )


async def _find_differences(day: Day) -> list[str]:
    books = day.channel_sales.books
    counted = await bookkeeping.count_stock(books, day.channel_sales.sandboxes)
    return list(books.find_differences(await bookkeeping.sum_ordered(day.gateway.database), counted))
