"""Plugin threads: each open channel has its own thread and event loop, so that a plugin that hangs blocks no other
channel.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from enum import Enum
from typing import Any, Generic, TypeVar

from gateway.sdk.errors import UnavailableError

T = TypeVar("T")

STUCK_AFTER = timedelta(seconds=2)
MAX_ABANDONED_CALLS = 64
SPINNING_SHARE = 0.1  # of the time since the last heartbeat; other threads use a part of the rest
CLOSE_TIMEOUT = timedelta(seconds=2)

_log = logging.getLogger(__name__)


class ThreadState(Enum):
    """State of a plugin thread. ASLEEP: blocked in a call without await. SPINNING: computing."""

    RUNNING = "RUNNING"
    ASLEEP = "ASLEEP"
    SPINNING = "SPINNING"
    CLOSED = "CLOSED"


class ThreadDeadlineError(TimeoutError):
    """The call exceeded its deadline. It is canceled as soon as the thread responds."""


class ThreadRefusalError(UnavailableError):
    """The thread accepts no calls: it is closed, stuck, or has too many abandoned calls. Nothing was begun."""


class PluginExitError(Exception):
    """A call raised an exception that would end a task, an event loop or the process. It is the cause of this error."""


class PluginThread:
    """A daemon thread with an event loop. `call` may be used from any other event loop."""

    def __init__(self, name: str, stuck_after: timedelta = STUCK_AFTER) -> None:
        self.name = name
        self.abandoned_count = 0
        self.abandoned_calls: set[PluginCall[Any]] = set()
        self._stuck_after = stuck_after.total_seconds()
        self._loop = asyncio.new_event_loop()
        self._closing = False
        self._heartbeat_at, self._heartbeat_cpu = time.monotonic(), 0.0
        self._thread = threading.Thread(target=self._run, name=f"plugin-{name}", daemon=True)
        self._thread.start()

    async def call(self, work: Callable[..., Awaitable[T]], *args: Any, deadline: timedelta) -> T:
        """Run `work(*args)` on the thread and return its result.

        Raises:
            ThreadDeadlineError: the deadline has passed.
            ThreadRefusalError: nothing was begun.
            PluginExitError: the work raised an exception such as SystemExit.
        """
        self._check_state()
        call = PluginCall(self._loop, work, args)
        self._loop.call_soon_threadsafe(self._begin, call)
        timer = call.caller.call_later(deadline.total_seconds(), call.expire)
        try:
            return await call.result
        finally:
            timer.cancel()
            if not call.is_answered:
                self._abandon(call)

    def get_state(self) -> ThreadState:
        """Return the state of the thread, from its last heartbeat."""
        if self._closing or not self._thread.is_alive():
            return ThreadState.CLOSED
        silence = time.monotonic() - self._heartbeat_at
        if silence <= self._stuck_after:
            return ThreadState.RUNNING
        cpu_time = _get_cpu_time(self._thread) - self._heartbeat_cpu
        return ThreadState.SPINNING if cpu_time > SPINNING_SHARE * silence else ThreadState.ASLEEP

    async def close(self, within: timedelta = CLOSE_TIMEOUT) -> bool:
        """End the thread. Returns False if it is stuck: then it is abandoned, and ends when it responds, or with the
        process.
        """
        if not self._closing:
            self._closing = True
            self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join, within.total_seconds())
        if self._thread.is_alive():
            _log.warning("the plugin thread of %s is stuck and was abandoned", self.name)
        return not self._thread.is_alive()

    def _check_state(self) -> None:
        state = self.get_state()
        if state is ThreadState.CLOSED:
            raise ThreadRefusalError(f"{self.name} is closed")
        if state is not ThreadState.RUNNING:
            silence = time.monotonic() - self._heartbeat_at
            state_text = "it sleeps" if state is ThreadState.ASLEEP else "it computes without a pause"
            raise ThreadRefusalError(
                f"the plugin of {self.name} has blocked its thread for {silence:.0f} s: {state_text}"
            )
        if len(self.abandoned_calls) >= MAX_ABANDONED_CALLS:
            raise ThreadRefusalError(f"{len(self.abandoned_calls)} abandoned calls of {self.name} have not ended")

    def _begin(self, call: PluginCall[Any]) -> None:
        if self._closing:
            call.refuse(ThreadRefusalError(f"{self.name} is closed"))
        else:
            call.begin()

    def _abandon(self, call: PluginCall[Any]) -> None:
        call.is_abandoned = True
        self.abandoned_count += 1
        with suppress(RuntimeError):  # the thread was closed meanwhile, and the call with it
            self._loop.call_soon_threadsafe(call.cancel, self.abandoned_calls)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._record_heartbeat()
        while not self._closing:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt) as error:  # from a task that the plugin started
                _log.error("the plugin of %s raised %s", self.name, type(error).__name__)
        self._shut_down()

    def _record_heartbeat(self) -> None:
        """Record a heartbeat, several times within the time after which a thread counts as stuck."""
        self._heartbeat_cpu, self._heartbeat_at = time.thread_time(), time.monotonic()
        self._loop.call_later(self._stuck_after / 4, self._record_heartbeat)

    def _shut_down(self) -> None:
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        try:
            if tasks:
                self._loop.run_until_complete(asyncio.wait(tasks, timeout=CLOSE_TIMEOUT.total_seconds() / 2))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        except (SystemExit, KeyboardInterrupt) as error:
            _log.error("the plugin of %s raised %s", self.name, type(error).__name__)
        finally:
            self._loop.close()


class PluginCall(Generic[T]):
    """A call: requested on the caller's event loop, executed on the thread's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Callable[..., Awaitable[T]], args: Sequence[Any]) -> None:
        self.caller = asyncio.get_running_loop()
        self.result: asyncio.Future[T] = self.caller.create_future()
        self.is_answered = False
        self.is_abandoned = False
        self._loop, self._work, self._args = loop, work, args
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin the work. Runs on the plugin thread."""
        self._task = self._loop.create_task(self._execute())

    def refuse(self, error: ThreadRefusalError) -> None:
        """Refuse the call. Runs on the plugin thread."""
        self._reply(self._fail, error)

    def cancel(self, abandoned_calls: set[PluginCall[Any]]) -> None:
        """Cancel the work. Runs on the plugin thread. Work that does not end at once is an abandoned call."""
        if self._task is not None and not self._task.done():
            abandoned_calls.add(self)
            self._task.add_done_callback(lambda _: abandoned_calls.discard(self))
            self._task.cancel()

    def expire(self) -> None:
        """Expire the call. Runs on the caller's event loop."""
        if not self.result.done():
            self.result.set_exception(ThreadDeadlineError())

    async def _execute(self) -> None:
        if self.is_abandoned:  # the thread was blocked until now
            return
        try:
            result = await self._work(*self._args)
        except BaseException as error:  # noqa: BLE001 the plugin's own; SystemExit would end the loop
            self._reply(self._fail, _make_raisable(error))
        else:
            self._reply(self._succeed, result)

    def _reply(self, settle: Callable[[Any], None], value: object) -> None:
        with suppress(RuntimeError):  # the caller's event loop is closed
            self.caller.call_soon_threadsafe(settle, value)

    def _succeed(self, result: T) -> None:
        self.is_answered = True
        if not self.result.done():
            self.result.set_result(result)

    def _fail(self, error: Exception) -> None:
        self.is_answered = True
        if not self.result.done():
            self.result.set_exception(error)


def _make_raisable(error: BaseException) -> Exception:
    """Return the error, or a substitute for one that a future cannot hold or that would end the caller."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    escape = PluginExitError(type(error).__name__)
    escape.__cause__ = error
    return escape


def _get_cpu_time(thread: threading.Thread) -> float:
    """Return the CPU seconds of a living thread, or 0 where the system does not support it."""
    clock = getattr(time, "pthread_getcpuclockid", None)
    return time.clock_gettime(clock(thread.ident)) if clock and thread.ident else 0.0
