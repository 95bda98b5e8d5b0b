"""Batch loader: loads the values of one batch function and its arguments, each once per request.

Keys that are requested in the same iteration of the event loop share one call. The reference executor loads single
keys through `aiodataloader`, which calls this loader: it creates a future and two callbacks for each key, this loader
for each call. A list of 20 products loads some 700 values, so nothing here is done key by key that can be done at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import repeat
from typing import Any

from gateway.execution.compiler.single_read import SingleRead

Call = Callable[[list[Any]], Awaitable[Sequence[Any]]]


class _PendingCall:
    """A call of the batch function that has not ended.

    Attributes:
        task: runs it; the event loop alone would not keep it.
        keys: those whose values are wanted, in order.
    """

    __slots__ = ("ended", "is_canceled", "keys", "task")

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.keys: dict[Any, None] = {}
        self.ended = asyncio.Event()
        self.is_canceled = False


class CurrentRead:
    """Where the loaders of a request run now.

    Attributes:
        single_read: the one in which the request is executed now; None: the event loop.
    """

    __slots__ = ("single_read",)

    def __init__(self) -> None:
        self.single_read: SingleRead | None = None


class BatchLoader:
    """Loads values by key.

    Args:
        call: loads many; of a key that fails, it returns the exception.
        starting: calls that begin in the next iteration of the event loop, of all loaders of the request.
    """

    __slots__ = ("_call", "_current", "_has_errors", "_next", "_pending", "_starting", "_values")

    def __init__(self, call: Call, starting: set[object] | None = None, current: CurrentRead | None = None) -> None:
        self._call = call
        self._current = current or CurrentRead()
        self._starting: set[object] = set() if starting is None else starting
        self._values: dict[Any, Any] = {}
        self._pending: list[_PendingCall] = []
        self._next: _PendingCall | None = None
        self._has_errors = False

    def cache_values(self, values: Mapping[Any, Any]) -> None:
        """Cache values that are known otherwise, unless there are some. That of a key that failed is its exception."""
        self._values = {**values, **self._values}
        self._note_errors(values.values())

    def _note_errors(self, values: Iterable[Any]) -> None:
        self._has_errors = self._has_errors or any(map(isinstance, values, repeat(Exception)))

    def find_values(self, keys: Iterable[Any]) -> dict[Any, Any]:
        """Find the values of those keys that are loaded."""
        return {key: self._values[key] for key in keys if key in self._values}

    def clear(self, key: Any) -> None:
        """Discard the value of a key, also if it is being loaded."""
        self._values.pop(key, None)
        for call in self._pending:
            call.keys.pop(key, None)

    def start(self, keys: Iterable[Any]) -> None:
        """Begin to load those keys that are neither loaded nor being loaded."""
        values = self._values
        missing = [key for key in keys if key not in values]
        for call in self._pending:
            missing = [key for key in missing if key not in call.keys]
        if missing:
            self._get_next().keys.update(dict.fromkeys(missing))

    def _get_next(self) -> _PendingCall:
        """Return the call that begins soon."""
        if self._next is None:
            self._next = _PendingCall()
            self._pending.append(self._next)
            self._begin(self._next)
        return self._next

    def _begin(self, pending: _PendingCall) -> None:
        if self._current.single_read is not None:
            self._current.single_read.start(self._run(pending))
            return
        self._starting.add(pending)
        pending.task = asyncio.ensure_future(self._run(pending))
        pending.task.add_done_callback(partial(self._end, pending))

    def abandon_calls(self) -> None:
        """Forget the calls that a single read has not ended: it was left after an error."""
        self._next = None
        self._pending.clear()

    async def _wait(self, pending: _PendingCall) -> None:
        if self._current.single_read is None:
            await pending.ended.wait()
        else:
            await self._current.single_read.wait(pending.ended.is_set)

    async def _run(self, pending: _PendingCall) -> None:
        self._next = None
        self._starting.discard(pending)
        keys = list(pending.keys)
        self._store(pending, keys, await self._load(keys))
        self._close(pending)

    def _end(self, pending: _PendingCall, task: asyncio.Task[None]) -> None:
        """Close a call that was canceled, maybe before it began."""
        if not pending.ended.is_set():
            pending.is_canceled = task.cancelled()
            self._next = None if self._next is pending else self._next
            self._starting.discard(pending)
            self._close(pending)

    def _close(self, pending: _PendingCall) -> None:
        self._pending.remove(pending)
        pending.ended.set()

    async def _load(self, keys: list[Any]) -> Sequence[Any]:
        if not keys:  # they were cleared before the call began
            return ()
        try:
            values = await self._call(keys)
        except Exception as error:  # noqa: BLE001 raised where one of these values is needed
            return [error] * len(keys)
        if len(values) != len(keys):
            return [ValueError("a batch has another number of values than of keys")] * len(keys)
        return values

    def _store(self, pending: _PendingCall, keys: Sequence[Any], values: Sequence[Any]) -> None:
        loaded = dict(zip(keys, values, strict=True))
        if len(pending.keys) < len(keys):  # some were cleared meanwhile
            loaded = {key: loaded[key] for key in pending.keys}
        self._values.update(loaded)
        self._note_errors(values)

    async def collect(self, keys: Sequence[Any]) -> list[Any]:
        """Return the values of keys, in their order. The value of a key that failed is its exception."""
        while missing := [key for key in keys if key not in self._values]:
            self.start(missing)
            for call in self._list_calls(missing):
                await self._wait(call)
                if call.is_canceled:
                    raise asyncio.CancelledError
        values = self._values
        return [values[key] for key in keys]

    def _list_calls(self, keys: Sequence[Any]) -> list[_PendingCall]:
        """List the calls that load any of these keys."""
        return [call for call in self._pending if any(key in call.keys for key in keys)]

    async def load_many(self, keys: Sequence[Any]) -> list[Any]:
        """Return the values of keys, in their order.

        Raises:
            Exception: the first of these keys that failed has failed with it.
        """
        values = await self.collect(keys)
        if self._has_errors:
            for value in values:
                if isinstance(value, Exception):
                    raise value
        return values
