"""Faults for the in-memory channel: what a call does instead of answering, or to its answer.

A fault is a function of what was asked and of a function that answers it truly. Your own are as good as these::

    async def half(ask: Ask, answer: Answer) -> Any:
        page = await answer()
        return Page(page.items[: len(page.items) // 2], page.next, page.mark)

    with store.under(half, method="page"):
        ...
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from gateway.sdk import Command, Page, Raw, Ref


@dataclass(frozen=True, slots=True)
class Ask:
    """A call as it came in. `method`: ``page`` or ``fetch``; ``send`` or ``find`` of a kind of command."""

    feed: str
    method: str
    mark: str | None = None
    token: str | None = None
    refs: tuple[Ref, ...] = ()
    commands: tuple[Command, ...] = ()


Answer = Callable[[], Awaitable[Any]]
Fault = Callable[[Ask, Answer], Awaitable[Any]]


def raising(error: BaseException) -> Fault:
    """Raises this instead of answering."""

    async def fault(ask: Ask, answer: Answer) -> Any:
        raise error.with_traceback(None)

    return fault


def returning(value: object) -> Fault:
    """Returns this instead of the answer: a wrong type, nonsense."""

    async def fault(ask: Ask, answer: Answer) -> Any:
        return value

    return fault


def losing(error: BaseException) -> Fault:
    """Does what was asked, and loses the answer."""

    async def fault(ask: Ask, answer: Answer) -> Any:
        await answer()
        raise error.with_traceback(None)

    return fault


def blocking(until: threading.Event) -> Fault:
    """Blocks the thread, as a driver that knows no asyncio does."""

    async def fault(ask: Ask, answer: Answer) -> Any:
        until.wait()
        return await answer()

    return fault


def spinning(until: threading.Event) -> Fault:
    """Computes without a pause, and holds the interpreter while it does."""

    async def fault(ask: Ask, answer: Answer) -> Any:
        while not until.is_set():
            pass
        return await answer()

    return fault


def without(*ids: str) -> Fault:
    """Leaves these records out of the answer: a page that lost rows, a fetch with missing keys."""

    async def fault(ask: Ask, answer: Answer) -> Any:
        given = await answer()
        if isinstance(given, Page):
            return replace(given, items=[raw for raw in given.items if raw.id not in ids])
        return {id: found for id, found in given.items() if id not in ids}

    return fault


def with_rows(*raws: Raw) -> Fault:
    """Puts more records into every page."""

    async def fault(ask: Ask, answer: Answer) -> Any:
        page = await answer()
        return replace(page, items=[*page.items, *raws])

    return fault


def shuffled(seed: int) -> Fault:
    """Answers a page in another order."""

    async def fault(ask: Ask, answer: Answer) -> Any:
        page = await answer()
        order = random.Random(seed)  # noqa: S311 a test's order, not a secret
        return replace(page, items=order.sample(list(page.items), len(page.items)))

    return fault


class Signal:
    """Something that has happened or not. Any task of any event loop can wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._happened = False
        self._waiting: list[asyncio.Future[None]] = []

    def __bool__(self) -> bool:
        return self._happened

    def set(self) -> None:
        """It has happened."""
        with self._lock:
            self._happened = True
            waiting, self._waiting = self._waiting, []
        for future in waiting:
            with suppress(RuntimeError):  # its loop is closed
                future.get_loop().call_soon_threadsafe(_done, future)

    async def wait(self) -> None:
        """Wait until it has."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._happened:
                return
            self._waiting.append(future)
        await future


class Gate:
    """Holds calls until it is opened, and tells when one stands before it.

    ``Gate()`` holds the call before it is answered: the answer is what the store has then. ``Gate(late=True)`` lets the
    store answer and holds that answer back: it is what the store had, and arrives late.
    """

    def __init__(self, *, late: bool = False) -> None:
        self.late = late
        self.reached = Signal()
        self.opened = Signal()

    def open(self) -> None:
        """Let every call through, those to come as well."""
        self.opened.set()

    async def __call__(self, ask: Ask, answer: Answer) -> Any:
        given = await answer() if self.late else None
        self.reached.set()
        await self.opened.wait()
        return given if self.late else await answer()


def chained(faults: Sequence[Fault], ask: Ask, answer: Answer) -> Answer:
    """The answer as it comes out of all the faults; the first is the outermost."""
    for fault in reversed(faults):
        answer = _wrapped(fault, ask, answer)
    return answer


def _wrapped(fault: Fault, ask: Ask, answer: Answer) -> Answer:
    return lambda: fault(ask, answer)


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
