"""What the sync of one channel works with, and the pace at which it writes (rule L1)."""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, TypeVar

from gateway.channels.breaker import LONGEST_WISH, wished
from gateway.channels.guard import OpenChannel, fault_of
from gateway.commerce.taking import Rules
from gateway.model.channels import Resource
from gateway.sdk.errors import BudgetSpentError, ChannelError, RateLimitedError
from gateway.sdk.feeds import AnyFeed
from gateway.sdk.records import CustomerRecord, OrderRecord, ProductRecord, StockRecord
from gateway.settings import ChannelTable
from gateway.storage import health
from gateway.storage.database import Connection, Database

T = TypeVar("T")
P = ParamSpec("P")

RESOURCES = {
    ProductRecord: Resource.PRODUCTS,
    StockRecord: Resource.STOCK,
    CustomerRecord: Resource.CUSTOMERS,
    OrderRecord: Resource.ORDERS,
}

SHORT = 0.005
"""Seconds that the statements of one transaction may take beside others; its commit comes on top."""

FEWEST, MOST = 8, 500
"""Records in one transaction beside others. Most of what a few of them take is the transaction's own: one with fewer is
hardly shorter, and a sync would be so many more of them."""

SOON, LATEST = timedelta(seconds=1), timedelta(seconds=60)
"""When a failed call is tried again: twice as late every time."""

GAP = 0.011
"""Seconds without one, so that order writers get their turn."""


def resource_of(feed: AnyFeed) -> Resource:
    """What the feed is about."""
    return RESOURCES[feed.of]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pass is. `done`: it is complete."""

    channel: str
    feed: str
    resource: Resource
    records: int
    done: bool


class Turns:
    """The transactions of every channel's sync: beside others one at a time, and with gaps between them.

    Attributes:
        beside_others: the gateway is ready, so that orders may be written.
        gap: seconds between two.
    """

    def __init__(self, database: Database) -> None:
        self.beside_others = False
        self.gap = GAP
        self._database = database
        self._lock = asyncio.Lock()
        self._over = -math.inf

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As the database's, in its turn."""
        if not self.beside_others:
            return await self._database.write(work, *args, **kwargs)
        async with self._lock:
            await asyncio.sleep(max(0, self._over + self.gap - time.monotonic()))
            try:
                return await self._database.write(work, *args, **kwargs)
            finally:
                self._over = time.monotonic()


class Pace:
    """How much of a channel is written at once: as much as is there while nobody waits, little beside others."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._fits: dict[str, float] = defaultdict(lambda: 2 * FEWEST)  # records in a short transaction, by feed

    def slices(self, feed: str, items: Sequence[T]) -> Iterator[tuple[Sequence[T], bool]]:
        """The items in runs, each with whether it is the last; at least one, if an empty one."""
        start = 0
        while True:
            size = self._size(feed)
            last = start + size >= len(items)
            yield items[start : start + size], last
            if last:
                return
            start += size

    def timed(self, feed: str, count: int, work: Callable[[], T]) -> T:
        """What `work` gives, remembering how long these records took."""
        begun = time.perf_counter()
        result = work()
        if count:
            fits = min(MOST, count * SHORT / (time.perf_counter() - begun))
            self._fits[feed] += (max(FEWEST, fits) - self._fits[feed]) * 0.3
        return result

    def _size(self, feed: str) -> int:
        return int(self._fits[feed]) if self._turns.beside_others else 2000


@dataclass(slots=True)
class Syncing:
    """The sync of one channel in this process.

    Attributes:
        tokens: page tokens that die soon, by feed and kind of pass: they are kept nowhere else. Each with the pass's
            begin and pages: another process may have gone on with the pass since, or begun one of its own.
        refused: by feed and kind of pass, the page token that was last answered against the contract, and how often.
        few: by feed, as how many single records are asked for since more of them were answered so.
        failures: calls in a row that failed.
        resting: feeds whose single records cannot be read for now, and until when.
        pulled: by feed, the counter when so many hints waited that they were made one pull.
    """

    database: Database
    turns: Turns
    channel: OpenChannel
    table: ChannelTable
    rules: Rules
    now: Callable[[], datetime]
    pace: Pace = field(init=False)
    progress: Callable[[Progress], None] = lambda _: None
    tokens: dict[tuple[str, str], tuple[int | None, int, str]] = field(default_factory=dict)
    refused: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    few: dict[str, int] = field(default_factory=dict)
    failures: int = 0
    resting: dict[str, datetime] = field(default_factory=dict)
    pulled: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pace = Pace(self.turns)

    @property
    def key(self) -> str:
        """The channel's key."""
        return self.channel.key

    def rests(self, feed: str) -> bool:
        """Whether the feed's single records are left alone for now."""
        return not self.is_due(self.resting.get(feed, self.now()), LONGEST_WISH)

    def is_due(self, at: datetime, within: timedelta) -> bool:
        """Whether it is time for what is to be done then, and was put off for no longer than that.

        What is further away was put off by a clock that has been set back since.
        """
        return not timedelta(0) < at - self.now() <= max(within, LONGEST_WISH)

    def every(self, feed: AnyFeed) -> timedelta:
        """How often the feed is read."""
        return self.channel.every[feed.name]

    def stale_after(self, feed: AnyFeed) -> timedelta:
        """When what a feed said is stale: by default after three intervals (rule S9)."""
        return self.table.stale_after or 3 * self.every(feed)


def spared(error: BudgetSpentError) -> timedelta:
    """When a budget is asked again that is spent now, however long it says that takes."""
    return SOON if error.retry_after is None else wished(error.retry_after)


async def fail(sync: Syncing, error: ChannelError) -> datetime:
    """Note that a call failed; when to try again."""
    sync.failures += 1
    pause: timedelta = min(LATEST, SOON * 2 ** min(sync.failures - 1, 10))
    if isinstance(error, RateLimitedError) and error.retry_after is not None:
        pause = max(pause, wished(error.retry_after))
    fault = fault_of(error, sync.now())
    await sync.turns.write(health.failed, sync.key, fault, sync.now() + pause)
    return sync.now() + pause
