"""One guarded call: deadline, concurrency, circuit breaker; and nothing but the error family comes out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NoReturn, TypeVar

from gateway.channels.answers import BrokenPromiseError
from gateway.channels.breaker import Breaker
from gateway.channels.errands import Urgency, on
from gateway.channels.faults import TimedOutError, without_secrets
from gateway.channels.lanes import EscapeError, Lane, LaneDeadlineError, LaneRefusalError, LaneState
from gateway.sdk.errors import (
    AuthError,
    BudgetSpentError,
    ChannelError,
    ContractError,
    OutcomeUnknownError,
    RateLimitedError,
    UnavailableError,
)

T = TypeVar("T")

AT_ONCE = 4
"""Calls of one channel at a time, and as many again of those that a shopper waits for."""

UNREACHED = (UnavailableError, AuthError, RateLimitedError, OutcomeUnknownError)
"""Errors that say the channel was not reached, or wants to be left alone."""

_log = logging.getLogger(__name__)


class CrowdedError(TimedOutError):
    """The call's turn did not come within its deadline: others of the channel were running. It never began."""


class Guard:
    """Makes the calls of one channel, on its lane."""

    def __init__(self, lane: Lane, breaker: Breaker, plugin: str, secrets: frozenset[str] = frozenset()) -> None:
        self.lane, self.breaker = lane, breaker
        self._plugin, self._secrets = plugin, secrets
        self._background, self._live = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)

    async def call(
        self, work: Callable[[], Awaitable[T]], *, deadline: timedelta, urgency: Urgency = Urgency.DELTA
    ) -> T:
        """What `work` gives: a call that goes to the channel."""
        probe = self.breaker.admit()
        turns = self._live if urgency is Urgency.SHOPPER else self._background
        try:
            result = await self._in_turn(on(urgency, deadline, work), deadline, turns)
        except (LaneRefusalError, CrowdedError, BudgetSpentError):
            self.breaker.forget(probe=probe)
            raise
        except UNREACHED as error:
            self.breaker.failed(error, probe=probe)
            raise
        except ChannelError:
            self.breaker.reached()
            raise
        except BaseException:
            self.breaker.forget(probe=probe)
            raise
        self.breaker.reached()
        return result

    async def local(self, work: Callable[[], Awaitable[T]], *, deadline: timedelta) -> T:
        """What `work` gives: plugin code that asks the channel nothing."""
        return await self._carried_out(work, deadline, deadline)

    async def _in_turn(self, work: Callable[[], Awaitable[T]], deadline: timedelta, turns: asyncio.Semaphore) -> T:
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline.total_seconds()
        try:
            async with asyncio.timeout_at(end):
                await turns.acquire()
        except TimeoutError:
            raise CrowdedError(f"{self.lane.name}: {AT_ONCE} calls are running and none has ended") from None
        try:
            return await self._carried_out(work, timedelta(seconds=max(0.0, end - loop.time())), deadline)
        finally:
            turns.release()

    async def _carried_out(self, work: Callable[[], Awaitable[T]], within: timedelta, deadline: timedelta) -> T:
        try:
            return await self.lane.call(work, deadline=within)
        except LaneDeadlineError:
            raise TimedOutError(f"{self.lane.name} did not answer within {deadline.total_seconds():g} s") from None
        except ChannelError as error:
            without_secrets(error, self._secrets)
            raise
        except BrokenPromiseError as error:
            raise ContractError(f"the plugin {self._plugin} breaks its contract: {error}") from error
        except EscapeError as error:
            if self.lane.state() is LaneState.CLOSED:
                raise LaneRefusalError(f"{self.lane.name} is closed") from error
            self._foreign(error.__cause__ or error)
        except Exception as error:  # noqa: BLE001 whatever a plugin raises is named, logged, and goes no further
            self._foreign(error)

    def _foreign(self, error: BaseException) -> NoReturn:
        name = type(error).__name__
        _log.warning("%s: the plugin %s raised %s", self.lane.name, self._plugin, name, exc_info=error)
        raise ContractError(f"the plugin {self._plugin} raised {name}") from error
