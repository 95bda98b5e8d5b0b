"""How long a query is worked on: as long as its client stays, and no longer than it may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Receive

from gateway.execution.codes import Code
from gateway.execution.errors import DeadlineError
from gateway.http.requests import RequestError

NOTICED = 0.02
"""Seconds after which somebody looks whether the client is still there: most queries are over by then."""


class LeftError(RequestError):
    """The client is gone: nobody reads the answer, and nothing of ours has failed."""

    def __init__(self) -> None:
        super().__init__(Code.BAD_REQUEST, "The client has left.")


@asynccontextmanager
async def staying(receive: Receive, within: float | None = None) -> AsyncIterator[None]:
    """Work that is canceled when the client leaves, or after so many seconds. The request's body has been read.

    Raises:
        LeftError: she has left.
        DeadlineError: it took too long.
    """
    loop = asyncio.get_running_loop()
    watch = _Watch(receive)
    looking = loop.call_later(NOTICED, watch.begin)
    try:
        async with asyncio.timeout(within) as watch.limit:
            yield
    except TimeoutError as error:
        if watch.has_left:
            raise LeftError() from error
        if within is not None and watch.limit.expired():
            raise DeadlineError(within) from error
        raise
    finally:
        looking.cancel()
        watch.end()


class _Watch:
    """Waits for the server to say that the client has left."""

    def __init__(self, receive: Receive) -> None:
        self.limit = asyncio.timeout(None)
        self.has_left = False
        self._receive = receive
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self.limit.expired():
            self.has_left = True
            self.limit.reschedule(asyncio.get_running_loop().time())

    def end(self) -> None:
        if self._task is not None:
            self._task.cancel()
