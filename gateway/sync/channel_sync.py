"""The sync of one channel, and the throttle of sync writes (rule L1)."""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, TypeVar

from gateway.channels.circuit_breaker import MAX_RETRY_AFTER, clamp_retry_after
from gateway.channels.open_channel import OpenChannel, build_fault
from gateway.commerce.context import SellingContext
from gateway.commerce.ingest_batch import IngestRules
from gateway.model.channels import Resource
from gateway.sdk.collections import CollectionRecord
from gateway.sdk.errors import BudgetSpentError, ChannelError, RateLimitedError
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.records import CustomerRecord, OrderRecord, ProductRecord, StockRecord
from gateway.sdk.reviews import ReviewRecord
from gateway.settings.schema import ChannelTable
from gateway.storage.database import Connection, Database
from gateway.storage.sync import channel_health
from gateway.storage.sync.leases import Lease

T = TypeVar("T")
P = ParamSpec("P")

RESOURCES = {
    ProductRecord: Resource.PRODUCTS,
    StockRecord: Resource.STOCK,
    CollectionRecord: Resource.COLLECTIONS,
    CustomerRecord: Resource.CUSTOMERS,
    OrderRecord: Resource.ORDERS,
    ReviewRecord: Resource.REVIEWS,
}

SHORT_TRANSACTION = 0.005
"""Seconds that the statements of one throttled transaction may take; its commit comes on top."""

MIN_BATCH, MAX_BATCH = 8, 500
"""Minimum and maximum number of records in one throttled transaction. A smaller transaction would hardly be shorter,
because most of its time is its own overhead, and a sync would need many more of them.
"""

MIN_RETRY_DELAY, MAX_RETRY_DELAY = timedelta(seconds=1), timedelta(seconds=60)
"""First and maximum delay before a failed call is retried. The delay doubles with every failure."""

WRITE_GAP = 0.011
"""Seconds between throttled transactions, so that order writers can write."""


def get_resource(feed: AnyFeed) -> Resource:
    """Return the resource of a feed."""
    return RESOURCES[feed.of]


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """Progress of a pass. `done`: the pass is complete."""

    channel: str
    feed: str
    resource: Resource
    records: int
    done: bool


