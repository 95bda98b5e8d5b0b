from __future__ import annotations

import asyncio

import pytest

from gateway.runtime.wake_up import WakeUp

pytestmark = pytest.mark.anyio


async def test_a_loop_that_is_canceled_as_it_wakes_up_ends() -> None:
    """With `asyncio.wait_for` the cancellation was lost, and the process did not stop."""
    wakeup = WakeUp(0)
    waiting = asyncio.ensure_future(wakeup.wait(60))
    await asyncio.sleep(0)
    wakeup.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_loop_runs_at_the_latest_after_its_interval() -> None:
    await WakeUp(0).wait(0.001)
