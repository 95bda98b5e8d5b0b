"""The composition: everything that runs, put together in one place. The server, the command line, tests and benchmarks
all open the gateway here.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import secrets
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.channels.answers import stands_in
from gateway.channels.budgets import SharedLedger
from gateway.channels.guard import fault_of
from gateway.channels.opening import Channels, open_channels
from gateway.channels.plugins import Plugins, discover
from gateway.commerce.pushing import followers
from gateway.commerce.selling import Selling
from gateway.commerce.taking import Rules
from gateway.execution.registry import Registry
from gateway.layout import selling
from gateway.model.channels import Channel, ChannelState, Fault, Location, Resource
from gateway.model.values import sku_key
from gateway.sdk.errors import ChannelError
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.policies import Prices
from gateway.sdk.records import Ref
from gateway.settings import Settings
from gateway.storage import facts, health, passes, sources
from gateway.storage.database import Connection, Database
from gateway.storage.migrate import migrate
from gateway.storage.passes import DELTA, SWEEP
from gateway.sync import inbox as deliveries
from gateway.sync import outbox, schedule
from gateway.sync.channel import Progress, Syncing, Turns, resource_of
from gateway.sync.outbox import Delivery
from gateway.sync.records import refresh
from gateway.sync.stock import expire

SWITCH_INTERVAL = 0.0001
"""Seconds after which a thread that computes lets others run: a plugin that spins would slow every query else."""

GARBAGE = (2_000, 5, 20)
"""Objects after which garbage is looked for, and how many times so before older ones are looked through as well. Taking
20,000 of them away at a time would hold everybody up for 25 ms."""

IDLE = timedelta(seconds=0.5)
"""How often a channel is asked for work that nobody announced in this process."""

STAMPED = timedelta(seconds=0.2)
"""How often what was logged is given its place; at once, where this process has read something."""

NOTED = timedelta(seconds=5)
"""How often it is noted which documents were used, and looked whether any was retired."""

UPKEEP = timedelta(hours=1)
AFTER_FAILURE = timedelta(seconds=5)
RESUBSCRIBING = timedelta(days=1)
UNSUBSCRIBED = timedelta(seconds=30)

_log = logging.getLogger(__name__)


def settle() -> None:
    """Make this process the gateway's, for one that is nothing else, once all is loaded.

    What is loaded by then stays: looking through it for garbage again and again would hold queries up for 100 ms and
    take a tenth of a first sync.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@contextlib.asynccontextmanager
async def open_gateway(
    settings: Settings,
    *,
    plugins: Plugins | None = None,
    clock: Callable[[], datetime] = utc_now,
    progress: Callable[[Progress], None] = lambda _: None,
) -> AsyncIterator[Gateway]:
    """A gateway with its database migrated and its channels open.

    Raises:
        SettingsError, DatabaseUrlError, NewerDatabaseError, RequiredChannelError: it cannot run; what to do is said.
    """
    found = discover() if plugins is None else plugins
    rules = _rules(settings, found)
    prices: Prices = found.policy("prices", settings.catalogue.prices)
    database = Database(settings.database)
    try:
        await migrate(database)
        await database.write(health.ensure, list(settings.channels))
        channels = await open_channels(settings, found, clock, SharedLedger(database))
        try:
            secret = await database.write(facts.secret)
            made = rules(channels, selling(settings, found, channels, secret))
            gateway = Gateway(settings, database, channels, made, prices, clock, progress)
            try:
                yield gateway
            finally:
                await gateway.told_all(settings.server.drain)
                await _survived(gateway.registry.note, "noting of uses")
        finally:
            await channels.close()
    finally:
        await database.close()


def _rules(settings: Settings, plugins: Plugins) -> Callable[[Channels, Selling], Rules]:
    """The catalogue's rules, once it is known which channels there are."""
    matching = plugins.policy("matching", settings.catalogue.matching)

    def rules(channels: Channels, selling: Selling) -> Rules:
        return Rules(
            priority={key: place for place, key in enumerate(settings.priority())},
            services=frozenset(sku_key(code) for code in settings.catalogue.services),
            gross={key: channel.traits.prices_include_tax or False for key, channel in channels.open.items()},
            matching=matching,
            selling=selling,
        )

    return rules


