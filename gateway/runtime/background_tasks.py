"""Background tasks of a serving gateway: sync, outbox, webhooks, notices, the change log, expiry and retention.

Each task is a thin loop around a function that does what is due. What depends on time or other processes is stored, so
a task that fails or is killed continues where it stopped. A monitor wakes the loops that have work: it looks when the
database has changed, when something that waits becomes due, and now and then.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from gateway.commerce import change_handlers
from gateway.commerce.push.followers import list_followers
from gateway.runtime.heartbeat import HEARTBEAT_INTERVAL
from gateway.runtime.process import run_guarded, tune_process
from gateway.runtime.status_log import StatusLog
from gateway.runtime.storage_probe import MAX_RETRY_DELAY, MIN_RETRY_DELAY
from gateway.runtime.wake_up import WakeUp
from gateway.sdk.errors import ChannelError
from gateway.storage.errors import StorageUnavailableError
from gateway.storage.reads.pending_work import load_pending_work
from gateway.sync import scheduler, work_monitor
from gateway.sync.channel_sync import ChannelSync
from gateway.sync.payment_deadlines import expire_unpaid_orders
from gateway.sync.stock_maintenance import expire_holds_and_carts
from gateway.sync.work_monitor import Outlook

if TYPE_CHECKING:
    from gateway.runtime.gateway import Gateway

POLL_INTERVAL = 0.5
"""Seconds between two looks for work while there is some, or the database changes."""

IDLE_INTERVAL = 5.0
"""Seconds between two looks for work while nothing announces any. Another process may have been killed."""

STAMP_INTERVAL = 0.2
"""Seconds until rows of the change log get their position. After a sync of this process they get it at once."""

STATUS_INTERVAL = 5.0
"""Seconds between two looks for what an operator must see."""

RECOGNITION_PAUSE = 2.0
"""Seconds between two recognitions of guests: those of a busy minute are recognized together."""

FLUSH_INTERVAL = 5.0
"""Seconds between two times that counts of this process are stored, and retired documents are looked for."""

DATA_REQUEST_INTERVAL = 5.0
"""Seconds between two looks for exports and erases that are due."""

PURGE_INTERVAL = CACHE_LOG_INTERVAL = COUNT_INTERVAL = 3_600.0
RETRY_AFTER_FAILURE = 5.0
RESUBSCRIBE_INTERVAL = timedelta(days=1)
RESUBSCRIBE_AFTER_FAILURE = timedelta(seconds=30)

_log = logging.getLogger(__name__)


class BackgroundTasks:
    """Runs the background tasks of a gateway, and wakes them when there is work."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._monitor_wakeup, self._log_wakeup = WakeUp(POLL_INTERVAL), WakeUp(STAMP_INTERVAL)
        self._expiry_wakeup, self._recognition_wakeup = asyncio.Event(), asyncio.Event()
        self._loyalty_wakeup = WakeUp(STAMP_INTERVAL)
        self._sync_wakeups: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._outbox_wakeups: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._notice_wakeups = {name: asyncio.Event() for name in gateway.notices.endpoints}
        self._status_log = StatusLog(gateway)
        self._unplaced_retried_at = 0.0
        self._look_again_after = IDLE_INTERVAL
        self._is_untidy = True

    def wake_sync(self, channel: str) -> None:
        """Run the channel's sync now."""
        self._sync_wakeups[channel].set()

    def wake_outbox(self, channel: str) -> None:
        """Run the channel's outbox worker now."""
        self._outbox_wakeups[channel].set()

    async def run(self) -> None:
        """Run all tasks until canceled."""
        tune_process()
        gateway, database = self._gateway, self._gateway.database
        wakeups = [self._monitor_wakeup, self._log_wakeup]
        wakeups += [self._loyalty_wakeup] if gateway.selling.loyalty is not None else []
        for receiver in (*(wakeup.notify for wakeup in wakeups), self._note_change):
            database.changes.subscribe(receiver)
        await self._run_when_available(gateway.heartbeat.send, "heartbeat")  # before anything is read or sent
        async with asyncio.TaskGroup() as tasks:
            for key, sync in gateway.channel_syncs.items():
                tasks.create_task(self._run_sync(key, sync), name=f"sync {key}")
                tasks.create_task(self._run_outbox(key, sync), name=f"outbox {key}")
                if gateway.has_webhooks(key):
                    tasks.create_task(self._run_subscription(key), name=f"webhooks {key}")
            for name in gateway.notices.endpoints:
                tasks.create_task(self._run_notices(name), name=f"notices to {name}")
            for work, name, interval in (
                (database.watch_changes, "watch for changes", RETRY_AFTER_FAILURE),
                (self._tidy_database, "database maintenance", POLL_INTERVAL),
                (gateway.purge_expired, "retention", PURGE_INTERVAL),
                (gateway.flush_counts, "storing of counts", FLUSH_INTERVAL),
                (gateway.run_data_requests, "exports and erases", DATA_REQUEST_INTERVAL),
                (gateway.count_sold_units, "count of best sellers", COUNT_INTERVAL),
                (self._status_log.observe, "log of the status", STATUS_INTERVAL),
                (gateway.heartbeat.send, "heartbeat", HEARTBEAT_INTERVAL),
                (gateway.log_caches, "log of the caches", CACHE_LOG_INTERVAL),
            ):
                tasks.create_task(self._repeat(work, name, interval), name=name)
            tasks.create_task(self._run_stamping(), name="change log")
            tasks.create_task(self._run_expiry(), name="expiry")
            tasks.create_task(self._run_recognition(), name="recognition")
            tasks.create_task(self._run_monitor(), name="monitor")
            if gateway.selling.loyalty is not None:
                tasks.create_task(self._run_loyalty(), name="loyalty points")

    async def _run_monitor(self) -> None:
        while True:
            self._monitor_wakeup.clear()
            self._look_again_after = RETRY_AFTER_FAILURE
            await self._run_when_available(self._wake_loops, "search for work")
            await self._monitor_wakeup.wait(self._look_again_after)

    async def _wake_loops(self) -> None:
        """Wake the loops that have work."""
        outlook = await self._judge_work()
        for key in outlook.reads:
            self.wake_sync(key)
        for key in outlook.writes:
            self.wake_outbox(key)
        if outlook.has_changes:
            self._wake_followers()
        if outlook.has_expired:
            self._expiry_wakeup.set()
        if outlook.has_identities:
            self._recognition_wakeup.set()
        for name in outlook.notices:
            self._notice_wakeups[name].set()
        self._look_again_after = self._compute_pause(outlook)

    async def _judge_work(self) -> Outlook:
        gateway, now = self._gateway, self._gateway.now()
        notice_times = await gateway.notices.find_due_times()
        pending = await gateway.database.read(load_pending_work, change_handlers.LOG_READER, now)
        retries_unplaced = time.monotonic() - self._unplaced_retried_at >= IDLE_INTERVAL
        if retries_unplaced:
            self._unplaced_retried_at = time.monotonic()
        return work_monitor.judge_work(
            pending, gateway.channel_syncs, now, retries_unplaced=retries_unplaced, notice_times=notice_times
        )

    def _compute_pause(self, outlook: Outlook) -> float:
        """Return the seconds until the next look."""
        if outlook.is_due:
            return POLL_INTERVAL
        if outlook.next_at is None:
            return IDLE_INTERVAL
        return min((outlook.next_at - self._gateway.now()).total_seconds(), IDLE_INTERVAL)

    def _wake_followers(self) -> None:
        """Wake the loops that handle the change log: any of them reads it, and followers push what results."""
        followers = list_followers(self._gateway.rules.topology)
        for key in followers or [*self._gateway.channel_syncs][:1]:
            self.wake_outbox(key)

    async def _run_sync(self, key: str, sync: ChannelSync) -> None:
        async def run_due() -> None:
            await self._gateway.check_ready()
            if await scheduler.run_channel(sync, self._gateway.process_id):
                self._log_wakeup.set()

        await self._run_on_event(self._sync_wakeups[key], run_due, f"sync of {key}")

    async def _run_outbox(self, key: str, sync: ChannelSync) -> None:
        await self._run_on_event(self._outbox_wakeups[key], lambda: scheduler.run_writes(sync), f"outbox of {key}")

    async def _run_subscription(self, key: str) -> None:
        """Subscribe to the channel's webhooks at the start and daily: channels drop subscriptions that fail."""
        while True:
            try:
                await self._gateway.subscribe_webhooks(key)
                pause = RESUBSCRIBE_INTERVAL
            except ChannelError as error:
                _log.warning("subscribing to webhooks failed and is retried: %s", error, extra={"channel": key})
                pause = RESUBSCRIBE_AFTER_FAILURE
            await asyncio.sleep(pause.total_seconds())

    async def _run_stamping(self) -> None:
        async def stamp() -> None:
            if await scheduler.stamp_log(self._gateway.write_throttle):
                self._wake_followers()

        while True:
            self._log_wakeup.clear()
            await self._run_when_available(stamp, "stamping of the change log")
            await self._log_wakeup.wait(IDLE_INTERVAL)

    async def _run_expiry(self) -> None:
        async def expire() -> None:
            gateway = self._gateway
            await expire_holds_and_carts(gateway.database, gateway.now())
            if await expire_unpaid_orders(gateway.database, gateway.selling, gateway.now()):
                self._log_wakeup.set()

        await self._run_on_event(self._expiry_wakeup, expire, "expiry of holds, carts and unpaid orders")

    async def _run_recognition(self) -> None:
        async def recognize() -> None:
            await self._gateway.recognize_customers()
            await asyncio.sleep(RECOGNITION_PAUSE)

        await self._run_on_event(self._recognition_wakeup, recognize, "recognition of customers")

    async def _run_notices(self, name: str) -> None:
        """Send notices to one endpoint: a slow one holds up no other."""
        deliver = partial(self._gateway.notices.deliver, name)
        await self._run_on_event(self._notice_wakeups[name], deliver, f"delivery of notices to {name}")

    async def _run_loyalty(self) -> None:
        """Post points when the database changes, and now and then: they begin and expire by themselves."""
        while True:
            self._loyalty_wakeup.clear()
            await self._run_when_available(self._gateway.post_loyalty_points, "posting of loyalty points")
            await self._loyalty_wakeup.wait(IDLE_INTERVAL)

    async def _tidy_database(self) -> None:
        if self._is_untidy:
            self._is_untidy = False
            await self._gateway.database.tidy()

    def _note_change(self) -> None:
        self._is_untidy = True

    async def _run_on_event(self, event: asyncio.Event, work: Callable[[], Awaitable[object]], name: str) -> None:
        """Run the work now and at every event. Work that failed is not run again at once."""
        while True:
            event.clear()
            if not await self._run_when_available(work, name):
                await asyncio.sleep(RETRY_AFTER_FAILURE)
                continue
            await event.wait()

    async def _repeat(self, work: Callable[[], Awaitable[object]], name: str, interval: float) -> None:
        while True:
            await self._run_when_available(work, name)
            await asyncio.sleep(interval)

    async def _run_when_available(self, work: Callable[[], Awaitable[object]], name: str) -> bool:
        """Run the work, again after an outage of the database. Returns whether it succeeded."""
        delay = MIN_RETRY_DELAY
        while True:
            try:
                return await run_guarded(work, name)
            except StorageUnavailableError:
                await self._gateway.storage_probe.wait_until_available()
            await asyncio.sleep(delay)  # the probe may succeed where the work does not
            delay = min(2 * delay, MAX_RETRY_DELAY)
