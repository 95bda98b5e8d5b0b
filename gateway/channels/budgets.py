"""Paying: a request waits until its budget can afford it, and leaves a share to those that are more urgent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from gateway.channels import errands
from gateway.channels.errands import Urgency
from gateway.sdk.errors import BudgetSpentError, ContractError
from gateway.sdk.requests import Budget
from gateway.storage import budgets
from gateway.storage.database import Database

T = TypeVar("T")

RESERVES = {Urgency.SHOPPER: 0.0, Urgency.OUTBOX: 0.05, Urgency.DELTA: 0.1, Urgency.SWEEP: 0.2}
"""The share of a bucket that each leaves to the more urgent ones."""


TRAVEL = 0.1
"""Seconds by which one request may be faster on its way than another before it. Who waits does so a little longer, and
from then on is ahead by that: the channel's bucket fills from when it was asked, not from when we paid."""


class Ledger(Protocol):
    """Where the buckets are kept: the same for all processes."""

    async def pay(self, channel: str, name: str, declared: Budget, cost: float, reserve: float) -> float: ...

    async def correct(
        self,
        channel: str,
        name: str,
        declared: Budget,
        *,
        left: float | None,
        per_second: float | None,
        capacity: float | None,
    ) -> None: ...


class FreeLedger:
    """For looking at channels that are asked nothing."""

    async def pay(self, channel: str, name: str, declared: Budget, cost: float, reserve: float) -> float:
        """Nothing is paid."""
        return 0.0

    async def correct(self, channel: str, name: str, declared: Budget, **told: float | None) -> None:
        """Nothing is kept."""


class SharedLedger:
    """The buckets in the database, for plugins on threads of their own."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock
        self._loop = asyncio.get_running_loop()

    async def pay(self, channel: str, name: str, declared: Budget, cost: float, reserve: float) -> float:
        """How many seconds it takes until it can be paid; 0: it is."""
        return await self._there(
            self._database.write(budgets.pay, channel, name, declared, cost, reserve, self._clock())
        )

    async def correct(
        self,
        channel: str,
        name: str,
        declared: Budget,
        *,
        left: float | None,
        per_second: float | None,
        capacity: float | None,
    ) -> None:
        """What the channel has told."""
        told = {"left": left, "per_second": per_second, "capacity": capacity}
        await self._there(self._database.write(budgets.correct, channel, name, declared, self._clock(), **told))

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


class Purse:
    """The budgets of one channel."""

    def __init__(self, channel: str, declared: Mapping[str, Budget], ledger: Ledger) -> None:
        self._channel, self._declared, self._ledger = channel, declared, ledger

    async def spend(self, name: str, cost: float = 1) -> None:
        """Pay, as soon as that can be done.

        Raises:
            BudgetSpentError: not within the call's time.
        """
        errand, declared = errands.current(), self._budget(name)
        while wait := await self._ledger.pay(self._channel, name, declared, cost, RESERVES[errand.urgency]):
            if wait > errand.left:
                message = f"the budget {name} of channel {self._channel} is spent; it can pay again in {wait:.1f} s"
                raise BudgetSpentError(message, timedelta(seconds=wait))
            await asyncio.sleep(wait + TRAVEL)

    async def correct(
        self,
        name: str,
        *,
        left: float | None = None,
        per_second: float | None = None,
        capacity: float | None = None,
    ) -> None:
        """Say what the channel has told of a bucket."""
        told = {"left": left, "per_second": per_second, "capacity": capacity}
        await self._ledger.correct(self._channel, name, self._budget(name), **told)

    def _budget(self, name: str) -> Budget:
        if name not in self._declared:
            raise ContractError(f"the plugin declares no budget {name}; it has {', '.join(self._declared) or 'none'}")
        return self._declared[name]