class WriteThrottle:
    """Throttle of the write transactions of all channel syncs: one at a time, with gaps between them.

    Attributes:
        is_throttled: the gateway is ready, so orders may be written at the same time.
        gap: seconds between two transactions.
    """

    def __init__(self, database: Database) -> None:
        self.is_throttled = False
        self.gap = WRITE_GAP
        self.database = database
        self._lock = asyncio.Lock()
        self._finished_at = -math.inf

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a write transaction as `Database.write` does, throttled."""
        if not self.is_throttled:
            return await self.database.write(work, *args, **kwargs)
        async with self._lock:
            await asyncio.sleep(max(0, self._finished_at + self.gap - time.monotonic()))
            try:
                return await self.database.write(work, *args, **kwargs)
            finally:
                self._finished_at = time.monotonic()


class BatchSizer:
    """Sizes of write batches: large while the gateway is not ready, small while orders may be written."""

    def __init__(self, throttle: WriteThrottle) -> None:
        self._throttle = throttle
        self._sizes: dict[str, float] = defaultdict(lambda: 2 * MIN_BATCH)  # records in a short transaction, by feed

    def slice_items(self, feed: str, items: Sequence[T]) -> Iterator[tuple[Sequence[T], bool]]:
        """Slice items into batches, each with whether it is the last. There is at least one batch, possibly empty."""
        start = 0
        while True:
            size = self._get_size(feed)
            last = start + size >= len(items)
            yield items[start : start + size], last
            if last:
                return
            start += size

    def time_batch(self, feed: str, count: int, work: Callable[[], T]) -> T:
        """Run `work` and learn how long its records take."""
        begun = time.perf_counter()
        result = work()
        if count:
            fits = min(MAX_BATCH, count * SHORT_TRANSACTION / (time.perf_counter() - begun))
            self._sizes[feed] += (max(MIN_BATCH, fits) - self._sizes[feed]) * 0.3
        return result

    def _get_size(self, feed: str) -> int:
        return int(self._sizes[feed]) if self._throttle.is_throttled else 2000


@dataclass(slots=True)
class ChannelSync:
    """The sync of one channel in this process.

    Attributes:
        ephemeral_tokens: page tokens that must not be stored, by feed and kind of pass. Each with the begin and the
            number of pages of its pass: another process may have continued the pass since, or begun a new one.
        refused_tokens: by feed and kind of pass, the page token that last caused a contract error, and how often.
        fetch_limits: by feed, the number of records per fetch since a larger fetch caused a contract error.
        failures: failed calls in a row.
        backoff_until: feeds whose single records are not fetched until then.
        pulled_at: by feed, the observation counter when its hints were replaced by a delta pull.
        unplaced_after: ID of the order up to which sales without a stock source were last retried.
    """

    database: Database
    throttle: WriteThrottle
    channel: OpenChannel
    table: ChannelTable
    rules: IngestRules
    now: Callable[[], datetime]
    sizer: BatchSizer = field(init=False)
    progress: Callable[[SyncProgress], None] = lambda _: None
    ephemeral_tokens: dict[tuple[str, str], tuple[int | None, int, str]] = field(default_factory=dict)
    refused_tokens: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    fetch_limits: dict[str, int] = field(default_factory=dict)
    failures: int = 0
    backoff_until: dict[str, datetime] = field(default_factory=dict)
    pulled_at: dict[str, int] = field(default_factory=dict)
    unplaced_after: str = ""

    def __post_init__(self) -> None:
        self.sizer = BatchSizer(self.throttle)

    @property
    def key(self) -> str:
        """The key of the channel."""
        return self.channel.key

    @property
    def context(self) -> SellingContext:
        """The context of a use case that runs now."""
        return SellingContext(self.rules.selling, self.now())

    def is_backing_off(self, feed: str) -> bool:
        """Whether the feed's single records are not fetched for now."""
        return not self.is_due(self.backoff_until.get(feed, self.now()), MAX_RETRY_AFTER)

    def is_due(self, at: datetime, within: timedelta) -> bool:
        """Whether a time has come.

        A time that is further away than `within` counts as due: it was set before the clock was set back.
        """
        return not timedelta(0) < at - self.now() <= max(within, MAX_RETRY_AFTER)

    def get_interval(self, feed: AnyFeed) -> timedelta:
        """Return the polling interval of a feed."""
        return self.channel.intervals[feed.name]

    def get_stale_after(self, feed: AnyFeed) -> timedelta:
        """Return after which time the feed's data is stale: by default three intervals (rule S9)."""
        return self.table.stale_after or 3 * self.get_interval(feed)


@dataclass(frozen=True, slots=True)
class FeedPass:
    """The pass of a feed that a page is read for, and the lease under which it is written."""

    sync: ChannelSync
    feed: AnyFeed
    lease: Lease


def get_budget_retry_delay(error: BudgetSpentError) -> timedelta:
    """Return the delay before a spent rate budget is tried again."""
    return MIN_RETRY_DELAY if error.retry_after is None else clamp_retry_after(error.retry_after)


async def record_failure(sync: ChannelSync, error: ChannelError) -> datetime:
    """Record a failed call. Returns when to retry."""
    sync.failures += 1
    delay: timedelta = min(MAX_RETRY_DELAY, MIN_RETRY_DELAY * 2 ** min(sync.failures - 1, 10))
    if isinstance(error, RateLimitedError) and error.retry_after is not None:
        delay = max(delay, clamp_retry_after(error.retry_after))
    fault = build_fault(error, sync.now())
    await sync.throttle.write(channel_health.record_failure, sync.key, fault, sync.now() + delay)
    return sync.now() + delay
