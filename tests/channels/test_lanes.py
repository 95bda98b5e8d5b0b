"""Lanes: whatever a plugin does on its thread, the caller gets its answer or its deadline."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from gateway.channels.lanes import EscapeError, Lane, LaneDeadlineError, LaneRefusalError, LaneState

pytestmark = pytest.mark.anyio

Block = Callable[[threading.Event], Awaitable[None]]

SOON = timedelta(milliseconds=100)
LONG = timedelta(seconds=20)


@asynccontextmanager
async def open_lane(stuck_after: timedelta = timedelta(seconds=2)) -> AsyncIterator[Lane]:
    lane = Lane("test", stuck_after)
    try:
        yield lane
    finally:
        await lane.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 it holds on another thread, which sets no event
            await asyncio.sleep(0.002)


async def this_thread() -> str:
    return threading.current_thread().name


async def forever() -> None:
    await asyncio.Event().wait()


async def asleep(until: threading.Event) -> None:
    until.wait()


async def spinning(until: threading.Event) -> None:
    while not until.is_set():
        pass


async def test_a_call_runs_on_the_lanes_own_thread() -> None:
    async with open_lane() as lane:
        assert await lane.call(this_thread, deadline=LONG) == "lane-test"


async def test_many_calls_run_at_once() -> None:
    async with open_lane() as lane:
        both = asyncio.Barrier(2)

        async def meet() -> int:
            return await both.wait()

        assert sorted(await asyncio.gather(*(lane.call(meet, deadline=LONG) for _ in range(2)))) == [0, 1]


async def test_a_call_that_hangs_ends_at_its_deadline_and_is_cancelled_on_the_lane() -> None:
    cancelled = threading.Event()

    async def hang() -> None:
        try:
            await forever()
        finally:
            cancelled.set()

    async with open_lane() as lane:
        begun = time.monotonic()
        with pytest.raises(LaneDeadlineError):
            await lane.call(hang, deadline=SOON)
        assert 0.1 <= time.monotonic() - begun < 2
        await until(cancelled.is_set)
        await until(lambda: not lane.lingering)
        assert lane.abandoned == 1


@pytest.mark.parametrize("block", [asleep, spinning])
async def test_a_lane_that_is_blocked_holds_nobody_beyond_the_deadline(
    block: Block,
) -> None:
    release = threading.Event()
    async with open_lane() as lane:
        with pytest.raises(LaneDeadlineError):
            await lane.call(block, release, deadline=SOON)
        release.set()
        assert await lane.call(this_thread, deadline=LONG) == "lane-test"


@pytest.mark.parametrize(("block", "state"), [(asleep, LaneState.ASLEEP), (spinning, LaneState.SPINNING)])
async def test_a_stuck_lane_refuses_at_once_says_how_it_is_stuck_and_comes_back(block: Block, state: LaneState) -> None:
    release = threading.Event()
    async with open_lane(stuck_after=timedelta(milliseconds=200)) as lane:
        with pytest.raises(LaneDeadlineError):
            await lane.call(block, release, deadline=SOON)
        await until(lambda: lane.state() is not LaneState.RUNNING)
        assert lane.state() is state
        begun = time.monotonic()
        with pytest.raises(LaneRefusalError, match="test has blocked its thread"):
            await lane.call(this_thread, deadline=LONG)
        assert time.monotonic() - begun < 1
        release.set()
        await until(lambda: lane.state() is LaneState.RUNNING)
        assert await lane.call(this_thread, deadline=LONG) == "lane-test"


async def test_a_call_that_was_given_up_before_it_began_never_begins() -> None:
    release, begun = threading.Event(), threading.Event()

    async def begin() -> None:
        begun.set()

    async with open_lane() as lane:
        blocked = asyncio.create_task(lane.call(asleep, release, deadline=LONG))
        await asyncio.sleep(0)
        with pytest.raises(LaneDeadlineError):
            await lane.call(begin, deadline=SOON)
        release.set()
        await blocked
        await lane.call(this_thread, deadline=LONG)
        assert not begun.is_set()


async def test_a_caller_that_is_cancelled_cancels_its_call() -> None:
    begun, cancelled = threading.Event(), threading.Event()

    async def hang() -> None:
        begun.set()
        try:
            await forever()
        finally:
            cancelled.set()

    async with open_lane() as lane:
        caller = asyncio.create_task(lane.call(hang, deadline=LONG))
        await until(begun.is_set)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await until(cancelled.is_set)


async def test_calls_that_do_not_end_when_cancelled_are_counted_and_at_last_no_more_are_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.channels.lanes.MOST_LINGERING", 1)
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async with open_lane() as lane:
        with pytest.raises(LaneDeadlineError):
            await lane.call(stubborn, deadline=SOON)
        await until(lambda: len(lane.lingering) == 1)
        with pytest.raises(LaneRefusalError, match="do not end"):
            await lane.call(this_thread, deadline=LONG)
        lane._loop.call_soon_threadsafe(release.set)
        await until(lambda: not lane.lingering)


@pytest.mark.parametrize("escape", [SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
async def test_what_would_end_a_task_or_the_process_ends_neither(escape: type[BaseException]) -> None:
    async def leave() -> None:
        raise escape

    async with open_lane() as lane:
        with pytest.raises(EscapeError, match=escape.__name__):
            await lane.call(leave, deadline=LONG)
        assert await lane.call(this_thread, deadline=LONG) == "lane-test"


async def test_a_task_of_the_plugin_that_exits_does_not_end_the_lane() -> None:
    tasks: list[asyncio.Task[None]] = []

    async def leave() -> None:
        raise SystemExit

    async def begin() -> None:
        tasks.append(asyncio.create_task(leave()))

    async with open_lane() as lane:
        await lane.call(begin, deadline=LONG)
        assert await lane.call(this_thread, deadline=LONG) == "lane-test"
        assert isinstance(tasks[0].exception(), SystemExit)


async def test_an_error_reaches_the_caller_as_it_is() -> None:
    async def fail() -> None:
        raise KeyError("price")

    async with open_lane() as lane:
        with pytest.raises(KeyError, match="price"):
            await lane.call(fail, deadline=LONG)


async def test_closing_cancels_what_runs_and_later_calls_are_refused() -> None:
    begun = threading.Event()

    async def hang() -> None:
        begun.set()
        await forever()

    lane = Lane("test")
    caller = asyncio.create_task(lane.call(hang, deadline=LONG))
    await until(begun.is_set)
    assert await lane.close()
    with pytest.raises(EscapeError):
        await caller
    with pytest.raises(LaneRefusalError, match="closed"):
        await lane.call(this_thread, deadline=LONG)


async def test_closing_a_stuck_lane_takes_a_bounded_time() -> None:
    release = threading.Event()
    lane = Lane("test")
    with pytest.raises(LaneDeadlineError):
        await lane.call(asleep, release, deadline=SOON)
    assert not await lane.close(within=SOON)
    release.set()
    assert await lane.close()
