"""Cancels work when its client disconnects, or at its deadline; a mutation only until it begins to write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Receive

from gateway.execution.errors import DeadlineError, QueryError
from gateway.execution.write_permit import WritePermit
from gateway.http.errors import ClientDisconnectedError

WATCH_DELAY = 0.02
"""Seconds after which the gateway begins to watch the connection. Most queries end earlier."""


@asynccontextmanager
async def cancel_on_disconnect(receive: Receive, deadline: float | None = None) -> AsyncIterator[None]:
    """Cancel the body of the `with` statement when the client disconnects. The request body must have been read.

    Args:
        deadline: seconds after which the body is canceled too.

    Raises:
        ClientDisconnectedError: the client has disconnected.
        DeadlineError: the deadline has passed.
    """
    error = None if deadline is None else DeadlineError(deadline)
    async with _cancel_when_over(receive, deadline, error, WritePermit()):
        yield


@asynccontextmanager
async def cancel_before_write(receive: Receive, deadline: float, permit: WritePermit) -> AsyncIterator[None]:
    """Cancel a mutation in the `with` statement as `cancel_on_disconnect` does, until it begins to write.

    After that nothing more begins to write, and what has begun runs to its end.
    """
    async with _cancel_when_over(receive, deadline, DeadlineError(deadline, is_mutation=True), permit):
        yield


@asynccontextmanager
async def _cancel_when_over(
    receive: Receive, deadline: float | None, error: QueryError | None, permit: WritePermit
) -> AsyncIterator[None]:
    timeout = asyncio.timeout(None)
    ending = _Ending(timeout, permit)
    watch = _DisconnectWatch(receive, ending)
    loop = asyncio.get_running_loop()
    timers = [loop.call_later(WATCH_DELAY, watch.begin)]
    if deadline is not None and error is not None:
        timers.append(loop.call_later(deadline, ending.abandon, error))
    try:
        async with timeout:
            yield
    except TimeoutError as cause:
        if ending.error is not None and timeout.expired():
            raise ending.error from cause
        raise
    finally:
        for timer in timers:
            timer.cancel()
        watch.end()


class _Ending:
    """Gives an operation up. `error`: why it was; None: it was not."""

    def __init__(self, timeout: asyncio.Timeout, permit: WritePermit) -> None:
        self.error: QueryError | None = None
        self._timeout = timeout
        self._permit = permit

    def abandon(self, error: QueryError) -> None:
        if self.error is None and self._permit.close(error):
            self.error = error
            self._timeout.reschedule(asyncio.get_running_loop().time())


class _DisconnectWatch:
    """Waits until the server reports that the client has disconnected, and then gives the operation up."""

    def __init__(self, receive: Receive, ending: _Ending) -> None:
        self._receive = receive
        self._ending = ending
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._ending.abandon(ClientDisconnectedError())

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
