"""Guarded calls: deadline, concurrency limit and circuit breaker. Only errors of the SDK's error family are raised."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NoReturn, TypeVar

from gateway.channels.call_context import Urgency, bind
from gateway.channels.circuit_breaker import CircuitBreaker
from gateway.channels.errors import CallTimeoutError, redact_secrets
from gateway.channels.plugin_thread import (
    PluginExitError,
    PluginThread,
    ThreadDeadlineError,
    ThreadRefusalError,
    ThreadState,
)
from gateway.channels.response_validation import PluginContractError
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

MAX_CONCURRENT_CALLS = 4
"""Calls of one channel at once, and as many again for calls that a customer waits for."""

UNREACHABLE_ERRORS = (UnavailableError, AuthError, RateLimitedError, OutcomeUnknownError)
"""Errors that mean the channel was not reached, or asks for a pause."""

_log = logging.getLogger(__name__)


class CallQueueTimeoutError(CallTimeoutError):
    """The call waited in the queue until its deadline, because others of the channel were running. It never began."""


class GuardedCaller:
    """Calls the plugin of one channel, on its thread."""

    def __init__(
        self, thread: PluginThread, breaker: CircuitBreaker, plugin: str, secrets: frozenset[str] = frozenset()
    ) -> None:
        self.thread, self.breaker = thread, breaker
        self._plugin, self._secrets = plugin, secrets
        self._background, self._live = asyncio.Semaphore(MAX_CONCURRENT_CALLS), asyncio.Semaphore(MAX_CONCURRENT_CALLS)

    async def call(
        self, work: Callable[[], Awaitable[T]], *, deadline: timedelta, urgency: Urgency = Urgency.DELTA
    ) -> T:
        """Run `work`, which calls the channel.

        Raises:
            ChannelError: the call failed. The plugin's own exceptions become `ContractError`.
        """
        probe = self.breaker.admit()
        semaphore = self._live if urgency is Urgency.SHOPPER else self._background
        try:
            result = await self._queue_call(bind(urgency, deadline, work), deadline, semaphore)
        except (ThreadRefusalError, CallQueueTimeoutError, BudgetSpentError):
            self.breaker.release(probe=probe)
            raise
        except UNREACHABLE_ERRORS as error:
            self.breaker.record_failure(error, probe=probe)
            raise
        except ChannelError:
            self.breaker.record_success()
            raise
        except BaseException:
            self.breaker.release(probe=probe)
            raise
        self.breaker.record_success()
        return result

    async def run_local(self, work: Callable[[], Awaitable[T]], *, deadline: timedelta) -> T:
        """Run `work`, which is plugin code that does not call the channel."""
        return await self._run_on_thread(work, deadline, deadline)

    async def _queue_call(
        self, work: Callable[[], Awaitable[T]], deadline: timedelta, semaphore: asyncio.Semaphore
    ) -> T:
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline.total_seconds()
        try:
            async with asyncio.timeout_at(end):
                await semaphore.acquire()
        except TimeoutError:
            raise CallQueueTimeoutError(
                f"{self.thread.name}: {MAX_CONCURRENT_CALLS} calls are running and none has ended"
            ) from None
        try:
            return await self._run_on_thread(work, timedelta(seconds=max(0.0, end - loop.time())), deadline)
        finally:
            semaphore.release()

    async def _run_on_thread(self, work: Callable[[], Awaitable[T]], remaining: timedelta, deadline: timedelta) -> T:
        try:
            return await self.thread.call(work, deadline=remaining)
        except ThreadDeadlineError:
            raise CallTimeoutError(
                f"{self.thread.name} did not respond within {deadline.total_seconds():g} s"
            ) from None
        except ChannelError as error:
            redact_secrets(error, self._secrets)
            raise
        except PluginContractError as error:
            raise ContractError(f"the plugin {self._plugin} violates its contract: {error}") from error
        except PluginExitError as error:
            if self.thread.get_state() is ThreadState.CLOSED:
                raise ThreadRefusalError(f"{self.thread.name} is closed") from error
            self._raise_foreign(error.__cause__ or error)
        except Exception as error:  # noqa: BLE001 any exception of a plugin is logged and converted
            self._raise_foreign(error)

    def _raise_foreign(self, error: BaseException) -> NoReturn:
        name = type(error).__name__
        _log.warning("%s: the plugin %s raised %s", self.thread.name, self._plugin, name, exc_info=error)
        raise ContractError(f"the plugin {self._plugin} raised {name}") from error
