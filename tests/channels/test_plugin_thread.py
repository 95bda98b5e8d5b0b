"""Plugin threads: whatever a plugin does on its thread, the caller gets a result or its deadline expires."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from gateway.channels.plugin_thread import (
    PluginExitError,
    PluginThread,
    ThreadDeadlineError,
    ThreadRefusalError,
    ThreadState,
)

pytestmark = pytest.mark.anyio

Block = Callable[[threading.Event], Awaitable[None]]

SOON = timedelta(milliseconds=100)
LONG = timedelta(seconds=20)


@asynccontextmanager
async def open_thread(stuck_after: timedelta = timedelta(seconds=2)) -> AsyncIterator[PluginThread]:
    plugin_thread = PluginThread("test", stuck_after)
    try:
        yield plugin_thread
    finally:
        await plugin_thread.close()


async def wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 the condition depends on another thread, which sets no event
            await asyncio.sleep(0.002)


async def get_thread_name() -> str:
    return threading.current_thread().name


async def wait_forever() -> None:
    await asyncio.Event().wait()


async def block_thread(until: threading.Event) -> None:
    until.wait()


async def spin_thread(until: threading.Event) -> None:
    while not until.is_set():
        pass


async def test_a_call_runs_on_the_plugin_thread() -> None:
    async with open_thread() as plugin_thread:
        assert await plugin_thread.call(get_thread_name, deadline=LONG) == "plugin-test"


async def test_many_calls_run_at_once() -> None:
    async with open_thread() as plugin_thread:
        both = asyncio.Barrier(2)

        async def wait_for_all() -> int:
            return await both.wait()

        assert sorted(await asyncio.gather(*(plugin_thread.call(wait_for_all, deadline=LONG) for _ in range(2)))) == [
            0,
            1,
        ]


async def test_a_call_that_hangs_ends_at_its_deadline_and_is_canceled_on_the_plugin_thread() -> None:
    cancelled = threading.Event()

    async def wait_and_record() -> None:
        try:
            await wait_forever()
        finally:
            cancelled.set()

    async with open_thread() as plugin_thread:
        begun = time.monotonic()
        with pytest.raises(ThreadDeadlineError):
            await plugin_thread.call(wait_and_record, deadline=SOON)
        assert 0.1 <= time.monotonic() - begun < 2
        await wait_until(cancelled.is_set)
        await wait_until(lambda: not plugin_thread.abandoned_calls)
        assert plugin_thread.abandoned_count == 1


@pytest.mark.parametrize("block", [block_thread, spin_thread])
async def test_a_blocked_plugin_thread_holds_no_caller_beyond_the_deadline(
    block: Block,
) -> None:
    release = threading.Event()
    async with open_thread() as plugin_thread:
        with pytest.raises(ThreadDeadlineError):
            await plugin_thread.call(block, release, deadline=SOON)
        release.set()
        assert await plugin_thread.call(get_thread_name, deadline=LONG) == "plugin-test"


@pytest.mark.parametrize(("block", "state"), [(block_thread, ThreadState.ASLEEP), (spin_thread, ThreadState.SPINNING)])
async def test_a_stuck_plugin_thread_refuses_at_once_reports_its_stack_and_recovers(
    block: Block, state: ThreadState
) -> None:
    release = threading.Event()
    async with open_thread(stuck_after=timedelta(milliseconds=200)) as plugin_thread:
        with pytest.raises(ThreadDeadlineError):
            await plugin_thread.call(block, release, deadline=SOON)
        await wait_until(lambda: plugin_thread.get_state() is state)
        begun = time.monotonic()
        with pytest.raises(ThreadRefusalError, match="test has blocked its thread"):
            await plugin_thread.call(get_thread_name, deadline=LONG)
        assert time.monotonic() - begun < 1
        release.set()
        await wait_until(lambda: plugin_thread.get_state() is ThreadState.RUNNING)
        assert await plugin_thread.call(get_thread_name, deadline=LONG) == "plugin-test"


async def test_a_call_that_was_given_up_before_it_began_never_begins() -> None:
    release, begun = threading.Event(), threading.Event()

    async def begin() -> None:
        begun.set()

    async with open_thread() as plugin_thread:
        blocked = asyncio.create_task(plugin_thread.call(block_thread, release, deadline=LONG))
        await asyncio.sleep(0)
        with pytest.raises(ThreadDeadlineError):
            await plugin_thread.call(begin, deadline=SOON)
        release.set()
        await blocked
        await plugin_thread.call(get_thread_name, deadline=LONG)
        assert not begun.is_set()


async def test_a_caller_that_is_canceled_cancels_its_call() -> None:
    begun, cancelled = threading.Event(), threading.Event()

    async def wait_and_record() -> None:
        begun.set()
        try:
            await wait_forever()
        finally:
            cancelled.set()

    async with open_thread() as plugin_thread:
        caller = asyncio.create_task(plugin_thread.call(wait_and_record, deadline=LONG))
        await wait_until(begun.is_set)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await wait_until(cancelled.is_set)


async def test_calls_that_do_not_end_when_canceled_are_counted_and_at_last_no_more_are_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.channels.plugin_thread.MAX_ABANDONED_CALLS", 1)
    release = asyncio.Event()

    async def ignore_cancellation() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async with open_thread() as plugin_thread:
        with pytest.raises(ThreadDeadlineError):
            await plugin_thread.call(ignore_cancellation, deadline=SOON)
        await wait_until(lambda: len(plugin_thread.abandoned_calls) == 1)
        with pytest.raises(ThreadRefusalError, match="have not ended"):
            await plugin_thread.call(get_thread_name, deadline=LONG)
        plugin_thread._loop.call_soon_threadsafe(release.set)
        await wait_until(lambda: not plugin_thread.abandoned_calls)


@pytest.mark.parametrize("escape", [SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
async def test_what_would_end_a_task_or_the_process_ends_neither(escape: type[BaseException]) -> None:
    async def leave() -> None:
        raise escape

    async with open_thread() as plugin_thread:
        with pytest.raises(PluginExitError, match=escape.__name__):
            await plugin_thread.call(leave, deadline=LONG)
        assert await plugin_thread.call(get_thread_name, deadline=LONG) == "plugin-test"


async def test_a_task_of_the_plugin_that_exits_does_not_end_the_plugin_thread() -> None:
    tasks: list[asyncio.Task[None]] = []

    async def leave() -> None:
        raise SystemExit

    async def begin() -> None:
        tasks.append(asyncio.create_task(leave()))

    async with open_thread() as plugin_thread:
        await plugin_thread.call(begin, deadline=LONG)
        assert await plugin_thread.call(get_thread_name, deadline=LONG) == "plugin-test"
        assert isinstance(tasks[0].exception(), SystemExit)


async def test_an_error_reaches_the_caller_as_it_is() -> None:
    async def fail() -> None:
        raise KeyError("price")

    async with open_thread() as plugin_thread:
        with pytest.raises(KeyError, match="price"):
            await plugin_thread.call(fail, deadline=LONG)


async def test_closing_cancels_what_runs_and_later_calls_are_refused() -> None:
    begun = threading.Event()

    async def start_and_wait() -> None:
        begun.set()
        await wait_forever()

    plugin_thread = PluginThread("test")
    caller = asyncio.create_task(plugin_thread.call(start_and_wait, deadline=LONG))
    await wait_until(begun.is_set)
    assert await plugin_thread.close()
    with pytest.raises(PluginExitError):
        await caller
    with pytest.raises(ThreadRefusalError, match="closed"):
        await plugin_thread.call(get_thread_name, deadline=LONG)


async def test_closing_a_stuck_plugin_thread_takes_a_bounded_time() -> None:
    release = threading.Event()
    plugin_thread = PluginThread("test")
    with pytest.raises(ThreadDeadlineError):
        await plugin_thread.call(block_thread, release, deadline=SOON)
    assert not await plugin_thread.close(within=SOON)
    release.set()
    assert await plugin_thread.close()
