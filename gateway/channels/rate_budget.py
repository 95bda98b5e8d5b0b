"""Rate budgets (leaky buckets): a request waits until its budget suffices, with a reserve for more urgent ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from gateway.channels import call_context
from gateway.channels.call_context import Urgency
from gateway.sdk.errors import BudgetSpentError, ContractError
from gateway.sdk.http import Budget
from gateway.storage.database import Database
from gateway.storage.errors import StorageUnavailableError
from gateway.storage.sync import rate_buckets

T = TypeVar("T")

RETRY_DELAY = timedelta(seconds=1)
"""Delay before a call that could not be budgeted is tried again."""

RESERVED_SHARES = {Urgency.SHOPPER: 0.0, Urgency.OUTBOX: 0.05, Urgency.DELTA: 0.1, Urgency.SWEEP: 0.2}
"""Share of a bucket that is reserved for more urgent requests, by urgency."""

NETWORK_JITTER = 0.1
"""Seconds by which a request may overtake an earlier one on the network. A request that waits does so a little longer,
because the channel's bucket refills from the time when the channel received the last request, not from when the gateway
sent it."""


class BucketStore(Protocol):
    """Storage of buckets, shared by all processes.

    `correct` takes what the channel reports of a bucket: `left`, `per_second` and `capacity`, each of them or None.
    """

    async def acquire(self, channel: str, name: str, budget: Budget, cost: float, reserve: float) -> float: ...

    async def correct(self, channel: str, name: str, budget: Budget, **values: float | None) -> None: ...


class UnlimitedBucketStore:
    """Bucket store for tools that open channels and send no requests."""

    async def acquire(self, channel: str, name: str, budget: Budget, cost: float, reserve: float) -> float:
        """Acquire without limit."""
        return 0.0

    async def correct(self, channel: str, name: str, budget: Budget, **values: float | None) -> None:
        """Ignore the correction."""


class DatabaseBucketStore:
    """Buckets in the database, for plugins on their own threads."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock
        self._loop = asyncio.get_running_loop()

    async def acquire(self, channel: str, name: str, budget: Budget, cost: float, reserve: float) -> float:
        """Acquire a cost from a bucket. Returns the seconds until it suffices, or 0 if the cost is acquired."""
        return await self._run_on_loop(
            self._database.write(rate_buckets.acquire_budget, channel, name, budget, cost, reserve, self._clock())
        )

    async def correct(self, channel: str, name: str, budget: Budget, **values: float | None) -> None:
        """Store what the channel reports about its bucket."""
        await self._run_on_loop(
            self._database.write(rate_buckets.correct_bucket, channel, name, budget, self._clock(), **values)
        )

    async def _run_on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
        except StorageUnavailableError as error:  # no fault of the channel or its plugin
            raise BudgetSpentError("rate budgets cannot be read", RETRY_DELAY) from error


class RateBudget:
    """The rate budgets of one channel."""

    def __init__(self, channel: str, budgets: Mapping[str, Budget], buckets: BucketStore) -> None:
        self._channel, self._declared, self._buckets = channel, budgets, buckets

    async def spend(self, name: str, cost: float = 1) -> None:
        """Wait until the budget suffices, and spend from it.

        Raises:
            BudgetSpentError: the budget does not suffice before the call's deadline.
        """
        context, budget = call_context.get_current(), self._get_budget(name)
        while wait := await self._buckets.acquire(self._channel, name, budget, cost, RESERVED_SHARES[context.urgency]):
            if wait > context.remaining:
                message = f"the budget {name} of channel {self._channel} is exhausted"
                raise BudgetSpentError(message, timedelta(seconds=wait))
            await asyncio.sleep(wait + NETWORK_JITTER)

    async def correct(
        self,
        name: str,
        *,
        left: float | None = None,
        per_second: float | None = None,
        capacity: float | None = None,
    ) -> None:
        """Correct a bucket by what the channel reports."""
        values = {"left": left, "per_second": per_second, "capacity": capacity}
        await self._buckets.correct(self._channel, name, self._get_budget(name), **values)

    def _get_budget(self, name: str) -> Budget:
        if name not in self._declared:
            raise ContractError(f"the plugin declares no budget {name}; it has {', '.join(self._declared) or 'none'}")
        return self._declared[name]