@dataclass(slots=True)
class SharedRead:
    """A live read, for as many as want it."""

    task: asyncio.Task[Fault | None]
    wanted_by: int = 0

    async def result(self) -> Fault | None:
        """What it came to. Whoever stops waiting leaves it to the others; the last one ends it."""
        self.wanted_by += 1
        try:
            return await asyncio.shield(self.task)
        finally:
            self.wanted_by -= 1
            if not self.wanted_by:
                self.task.cancel()


class Gateway:
    """A running gateway: what queries, the command line and the schedule work with."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        channels: Channels,
        rules: Rules,
        prices: Prices,
        clock: Callable[[], datetime],
        progress: Callable[[Progress], None],
    ) -> None:
        self.settings = settings
        self.database = database
        self.turns = Turns(database)
        self.prices = prices
        self.now = clock
        self.registry = Registry(database, clock)
        self.channels: Mapping[str, Channel] = channels.models
        self.rules, self.selling = rules, rules.selling
        self.locations: Mapping[str, Location] = rules.ground.locations
        self.syncing: Mapping[str, Syncing] = {
            key: Syncing(database, self.turns, channel, settings.channels[key], rules, clock, progress=progress)
            for key, channel in channels.open.items()
        }
        self.leaving = False
        self._holder = secrets.token_hex(8)
        self._refreshing: dict[tuple[str, frozenset[str]], SharedRead] = {}
        self._logged = asyncio.Event()
        self._wakes: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._wishes: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._telling: set[asyncio.Task[None]] = set()

    # -------------------------------------------------------------------------------------------- ages and live reads

    def feeds(self, channel: str, resource: Resource) -> list[AnyFeed]:
        """The channel's feeds of this resource; none, where it is not open."""
        sync = self.syncing.get(channel)
        return [] if sync is None else [feed for feed in sync.channel.feeds.values() if resource_of(feed) is resource]

    def stale_after(self, channel: str, resource: Resource) -> timedelta:
        """When what the channel said of a resource is stale (rule S9)."""
        sync = self.syncing.get(channel)
        found = [sync.stale_after(feed) for feed in self.feeds(channel, resource)] if sync else []
        return max(found, default=timedelta(minutes=15))

    def can_refresh(self, channel: str, resource: Resource) -> bool:
        """Whether single records of this resource can be read now."""
        sync = self.syncing.get(channel)
        return sync is not None and any(f.name in sync.channel.live_feeds for f in self.feeds(channel, resource))

    def can_reread(self, channel: str, feed: str, id_: str) -> bool:
        """Whether this record can be read by its id."""
        sync = self.syncing.get(channel)
        return sync is not None and feed in sync.channel.live_feeds and not stands_in(id_)

    async def refresh(self, channel: str, resource: Resource, refs: Sequence[Ref], deadline: timedelta) -> Fault | None:
        """Read these records now, within the deadline; None: that went well.

        Equal wishes share one read. It is given up with the last of them.
        """
        key = (f"{channel} {resource.value}", frozenset(ref.id for ref in refs))
        shared = self._refreshing.get(key)
        if shared is None:
            reading = self._refresh(self.syncing[channel], resource, refs, deadline)
            shared = self._refreshing[key] = SharedRead(asyncio.create_task(reading))
        try:
            return await shared.result()
        finally:
            if shared.wanted_by == 0 and self._refreshing.get(key) is shared:
                del self._refreshing[key]

    async def _refresh(
        self, sync: Syncing, resource: Resource, refs: Sequence[Ref], deadline: timedelta
    ) -> Fault | None:
        ids = [ref.id for ref in refs]
        feeds = await self.database.read(sources.feeds_of, sync.key, resource.value, ids)
        by_feed: dict[str, list[Ref]] = defaultdict(list)
        for ref in refs:
            if feeds.get(ref.id) in sync.channel.live_feeds:
                by_feed[feeds[ref.id]].append(ref)
        try:
            reads = [self._read(sync, name, some, deadline) for name, some in by_feed.items()]
            await asyncio.gather(*reads)
        except ChannelError as error:
            return fault_of(error, self.now())
        return None

    async def _read(self, sync: Syncing, feed: str, refs: Sequence[Ref], deadline: timedelta) -> None:
        await refresh(sync, sync.channel.feeds[feed], refs, deadline, live=True)

    # -------------------------------------------------------------------------------------------- webhooks

    def hears(self, channel: str) -> bool:
        """Whether the channel sends webhooks."""
        sync = self.syncing.get(channel)
        return sync is not None and sync.channel.webhooks is not None

    async def receive(self, channel: str, headers: Mapping[str, str], body: bytes) -> None:
        """Prove a delivery and store it; a second copy has no effect.

        Raises:
            ForgedError: the channel did not sign it (or, StaleError, not at this time).
            ChannelError: it could not be looked at.
        """
        if await deliveries.receive(self.syncing[channel], headers, body):
            self.wake(channel)

    async def subscribe(self, channel: str) -> None:
        """Have the channel send its webhooks here, where it is known what "here" is called outside."""
        sync, address = self.syncing[channel], self.settings.server.public_url
        if address is not None:
            url = f"{address.rstrip('/')}/webhooks/{channel}"
            await sync.channel.subscribe(url, sync.table.call_deadline)

    # -------------------------------------------------------------------------------------------- sync

    async def run_due(self) -> None:
        """Do everything that is due now, in every channel, until nothing is."""
        while True:
            read = any(await schedule.run_channels(self.syncing.values(), self._holder))
            await schedule.stamp(self.turns)
            told = await self._run_writes()
            if not (read or told):
                break
        await schedule.stamp(self.turns)
        await self.ready()

    async def _run_writes(self) -> bool:
        """Do what is due on the other way, from the gateway to the channels; whether there was anything."""
        lapsed = await expire(self.database, self.now())
        sent = await asyncio.gather(*(schedule.tell(sync) for sync in self.syncing.values()))
        return lapsed or any(sent)

    async def ready(self) -> bool:
        """Whether the first sync of the required channels is through (rule S10): a stored fact."""
        required = [key for key, table in self.settings.channels.items() if table.required]
        ready = await schedule.note_ready(self.database, required, self.now())
        if ready:
            self.turns.beside_others = True
        return ready

    def leave(self) -> None:
        """This process is about to end: it is not ready for anything new."""
        self.leaving = True

    async def make_due(self, channel: str, *, sweep: bool = False, accept_absent: bool = False) -> None:
        """Have the channel's feeds read now; `sweep`: completely."""
        for feed in self.syncing[channel].channel.feeds.values():
            for kind in (DELTA, SWEEP) if sweep or accept_absent else (DELTA,):
                await self.database.write(passes.make_due, channel, feed.name, kind, self.now())
        if accept_absent:
            await self.database.write(passes.accept_absent, channel)
        self.wake(channel)

    def wake(self, channel: str) -> None:
        """There is work for this channel."""
        self._wakes[channel].set()

    def begin(self, conn: Connection, wishes: Mapping[str, Collection[str]]) -> Sequence[Delivery]:
        """Have what is wished of channels, by the keys of the commands, be under way once this is committed."""
        return [outbox.begin(conn, self.syncing[key], keys) for key, keys in wishes.items() if key in self.syncing]

    async def tell(self, deliveries: Sequence[Delivery], within: timedelta) -> None:
        """Have channels carry out what `begin` has given.

        Whatever is not over in time goes on behind the caller's back, and would also after a crash.
        """
        tasks = [asyncio.create_task(outbox.carry_out(delivery)) for delivery in deliveries]
        self._telling.update(tasks)
        for task in tasks:
            task.add_done_callback(self._told)
        if tasks:
            await asyncio.wait(tasks, timeout=within.total_seconds())
        for delivery in deliveries:
            self._wishes[delivery.sync.key].set()

    async def told_all(self, within: timedelta) -> None:
        """Wait for what is being told. What is not over in time is given up: the outbox goes on with it next time."""
        if self._telling:
            _, late = await asyncio.wait(self._telling, timeout=within.total_seconds())
            for task in late:
                task.cancel()

    def _told(self, task: asyncio.Task[None]) -> None:
        self._telling.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a wish could not be told; it is tried again", exc_info=task.exception())

    async def serve(self) -> None:
        """Keep everything in sync, until cancelled."""
        settle()
        async with asyncio.TaskGroup() as tasks:
            for key, sync in self.syncing.items():
                tasks.create_task(self._keep_synced(key, sync), name=f"sync {key}")
                tasks.create_task(self._keep_told(key, sync), name=f"outbox {key}")
                if self.hears(key):
                    tasks.create_task(self._keep_subscribed(key), name=f"webhooks {key}")
            tasks.create_task(self._keep_stamped(), name="log")
            tasks.create_task(self._keep_expiring(), name="expiry")
            tasks.create_task(self._keep_tidy(), name="database")
            tasks.create_task(self._keep_noted(), name="documents")
            tasks.create_task(self._keep_house(), name="upkeep")

    async def _keep_synced(self, key: str, sync: Syncing) -> None:
        async def work() -> None:
            await self.ready()
            if await schedule.run_channel(sync, self._holder):
                self._logged.set()

        while True:
            self._wakes[key].clear()
            pause = IDLE if await _survived(work, f"sync of {key}") else AFTER_FAILURE
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wakes[key].wait(), pause.total_seconds())

    async def _keep_told(self, key: str, sync: Syncing) -> None:
        while True:
            self._wishes[key].clear()
            pause = IDLE if await _survived(lambda: schedule.tell(sync), f"outbox of {key}") else AFTER_FAILURE
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wishes[key].wait(), pause.total_seconds())

    async def _keep_expiring(self) -> None:
        while True:
            await _survived(lambda: expire(self.database, self.now()), "expiry of holds and carts")
            await asyncio.sleep(IDLE.total_seconds())

    async def _keep_subscribed(self, key: str) -> None:
        """Once a start, and again every day: channels drop those that do not answer for long."""
        while True:
            try:
                await self.subscribe(key)
                pause = RESUBSCRIBING
            except ChannelError as error:
                _log.warning("the webhooks of %s are not subscribed to; it is tried again: %s", key, error)
                pause = UNSUBSCRIBED
            await asyncio.sleep(pause.total_seconds())

    async def keep_house(self) -> None:
        """Forget what has been kept long enough."""
        await schedule.keep_house(self.database, self.rules.ground, self.settings.retention, self.now())

    async def _keep_stamped(self) -> None:
        async def work() -> None:
            if await schedule.stamp(self.turns):
                for key in followers(self.rules.ground):
                    self._wishes[key].set()

        while True:
            self._logged.clear()
            await _survived(work, "stamping of the log")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._logged.wait(), STAMPED.total_seconds())

    async def _keep_noted(self) -> None:
        while True:
            await asyncio.sleep(NOTED.total_seconds())
            await _survived(self.registry.note, "noting of uses")

    async def _keep_tidy(self) -> None:
        while True:
            await _survived(self.database.tidy, "tidying of the database")
            await asyncio.sleep(0.5)

    async def _keep_house(self) -> None:
        while True:
            await _survived(self.keep_house, "upkeep")
            await asyncio.sleep(UPKEEP.total_seconds())


async def _survived(work: Callable[[], Awaitable[object]], what: str) -> bool:
    """Do a piece of background work. One that fails is tried again later: it must not end the others."""
    try:
        await work()
    except Exception:  # noqa: BLE001 whatever it is, it is logged
        _log.exception("the %s failed; it is tried again", what)
        return False
    return True


def failures(channels: Iterable[Channel]) -> list[str]:
    """Why channels could not be opened, a line each."""
    return [channel.failure for channel in channels if channel.state is ChannelState.FAILED and channel.failure]
