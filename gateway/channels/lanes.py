"""Lanes: each open channel has a thread and an event loop of its own, so that a plugin that hangs slows nobody else."""

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
MOST_LINGERING = 64
SPINNING_SHARE = 0.1  # of the time since the last sign of life; other threads take their part of the rest
CLOSING = timedelta(seconds=2)

_log = logging.getLogger(__name__)


class LaneState(Enum):
    """What a lane's thread is doing. ASLEEP: blocked in a call that is not awaited. SPINNING: computing."""

    RUNNING = "RUNNING"
    ASLEEP = "ASLEEP"
    SPINNING = "SPINNING"
    CLOSED = "CLOSED"


class LaneDeadlineError(TimeoutError):
    """The lane did not answer in time. What was begun is cancelled as soon as the lane can be reached."""


class LaneRefusalError(UnavailableError):
    """The lane takes no calls: it is closed, stuck, or full of calls that do not end. Nothing was begun."""


class EscapeError(Exception):
    """A call raised what would end a task, a loop or the process. The cause tells what."""


class Lane:
    """A daemon thread with an event loop. `call` may be used from any other loop."""

    def __init__(self, name: str, stuck_after: timedelta = STUCK_AFTER) -> None:
        self.name = name
        self.abandoned = 0
        self.lingering: set[Call[Any]] = set()
        self._stuck_after = stuck_after.total_seconds()
        self._loop = asyncio.new_event_loop()
        self._closing = False
        self._beat_at, self._beat_cpu = time.monotonic(), 0.0
        self._thread = threading.Thread(target=self._run, name=f"lane-{name}", daemon=True)
        self._thread.start()

    async def call(self, work: Callable[..., Awaitable[T]], *args: Any, deadline: timedelta) -> T:
        """What `work(*args)` gives, carried out on the lane.

        Raises:
            LaneDeadlineError: there was no answer in time.
            LaneRefusalError: nothing was begun.
            EscapeError: the work raised something like SystemExit.
        """
        self._check()
        call = Call(self._loop, work, args)
        self._loop.call_soon_threadsafe(self._begin, call)
        timer = call.caller.call_later(deadline.total_seconds(), call.expire)
        try:
            return await call.answer
        finally:
            timer.cancel()
            if not call.answered:
                self._give_up(call)

    def state(self) -> LaneState:
        """What the thread is doing now, going by its last sign of life."""
        if self._closing or not self._thread.is_alive():
            return LaneState.CLOSED
        silent = time.monotonic() - self._beat_at
        if silent <= self._stuck_after:
            return LaneState.RUNNING
        spent = _cpu_time(self._thread) - self._beat_cpu
        return LaneState.SPINNING if spent > SPINNING_SHARE * silent else LaneState.ASLEEP

    async def close(self, within: timedelta = CLOSING) -> bool:
        """End the thread. False: it is stuck and was left behind; it ends when it comes back, or with the process."""
        if not self._closing:
            self._closing = True
            self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join, within.total_seconds())
        if self._thread.is_alive():
            _log.warning("the lane of %s is stuck and was left behind", self.name)
        return not self._thread.is_alive()

    def _check(self) -> None:
        state = self.state()
        if state is LaneState.CLOSED:
            raise LaneRefusalError(f"{self.name} is closed")
        if state is not LaneState.RUNNING:
            silent = time.monotonic() - self._beat_at
            how = "it sleeps there" if state is LaneState.ASLEEP else "it computes without a pause"
            raise LaneRefusalError(f"the plugin of {self.name} has blocked its thread for {silent:.0f} s: {how}")
        if len(self.lingering) >= MOST_LINGERING:
            raise LaneRefusalError(f"{len(self.lingering)} calls of {self.name} were given up and do not end")

    def _begin(self, call: Call[Any]) -> None:
        if self._closing:
            call.refuse(LaneRefusalError(f"{self.name} is closed"))
        else:
            call.begin()

    def _give_up(self, call: Call[Any]) -> None:
        call.given_up = True
        self.abandoned += 1
        with suppress(RuntimeError):  # the lane was closed meanwhile, and with it the call
            self._loop.call_soon_threadsafe(call.cancel, self.lingering)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._beat()
        while not self._closing:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt) as error:  # out of a task that the plugin began by itself
                _log.error("the plugin of %s raised %s", self.name, type(error).__name__)
        self._wind_up()

    def _beat(self) -> None:
        """A sign of life, several in the time after which a lane counts as stuck."""
        self._beat_cpu, self._beat_at = time.thread_time(), time.monotonic()
        self._loop.call_later(self._stuck_after / 4, self._beat)

    def _wind_up(self) -> None:
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        try:
            if tasks:
                self._loop.run_until_complete(asyncio.wait(tasks, timeout=CLOSING.total_seconds() / 2))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        except (SystemExit, KeyboardInterrupt) as error:
            _log.error("the plugin of %s raised %s", self.name, type(error).__name__)
        finally:
            self._loop.close()


class Call(Generic[T]):
    """One call: asked on the caller's loop, carried out on the lane's."""

    def __init__(self, lane: asyncio.AbstractEventLoop, work: Callable[..., Awaitable[T]], args: Sequence[Any]) -> None:
        self.caller = asyncio.get_running_loop()
        self.answer: asyncio.Future[T] = self.caller.create_future()
        self.answered = False
        self.given_up = False
        self._lane, self._work, self._args = lane, work, args
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """On the lane."""
        self._task = self._lane.create_task(self._carry_out())

    def refuse(self, error: LaneRefusalError) -> None:
        """On the lane."""
        self._reply(self._fail, error)

    def cancel(self, lingering: set[Call[Any]]) -> None:
        """On the lane. What does not end at once is kept among the lingering."""
        if self._task is not None and not self._task.done():
            lingering.add(self)
            self._task.add_done_callback(lambda _: lingering.discard(self))
            self._task.cancel()

    def expire(self) -> None:
        """On the caller's loop."""
        if not self.answer.done():
            self.answer.set_exception(LaneDeadlineError())

    async def _carry_out(self) -> None:
        if self.given_up:  # the lane was blocked until now
            return
        try:
            result = await self._work(*self._args)
        except BaseException as error:  # noqa: BLE001 the plugin's; SystemExit would end the loop
            self._reply(self._fail, _raisable(error))
        else:
            self._reply(self._succeed, result)

    def _reply(self, settle: Callable[[Any], None], value: object) -> None:
        with suppress(RuntimeError):  # the caller's loop is closed: nobody waits any more
            self.caller.call_soon_threadsafe(settle, value)

    def _succeed(self, result: T) -> None:
        self.answered = True
        if not self.answer.done():
            self.answer.set_result(result)

    def _fail(self, error: Exception) -> None:
        self.answered = True
        if not self.answer.done():
            self.answer.set_exception(error)


def _raisable(error: BaseException) -> Exception:
    """The error, as a future can hold it and the caller survive it."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    escape = EscapeError(type(error).__name__)
    escape.__cause__ = error
    return escape


def _cpu_time(thread: threading.Thread) -> float:
    """CPU seconds of a living thread; 0 where the system cannot tell."""
    clock = getattr(time, "pthread_getcpuclockid", None)
    return time.clock_gettime(clock(thread.ident)) if clock and thread.ident else 0.0
