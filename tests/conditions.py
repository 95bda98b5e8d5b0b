"""Waiting for a condition that has no event."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def wait_for(is_true: Callable[[], Awaitable[bool]], within: float = 10) -> None:
    """Wait until the condition is true; fail after so many seconds."""
    async with asyncio.timeout(within):
        while not await is_true():  # noqa: ASYNC110 the condition has no event
            await asyncio.sleep(0.01)
