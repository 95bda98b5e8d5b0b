"""Fault injection for the in-memory channel.

A fault is a function of a call and of a function that returns the correct answer. Write your own like this::

    async def halve_page(ask: Ask, answer: Answer) -> Any:
        page = await answer()
        return Page(page.items[: len(page.items) // 2], page.next, page.mark)

    with store.under(halve_page, method="page"):
        ...
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gateway.sdk import Command, Page, Raw, Ref
from gateway.sdk._deprecated import alias_names


@dataclass(frozen=True, slots=True)
class Ask:
    """A call of the channel.

    Attributes:
        feed: Name of the feed, or of the type of command.
        method: ``page`` or ``fetch`` of a feed; ``send`` or ``find`` of a write.
        mark, token: Arguments of ``page``.
        refs: Arguments of ``fetch``.
        commands: Arguments of ``send`` and ``find``.
    """

    feed: str
    method: str
    mark: str | None = None
    token: str | None = None
    refs: tuple[Ref, ...] = ()
    commands: tuple[Command, ...] = ()


Answer = Callable[[], Awaitable[Any]]
Fault = Callable[[Ask, Answer], Awaitable[Any]]


def raise_error(error: BaseException) -> Fault:
    """Return a fault that raises an error instead of answering."""

    async def apply(ask: Ask, answer: Answer) -> Any:
        raise error.with_traceback(None)

    return apply


def return_value(value: object) -> Fault:
    """Return a fault that returns a value instead of the answer, such as a wrong type."""

    async def apply(ask: Ask, answer: Answer) -> Any:
        return value

    return apply


def lose_answer(error: BaseException) -> Fault:
    """Return a fault that performs the call and then raises an error, so that the answer is lost."""

    async def apply(ask: Ask, answer: Answer) -> Any:
        await answer()
        raise error.with_traceback(None)

    return apply


def block_thread(until: threading.Event) -> Fault:
    """Return a fault that blocks the thread until the event is set, like a synchronous driver."""

    async def apply(ask: Ask, answer: Answer) -> Any:
        until.wait()
        return await answer()

    return apply


def spin_thread(until: threading.Event) -> Fault:
    """Return a fault that computes until the event is set, and holds the interpreter lock meanwhile."""

    async def apply(ask: Ask, answer: Answer) -> Any:
        while not until.is_set():
            pass
        return await answer()

    return apply


def omit_records(*ids: str) -> Fault:
    """Return a fault that omits records from the answer of ``page`` or ``fetch``."""

    async def apply(ask: Ask, answer: Answer) -> Any:
        result = await answer()
        if isinstance(result, Page):
            return replace(result, items=[raw for raw in result.items if raw.id not in ids])
        return {id: record for id, record in result.items() if id not in ids}

    return apply


def add_records(*raws: Raw) -> Fault:
    """Return a fault that adds records to every page."""

    async def apply(ask: Ask, answer: Answer) -> Any:
        page = await answer()
        return replace(page, items=[*page.items, *raws])

    return apply


def shuffle_records(seed: int) -> Fault:
    """Return a fault that shuffles the records of a page."""

    async def apply(ask: Ask, answer: Answer) -> Any:
        page = await answer()
        order = random.Random(seed)  # noqa: S311 a test's order, not a secret
        return replace(page, items=order.sample(list(page.items), len(page.items)))

    return apply


class Signal:
    """An event that tasks of any event loop, in any thread, can wait for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_set = False
        self._waiting: list[asyncio.Future[None]] = []

    def __bool__(self) -> bool:
        return self._is_set

    def set(self) -> None:
        """Set the event and wake all waiting tasks."""
        with self._lock:
            self._is_set = True
            waiting, self._waiting = self._waiting, []
        for future in waiting:
            with suppress(RuntimeError):  # the loop of the task is closed
                future.get_loop().call_soon_threadsafe(_complete, future)

    async def wait(self) -> None:
        """Wait until the event is set."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._is_set:
                return
            self._waiting.append(future)
        await future


class Barrier:
    """A fault that holds calls until it is opened.

    ``Barrier()`` holds a call before it is answered: the answer contains the state of the store after opening.
    ``Barrier(late=True)`` computes the answer first and delivers it late.

    Attributes:
        late: Whether the answer is computed before the call is held.
        reached: Set when the first call is held.
        opened: Set when the barrier is opened.
    """

    def __init__(self, *, late: bool = False) -> None:
        self.late = late
        self.reached = Signal()
        self.opened = Signal()

    def open(self) -> None:
        """Let all calls pass, including future ones."""
        self.opened.set()

    async def __call__(self, ask: Ask, answer: Answer) -> Any:
        result = await answer() if self.late else None
        self.reached.set()
        await self.opened.wait()
        return result if self.late else await answer()


def apply_faults(faults: Sequence[Fault], ask: Ask, answer: Answer) -> Answer:
    """Return an answer function that applies all faults; the first fault is the outermost."""
    for fault in reversed(faults):
        answer = _wrap_answer(fault, ask, answer)
    return answer


def _wrap_answer(fault: Fault, ask: Ask, answer: Answer) -> Answer:
    return lambda: fault(ask, answer)


def _complete(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


if not TYPE_CHECKING:
    __getattr__ = alias_names(
        __name__,
        {
            "raising": "raise_error",
            "returning": "return_value",
            "losing": "lose_answer",
            "blocking": "block_thread",
            "spinning": "spin_thread",
            "without": "omit_records",
            "with_rows": "add_records",
            "shuffled": "shuffle_records",
            "chained": "apply_faults",
            "Gate": "Barrier",
        },
    )
